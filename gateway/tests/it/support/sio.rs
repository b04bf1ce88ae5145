//! A small Engine.IO and Socket.IO client, polling or over a WebSocket.

use super::{Door, Person, Said, soon, ws::witnessed};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, protocol::CloseFrame},
};
use uuid::Uuid;

/// Between the packets of a payload.
const BETWEEN: char = '\u{1e}';

/// How a client is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Polling,
    WebSocket,
    /// Polling, and then a WebSocket, as the official client does by default.
    Upgraded,
}

pub(crate) const TRANSPORTS: [Transport; 3] = [Transport::Polling, Transport::WebSocket, Transport::Upgraded];

/// The end of a connection: the code of its `close` event, whether it was disconnected (so that the client does not reconnect
/// by itself), and the code of the WebSocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) close_code: Option<u64>,
    pub(crate) disconnected: bool,
    pub(crate) socket: Option<u16>,
}

/// A client.
pub(crate) struct Sio {
    carrier: Carrier,
    pub(crate) address: SocketAddr,
    pub(crate) sid: String,
    /// Events that were received and not taken yet.
    events: VecDeque<(String, Value)>,
    acks: VecDeque<(u64, Value)>,
    /// The cursor of the last durable event that was read.
    pub(crate) cursor: String,
    end: Option<End>,
    close_code: Option<u64>,
    /// The server's reason of the close.
    pub(crate) reason: Option<String>,
    disconnected: bool,
    asked: u64,
    /// Emitted events without an acknowledgement.
    under_way: BTreeMap<u64, (String, Value)>,
}

enum Carrier {
    Polling(reqwest::Client),
    Socket(Box<WebSocketStream<TcpStream>>),
}

/// The status and body of an answer.
pub(crate) async fn answered(request: RequestBuilder) -> (StatusCode, String) {
    let response = soon("an answer", request.send()).await.expect("an answer");
    let status = response.status();
    (status, response.text().await.unwrap_or_default())
}

/// A client with a connection of its own for each request, as behind a balancer that knows of no sessions.
pub(crate) fn once() -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client")
}

pub(crate) fn polling(address: SocketAddr, sid: &str) -> String {
    let sid = if sid.is_empty() { String::new() } else { format!("&sid={sid}") };
    format!("http://{address}/socket.io/?EIO=4&transport=polling{sid}")
}

