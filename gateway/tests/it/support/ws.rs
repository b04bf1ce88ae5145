//! Clients of `/ws`.

use super::soon;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{LazyLock, OnceLock},
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, http::Response, protocol::CloseFrame},
};
use uuid::Uuid;

/// A frame or event on a socket of this test.
pub(crate) enum Said<'s> {
    /// A command of `/ws`, and its reply.
    Command(&'s Value, &'s Value),
    /// Any other frame of the server on `/ws`.
    Frame(&'s Value),
    /// An event that a Socket.IO client emitted, its payload, and the acknowledgement.
    Emitted(&'s str, &'s Value, &'s Value),
    /// An event that the server emitted.
    Event(&'s str, &'s Value),
}

/// Receives everything, if a test sets it.
pub(crate) static WITNESS: OnceLock<fn(&Said<'_>)> = OnceLock::new();

pub(crate) fn witnessed(said: &Said<'_>) {
    if let Some(witness) = WITNESS.get() {
        witness(said);
    }
}

/// A client of `/ws`.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    pub(crate) response: Response<Option<Vec<u8>>>,
    /// Signals other than presence that were received and not taken yet.
    signals: VecDeque<Value>,
    /// Presence signals that were received and not taken yet.
    presences: VecDeque<Value>,
    /// The cursor after the last push that was taken.
    pub(crate) cursor: String,
    /// Pushes that were received and not taken yet.
    pushes: VecDeque<Value>,
    sent: u64,
    /// Commands without a reply, by their ids.
    under_way: BTreeMap<String, Value>,
}

/// How a socket ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed(u16),
    Lost,
}

impl Client {
    pub(super) fn new(socket: WebSocketStream<TcpStream>, response: Response<Option<Vec<u8>>>) -> Self {
        let [pushes, signals, presences] = Default::default();
        let under_way = BTreeMap::new();
        Self { socket, response, cursor: String::new(), pushes, signals, presences, sent: 0, under_way }
    }

    /// Reads the first frame.
    pub(crate) async fn hello(&mut self) -> Value {
        let hello = self.frame().await.expect("a hello")["hello"].take();
        self.cursor = hello["cursor"].as_str().expect("hello first").to_owned();
        hello
    }

