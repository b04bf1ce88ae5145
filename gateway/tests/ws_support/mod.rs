//! A server of a test, and clients that speak to its `/ws`.

#![allow(dead_code, clippy::allow_attributes, reason = "no test uses all of it")]
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use event_store::{EventStore, Keys, Selection, Settings};
use futures_util::{SinkExt as _, StreamExt as _};
use gateway::{App, Application, Config, hub::HubSettings};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::VecDeque, future::Future, net::SocketAddr, ops::Deref, time::Duration};
use testkit::Home;
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        http::{HeaderValue, Response},
        protocol::CloseFrame,
    },
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Longer than anything here takes on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// What happens before the deadline.
pub(crate) async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    timeout(DEADLINE, happens).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Asks until it is so.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(what, asking).await;
}

/// Where a server listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
}

/// A server that runs in the test's own process.
pub(crate) struct Server {
    door: Door,
    /// Its parts, for what has no door yet.
    pub(crate) app: App,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Limits that no test meets by accident.
pub(crate) fn roomy() -> HubSettings {
    HubSettings { frames_per_second: 100_000, frames_at_once: 100_000, ..HubSettings::default() }
}

pub(crate) fn config(home: &Home) -> Config {
    Config {
        host: "127.0.0.1".to_owned(),
        port: 0,
        data: home.folder().to_owned(),
        database_url: home.database_url(),
        rabbitmq_url: home.rabbitmq_url(),
        redis_url: home.redis_url(),
        namespace: home.namespace().to_owned(),
        rate_limits: false,
        hub: roomy(),
        password_cost: commands::PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 },
        ..Config::default()
    }
}

impl Server {
    pub(crate) async fn start(home: &Home) -> Self {
        Self::start_with(config(home)).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let application = Application::build(config).await.expect("the server starts");
        let (door, app) = (Door { address: application.local_addr() }, application.app().clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task =
            tokio::spawn(async move { application.run(stopped).await.expect("the server ends when it is told to") });
        Self { door, app, stop, task }
    }

    /// Ends it as a crash would: nothing is put in order, and nobody is told.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Stops it, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        soon("the server to stop", self.task).await.expect("the server does not panic");
    }
}

impl Deref for Server {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl Door {
    /// Registers somebody.
    pub(crate) async fn register(&self, name: &str) -> Person {
        let body = json!({
            "email": format!("{name}@example.org"),
            "password": "a good password",
            "firstName": name,
            "lastName": "Test",
        });
        let answer = self.post("/auth/register", None, body).await;
        Person::of(name, &answer)
    }

    /// Signs in on another device.
    pub(crate) async fn login(&self, person: &Person) -> Person {
        let body = json!({"email": format!("{}@example.org", person.name), "password": "a good password"});
        Person::of(&person.name, &self.post("/auth/login", None, body).await)
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: Value) -> Value {
        self.write(Method::POST, path, token, body).await
    }

    /// Changes somebody's preferences.
    pub(crate) async fn prefers(&self, person: &Person, preferences: Value) {
        self.write(Method::PATCH, "/users/me", Some(&person.token), json!({"preferences": preferences})).await;
    }

    pub(crate) async fn write(&self, method: Method, path: &str, token: Option<&str>, body: Value) -> Value {
        let request = reqwest::Client::new().request(method, format!("http://{}{path}", self.address)).json(&body);
        let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
        let response = soon(path, request.send()).await.expect("an answer");
        assert!(response.status().is_success(), "{path} answered {}", response.status());
        serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default()
    }

    /// Makes friends of two people.
    pub(crate) async fn befriend(&self, one: &Person, other: &Person) {
        self.post("/friends", Some(&one.token), json!({"userId": other.id})).await;
        self.post(&format!("/friends/{}/accept", one.id), Some(&other.token), json!({})).await;
    }