pub(crate) async fn web_socket(address: SocketAddr, sid: &str, window: Option<u32>) -> WebSocketStream<TcpStream> {
    let sid = if sid.is_empty() { String::new() } else { format!("&sid={sid}") };
    let socket = TcpSocket::new_v4().unwrap();
    if let Some(bytes) = window {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    let stream = socket.connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{sid}");
    soon("the upgrade", client_async(url, stream)).await.expect("an upgrade").0
}

impl Sio {
    /// Opens a session without credentials.
    pub(crate) async fn open(door: &Door, transport: Transport) -> Self {
        Self::open_with(door, transport, None).await
    }

    async fn open_with(door: &Door, transport: Transport, window: Option<u32>) -> Self {
        let address = door.address;
        let carrier = match transport {
            Transport::WebSocket => Carrier::Socket(Box::new(web_socket(address, "", window).await)),
            Transport::Polling | Transport::Upgraded => Carrier::Polling(once()),
        };
        let mut client = Self {
            carrier,
            address,
            sid: String::new(),
            events: VecDeque::new(),
            acks: VecDeque::new(),
            cursor: String::new(),
            end: None,
            close_code: None,
            reason: None,
            disconnected: false,
            asked: 0,
            under_way: BTreeMap::new(),
        };
        let packets = client.receive().await.expect("an open packet");
        let opening: Value = serde_json::from_str(packets[0].strip_prefix('0').expect("open")).unwrap();
        let upgrades = if transport == Transport::WebSocket { json!([]) } else { json!(["websocket"]) };
        assert_eq!((&opening["upgrades"], &opening["maxPayload"]), (&upgrades, &json!(65_536)));
        assert!(opening["pingInterval"].is_u64() && opening["pingTimeout"].is_u64());
        client.sid = opening["sid"].as_str().unwrap().to_owned();
        client
    }

    /// Connects a person, without or with a cursor.
    pub(crate) async fn connect(door: &Door, person: &Person, since: Option<&str>, transport: Transport) -> Self {
        Self::connect_with(door, person, since, transport, None).await.0
    }

    /// Connects a person with a receive window so small that the server soon notices a client that does not read.
    pub(crate) async fn connect_narrow(door: &Door, person: &Person, since: Option<&str>) -> Self {
        Self::connect_with(door, person, since, Transport::WebSocket, Some(4 * 1024)).await.0
    }

    pub(crate) async fn connect_with(
        door: &Door,
        person: &Person,
        since: Option<&str>,
        transport: Transport,
        window: Option<u32>,
    ) -> (Self, Value) {
        let mut client = Self::open_with(door, transport, window).await;
        let auth = json!({"token": person.token, "since": since});
        assert!(client.send(&format!("40{auth}")).await);
        let hello = client.event("hello").await;
        assert_eq!(hello["userId"], json!(person.id));
        client.cursor = hello["cursor"].as_str().unwrap().to_owned();
        if transport == Transport::Upgraded {
            client.upgrade().await;
        }
        (client, hello)
    }

    /// Moves to a WebSocket, as the official client does: probe, last poll, upgrade.
    pub(crate) async fn upgrade(&mut self) {
        let mut socket = web_socket(self.address, &self.sid, None).await;
        let (address, sid) = (self.address, self.sid.clone());
        // A poll is under way, as always.
        let last = tokio::spawn(async move {
            let request = reqwest::Client::new().get(polling(address, &sid));
            answered(request).await
        });
        socket.send(Message::text("2probe")).await.unwrap();
        assert_eq!(soon("3probe", socket.next()).await.unwrap().unwrap(), Message::text("3probe"));
        let (status, payload) = soon("the last poll", last).await.unwrap();
        assert_eq!(status, 200, "{payload}");
        payload.split(BETWEEN).for_each(|packet| self.take(packet));
        socket.send(Message::text("5")).await.unwrap();
        self.carrier = Carrier::Socket(Box::new(socket));
        // The last poll may contain a ping.
        self.send("3").await;
    }

    /// Sends packets together. Returns whether they were accepted.
    pub(crate) async fn send(&mut self, packets: &str) -> bool {
        match &mut self.carrier {
            Carrier::Polling(client) => {
                let request = client.post(polling(self.address, &self.sid)).body(packets.to_owned());
                answered(request).await == (StatusCode::OK, "ok".to_owned())
            }
            Carrier::Socket(socket) => {
                for packet in packets.split(BETWEEN) {
                    if soon("a frame to be sent", socket.send(Message::text(packet))).await.is_err() {
                        return false;
                    }
                }
                true
            }
        }
    }

    /// Sends a frame as it is.
    pub(crate) async fn send_frame(&mut self, frame: Message) {
        let Carrier::Socket(socket) = &mut self.carrier else { panic!("no socket") };
        let _ = soon("a frame to be sent", socket.send(frame)).await;
    }

    pub(crate) async fn emit(&mut self, name: &str, data: Value) {
        assert!(self.send(&format!("42{}", json!([name, data]))).await, "{name} was not taken");
    }

    /// Emits, and waits for the acknowledgement.
    pub(crate) async fn ask(&mut self, name: &str, data: Value) -> Value {
        let id = self.issue(name, data).await;
        self.answer(id).await
    }

    pub(crate) async fn issue(&mut self, name: &str, data: Value) -> u64 {
        self.asked += 1;
        let id = self.asked;
        let event = json!([name, data]);
        assert!(self.send(&format!("42{id}{event}")).await, "{name} was not taken");
        self.under_way.insert(id, (name.to_owned(), data));
        id
    }

    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        loop {
            if let Some(at) = self.acks.iter().position(|(acked, _)| *acked == id) {
                return self.acks.remove(at).unwrap().1;
            }
            assert!(self.read().await, "ended before the answer: {:?}", self.end);
        }
    }

    /// Runs a command of `/ws` that succeeds.
    pub(crate) async fn ok(&mut self, cmd: &str, data: Value) -> Value {
        let mut answer = self.ask("cmd", json!({"cmd": cmd, "data": data})).await;
        assert!(answer.get("ok").is_some(), "{cmd}: {answer}");
        answer["ok"].take()
    }

    /// The next event of this name.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            if let Some(at) = self.events.iter().position(|(event, _)| event == name) {
                return self.events.remove(at).unwrap().1;
            }
            assert!(self.read().await, "ended before {name}: {:?}", self.end);
        }
    }

    /// All events that were read and not taken, in order.
    pub(crate) fn events(&mut self) -> Vec<(String, Value)> {
        self.events.drain(..).collect()
    }

    /// Reads until the connection ends.
    pub(crate) async fn end(&mut self) -> End {
        // A session that goes on pings for ever.
        soon("the end", async { while self.read().await {} }).await;
        self.end.unwrap()
    }

    /// All events until now, up to the reaction in a room of one's own.
    pub(crate) async fn fence(&mut self) -> Vec<(String, Value)> {
        let room = self.group(&[], "fence").await;
        let message = self.ok("message.send", json!({"conversationId": room, "content": "fence"})).await;
        let fence = self.ok("message.react", json!({"messageId": message["id"], "emoji": "🚧"})).await;
        self.up_to(fence["position"].as_u64().unwrap()).await
    }

    /// Events up to and including the medium one at `position`.
    pub(crate) async fn up_to(&mut self, position: u64) -> Vec<(String, Value)> {
        loop {
            let at = self.events.iter().position(|(name, data)| name.contains('.') && data["position"] == position);
            if let Some(at) = at {
                return self.events.drain(..=at).collect();
            }
            assert!(self.read().await, "ended before {position}: {:?}", self.end);
        }
    }

    pub(crate) async fn group(&mut self, members: &[Uuid], title: &str) -> String {
        let made = self.ok("conversation.create", json!({"type": "group", "title": title, "members": members})).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Reads the next packets. False after the end.
    pub(crate) async fn read(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        match self.receive().await {
            Ok(packets) => {
                for packet in &packets {
                    if packet == "2" {
                        self.send("3").await;
                    }
                    self.take(packet);
                }
            }
            Err(socket) => self.finish(socket),
        }
        true
    }

    /// The next payload or frame, or the code that a WebSocket was closed with.
    pub(crate) async fn receive(&mut self) -> Result<Vec<String>, Option<u16>> {
        match &mut self.carrier {
            Carrier::Polling(client) => {
                let request = client.get(polling(self.address, &self.sid));
                match soon("a poll", request.send()).await {
                    Ok(response) if response.status() == StatusCode::OK => {
                        let payload = response.text().await.map_err(|_| None)?;
                        Ok(payload.split(BETWEEN).map(str::to_owned).collect())
                    }
                    _ => Err(None),
                }
            }
            Carrier::Socket(socket) => loop {
                return match soon("a frame", socket.next()).await {
                    Some(Ok(Message::Text(text))) => Ok(vec![text.to_string()]),
                    Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => Err(Some(code.into())),
                    Some(Ok(_)) => continue,
                    Some(Err(_)) | None => Err(None),
                };
            },
        }
    }

    fn finish(&mut self, socket: Option<u16>) {
        self.end = Some(End { close_code: self.close_code, disconnected: self.disconnected, socket });
    }

    fn take(&mut self, packet: &str) {
        if packet == "1" {
            return self.finish(None);
        }
        let Some(packet) = packet.strip_prefix('4') else { return };
        let (kind, rest) = packet.split_at(1);
        match kind {
            "1" => self.disconnected = true,
            "2" => {
                let (name, data): (String, Value) = serde_json::from_str(rest).expect("an event");
                witnessed(&Said::Event(&name, &data));
                if name == "close" {
                    self.close_code = data["code"].as_u64();
                    self.reason = data["reason"].as_str().map(str::to_owned);
                }
                if let Some(cursor) = data["cursor"].as_str().filter(|_| data["position"].is_u64()) {
                    self.cursor = cursor.to_owned();
                }
                self.events.push_back((name, data));
            }
            "3" => {
                let (id, data) = rest.split_at(rest.find('[').unwrap());
                let (id, [data]): (u64, [Value; 1]) = (id.parse().unwrap(), serde_json::from_str(data).unwrap());
                if let Some((name, payload)) = self.under_way.remove(&id) {
                    witnessed(&Said::Emitted(&name, &payload, &data));
                }
                self.acks.push_back((id, data));
            }
            "0" => assert!(rest.contains("sid")),
            "4" => self.events.push_back(("connect_error".to_owned(), serde_json::from_str(rest).unwrap_or_default())),
            _ => panic!("{packet}"),
        }
    }
}

/// The durable events among these under their names on `/ws`, without what is different each time.
pub(crate) fn durable(events: &[(String, Value)]) -> Vec<(String, Value)> {
    let durable = events.iter().filter(|(_, data)| data["position"].is_u64());
    durable
        .map(|(name, data)| {
            let mut data = data.clone();
            data.as_object_mut().unwrap().remove("cursor");
            (name.clone(), data)
        })
        .collect()
}

pub(crate) fn names(events: &[(String, Value)]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.as_str()).collect()
}