    pub(crate) async fn send_text(&mut self, text: impl Into<String>) {
        self.send(Message::Text(text.into().into())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        soon("a frame to be sent", self.socket.send(message)).await.unwrap();
    }

    /// Sends a text to a server that may close the socket; whether it could be sent.
    pub(crate) async fn try_send_text(&mut self, text: String) -> bool {
        soon("a frame to be sent", self.socket.send(Message::text(text))).await.is_ok()
    }

    /// The next text frame that is no signal, or how the socket ended.
    pub(crate) async fn frame(&mut self) -> Result<Value, End> {
        loop {
            let frame = self.any_frame().await?;
            if let Some(frame) = self.kept(frame) {
                return Ok(frame);
            }
        }
    }

    /// Keeps a signal for later. Returns any other frame.
    fn kept(&mut self, frame: Value) -> Option<Value> {
        match frame.get("signal").and_then(Value::as_str) {
            None => return Some(frame),
            Some("presence") => self.presences.push_back(frame),
            Some(_) => self.signals.push_back(frame),
        }
        None
    }

    /// The next signal other than presence.
    pub(crate) async fn signal(&mut self) -> Value {
        loop {
            if let Some(signal) = self.signals.pop_front() {
                return signal;
            }
            self.read_on().await;
        }
    }

    /// The data of the next presence signal.
    pub(crate) async fn presence(&mut self) -> Value {
        loop {
            if let Some(mut signal) = self.presences.pop_front() {
                return signal["data"].take();
            }
            self.read_on().await;
        }
    }

    /// Reads a frame while a signal is waited for.
    async fn read_on(&mut self) {
        let frame = self.any_frame().await.expect("a signal");
        if let Some(frame) = self.kept(frame) {
            self.pushes.extend(frame.get("event").is_some().then_some(frame));
        }
    }

    async fn any_frame(&mut self) -> Result<Value, End> {
        loop {
            return match soon("a frame", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).expect("JSON");
                    self.witness(&frame);
                    Ok(frame)
                }
                Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => Err(End::Closed(code.into())),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Err(End::Lost),
            };
        }
    }

    fn witness(&mut self, frame: &Value) {
        match frame["reply"].as_str().and_then(|id| self.under_way.remove(id)) {
            Some(command) => witnessed(&Said::Command(&command, frame)),
            None => witnessed(&Said::Frame(frame)),
        }
    }

    /// Reads until the socket ends.
    pub(crate) async fn end(&mut self) -> End {
        loop {
            match self.frame().await {
                Ok(frame) if frame.get("event").is_some() => self.pushes.push_back(frame),
                Ok(_) => (),
                Err(end) => return end,
            }
        }
    }

    /// Issues a command without waiting for its reply.
    pub(crate) async fn issue(&mut self, cmd: &str, data: Value) -> String {
        self.sent += 1;
        let id = self.sent.to_string();
        let command = json!({"id": id, "cmd": cmd, "data": data});
        self.send_text(command.to_string()).await;
        self.under_way.insert(id.clone(), command);
        id
    }

    /// The reply to a command.
    pub(crate) async fn reply(&mut self, id: &str) -> Value {
        loop {
            let frame = self.frame().await.expect("a reply");
            if frame.get("event").is_some() {
                self.pushes.push_back(frame);
            } else if frame["reply"] == id {
                return frame;
            }
        }
    }

    /// Runs a command that succeeds, and returns its `ok`.
    pub(crate) async fn ok(&mut self, cmd: &str, data: Value) -> Value {
        let id = self.issue(cmd, data).await;
        let mut reply = self.reply(&id).await;
        assert!(reply.get("ok").is_some(), "{cmd}: {reply}");
        reply["ok"].take()
    }

    /// Runs a command that is refused, and returns its problem.
    pub(crate) async fn refused(&mut self, cmd: &str, data: Value) -> Value {
        let id = self.issue(cmd, data).await;
        let mut reply = self.reply(&id).await;
        assert!(reply.get("error").is_some(), "{cmd}: {reply}");
        assert_listed(&reply["error"]);
        reply["error"].take()
    }

    /// The next push.
    pub(crate) async fn push(&mut self) -> Value {
        let push = match self.pushes.pop_front() {
            Some(push) => push,
            None => loop {
                let frame = self.frame().await.expect("a push");
                if frame.get("event").is_some() {
                    break frame;
                }
            },
        };
        self.cursor = push["cursor"].as_str().expect("a cursor").to_owned();
        push
    }

    /// Pushes up to and including the one at `position`.
    pub(crate) async fn pushes_to(&mut self, position: u64) -> Vec<Value> {
        let mut pushes = Vec::new();
        while pushes.last().is_none_or(|last: &Value| last["position"] != position) {
            pushes.push(self.push().await);
        }
        pushes
    }

    /// The pushes that came before the socket ended.
    pub(crate) fn left_over(&mut self) -> Vec<Value> {
        let pushes: Vec<_> = self.pushes.drain(..).collect();
        if let Some(last) = pushes.last() {
            self.cursor = last["cursor"].as_str().unwrap().to_owned();
        }
        pushes
    }

    /// All pushes until now, up to the reaction in a room of one's own. Returns also the position of that reaction.
    pub(crate) async fn fence(&mut self) -> (Vec<Value>, u64) {
        let room = self.group(&[], "fence").await;
        let message = self.say(&room, "fence").await;
        let fence = self.ok("message.react", json!({"messageId": message["id"], "emoji": "🚧"})).await;
        let position = fence["position"].as_u64().expect("a position");
        (self.pushes_to(position).await, position)
    }

    /// Opens a group, and returns its id.
    pub(crate) async fn group(&mut self, members: &[Uuid], title: &str) -> String {
        let made = self.ok("conversation.create", json!({"type": "group", "title": title, "members": members})).await;
        made["id"].as_str().expect("an id").to_owned()
    }

    /// Posts a message.
    pub(crate) async fn say(&mut self, conversation: &str, content: &str) -> Value {
        let data = json!({"conversationId": conversation, "messageType": "TEXT", "content": content});
        self.ok("message.send", data).await
    }
}

/// Asserts that the AsyncAPI document lists the code and status of a problem.
fn assert_listed(problem: &Value) {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(sockets::asyncapi::document::<operations::Operations>);
    let lists = |schema: &str, is_it: &dyn Fn(&Value) -> bool| {
        let codes = DOCUMENT["components"]["schemas"][schema]["properties"]["code"]["x-codes"].as_array();
        codes.expect("a list of codes").iter().any(is_it)
    };
    let is_it = |listed: &Value| listed["code"] == problem["code"] && listed["status"] == problem["status"];
    assert!(lists("Problem", &is_it), "{problem} is not listed");
    for error in problem["errors"].as_array().into_iter().flatten() {
        assert!(lists("FieldProblem", &|listed| listed["code"] == error["code"]), "{error} is not listed");
    }
}

/// A push without its cursor, which differs between deliveries.
pub(crate) fn essence(push: &Value) -> Value {
    let mut push = push.clone();
    push.as_object_mut().unwrap().remove("cursor");
    push
}

/// In position order: live, a high event may overtake a medium one.
pub(crate) fn in_order(mut pushes: Vec<Value>) -> Vec<Value> {
    pushes.sort_by_key(position);
    pushes
}

pub(crate) fn position(push: &Value) -> u64 {
    push["position"].as_u64().expect("a position")
}

pub(crate) fn names(pushes: &[Value]) -> Vec<&str> {
    pushes.iter().map(|push| push["event"].as_str().unwrap()).collect()
}