    /// How people are here, to somebody who asks.
    pub(crate) async fn presences(&self, asks: &Person, of: &[Uuid]) -> Vec<Value> {
        let ids = of.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
        let mut answer = self.get(&format!("/presence?userIds={ids}"), asks).await;
        serde_json::from_value(answer["items"].take()).expect("a list")
    }

    pub(crate) async fn get(&self, path: &str, person: &Person) -> Value {
        self.get_at(path, person, 0).await
    }

    /// What is read, once it shows the event at `position`.
    pub(crate) async fn get_at(&self, path: &str, person: &Person, position: u64) -> Value {
        let request = reqwest::Client::new().get(format!("http://{}{path}", self.address)).bearer_auth(&person.token);
        let request = request.header("x-chatchit-position", position);
        let response = soon(path, request.send()).await.expect("an answer");
        assert!(response.status().is_success(), "{path} answered {}", response.status());
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    /// Connects somebody, without or with a cursor.
    pub(crate) async fn connect(&self, person: &Person, since: Option<&str>) -> Client {
        let mut client = self.open(Some(&person.token), None, since).await.expect("an upgrade");
        client.hello().await;
        client
    }

    /// Opens a socket with what is given; answers the server's refusal of the upgrade.
    pub(crate) async fn open(
        &self,
        token: Option<&str>,
        subprotocols: Option<&str>,
        since: Option<&str>,
    ) -> Result<Client, Response<Option<Vec<u8>>>> {
        let query = since.map(|since| format!("?since={since}")).unwrap_or_default();
        let headers = [
            ("authorization", token.map(|token| format!("Bearer {token}"))),
            ("sec-websocket-protocol", subprotocols.map(str::to_owned)),
        ];
        self.open_at(&format!("/ws{query}"), &headers).await
    }

    pub(crate) async fn open_at(
        &self,
        path: &str,
        headers: &[(&'static str, Option<String>)],
    ) -> Result<Client, Response<Option<Vec<u8>>>> {
        self.dial(path, headers, None).await
    }

    /// Connects somebody with so small a window that it is soon felt when they do not read.
    pub(crate) async fn connect_narrow(&self, person: &Person) -> Client {
        let headers = [("authorization", Some(format!("Bearer {}", person.token)))];
        let mut client = self.dial("/ws", &headers, Some(4 * 1024)).await.expect("an upgrade");
        client.hello().await;
        client
    }

    async fn dial(
        &self,
        path: &str,
        headers: &[(&'static str, Option<String>)],
        window: Option<u32>,
    ) -> Result<Client, Response<Option<Vec<u8>>>> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            if let Some(value) = value {
                request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
            }
        }
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = window {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let stream = soon("a connection", socket.connect(self.address)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        match soon("the upgrade", client_async(request, stream)).await {
            Ok((socket, response)) => Ok(Client::new(socket, response)),
            Err(Error::Http(response)) => Err(*response),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Somebody with an account.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) id: Uuid,
    pub(crate) token: String,
}

impl Person {
    fn of(name: &str, answer: &Value) -> Self {
        Self {
            name: name.to_owned(),
            id: answer["user"]["id"].as_str().expect("an id").parse().unwrap(),
            token: answer["accessToken"].as_str().expect("a token").to_owned(),
        }
    }
}

/// A client.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    pub(crate) response: Response<Option<Vec<u8>>>,
    /// Signals that came while something else was waited for.
    signals: VecDeque<Value>,
    /// And those that say how people are here.
    presences: VecDeque<Value>,
    /// The cursor after the last push that was taken.
    pub(crate) cursor: String,
    /// Pushes that came while something else was waited for.
    pushes: VecDeque<Value>,
    sent: u64,
}

/// How a socket ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed(u16),
    Lost,
}

impl Client {
    fn new(socket: WebSocketStream<TcpStream>, response: Response<Option<Vec<u8>>>) -> Self {
        let [pushes, signals, presences] = Default::default();
        Self { socket, response, cursor: String::new(), pushes, signals, presences, sent: 0 }
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

    /// The next text frame that is no signal, or how the socket ended.
    pub(crate) async fn frame(&mut self) -> Result<Value, End> {
        loop {
            let frame = self.any_frame().await?;
            if let Some(frame) = self.kept(frame) {
                return Ok(frame);
            }
        }
    }

    /// Lays a signal aside; answers any other frame.
    fn kept(&mut self, frame: Value) -> Option<Value> {
        match frame.get("signal").and_then(Value::as_str) {
            None => return Some(frame),
            Some("presence") => self.presences.push_back(frame),
            Some(_) => self.signals.push_back(frame),
        }
        None
    }

    /// The next signal that does not say how somebody is here.
    pub(crate) async fn signal(&mut self) -> Value {
        loop {
            if let Some(signal) = self.signals.pop_front() {
                return signal;
            }
            self.hear().await;
        }
    }

    /// How somebody is here, as it is told next.
    pub(crate) async fn presence(&mut self) -> Value {
        loop {
            if let Some(mut signal) = self.presences.pop_front() {
                return signal["data"].take();
            }
            self.hear().await;
        }
    }

    /// Reads on, while signals are waited for.
    async fn hear(&mut self) {
        let frame = self.any_frame().await.expect("a signal");
        if let Some(frame) = self.kept(frame) {
            self.pushes.extend(frame.get("event").is_some().then_some(frame));
        }
    }

    async fn any_frame(&mut self) -> Result<Value, End> {
        loop {
            return match soon("a frame", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => Err(End::Closed(code.into())),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Err(End::Lost),
            };
        }
    }

    /// Reads until the server pings.
    pub(crate) async fn pinged(&mut self) {
        while !matches!(soon("a ping", self.socket.next()).await, Some(Ok(Message::Ping(_)))) {}
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
        self.send_text(json!({"id": id, "cmd": cmd, "data": data}).to_string()).await;
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

    /// Runs a command that succeeds; its `ok`.
    pub(crate) async fn ok(&mut self, cmd: &str, data: Value) -> Value {
        let id = self.issue(cmd, data).await;
        let mut reply = self.reply(&id).await;
        assert!(reply.get("ok").is_some(), "{cmd}: {reply}");
        reply["ok"].take()
    }

    /// Runs a command that is refused; its problem.
    pub(crate) async fn refused(&mut self, cmd: &str, data: Value) -> Value {
        let id = self.issue(cmd, data).await;
        let mut reply = self.reply(&id).await;
        assert!(reply.get("error").is_some(), "{cmd}: {reply}");
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

    /// Everything that came before now: what a room of one's own tells of itself comes after all else. Answers
    /// the position of the fence, too.
    pub(crate) async fn fence(&mut self) -> (Vec<Value>, u64) {
        let room = self.group(&[], "fence").await;
        let message = self.say(&room, "fence").await;
        let fence = self.ok("message.react", json!({"messageId": message["id"], "emoji": "🚧"})).await;
        let position = fence["position"].as_u64().expect("a position");
        (self.pushes_to(position).await, position)
    }

    /// Opens a group; its id.
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

/// What stays the same however a push comes.
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

/// The log of a server that was stopped, opened.
pub(crate) async fn log_of(home: &Home) -> (EventStore, Vec<std::sync::Arc<event_store::RecordedEvent>>) {
    let config = config(home);
    let keys = Keys { master: config.master_key().expect("the key").0 };
    let clock = || domain::Timestamp::from_millis(0);
    let settings = Settings { location: config.log_location(), connections: 2, partitions: 16, keys, clock };
    let (store, _batches) = EventStore::open(settings).await.expect("the log");
    let mut events = Vec::new();
    loop {
        let after = events.len() as u64;
        let page = store.read_after(after, &Selection::All, 1_000).await.expect("a page");
        if page.is_empty() {
            return (store, events);
        }
        events.extend(page);
    }
}
