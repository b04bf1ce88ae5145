//! A server in the test's own process, and the requests of people at a gateway.

use super::{Client, DEADLINE, PASSWORD, Person, Reply, document::assert_documented, registration, soon};
use config::{Config, PasswordCost, SocketSettings};
use event_store::{EventStore, Keys, Selection, Settings};
use gateway::Application;
use reqwest::{Method, RequestBuilder, StatusCode};
use rest::HttpApp;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    ops::Deref,
    sync::{Arc, LazyLock},
};
use testkit::Home;
use tokio::{net::TcpSocket, task::JoinHandle};
use tokio_tungstenite::{
    client_async,
    tungstenite::{
        Error,
        client::IntoClientRequest as _,
        http::{HeaderValue, Response},
    },
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The address of a gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
}

/// A server in the test's own process.
pub(crate) struct Server {
    door: Door,
    /// Its parts, for what no gateway offers.
    pub(crate) app: HttpApp,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Limits that no test reaches by accident.
pub(crate) fn roomy() -> SocketSettings {
    SocketSettings {
        frames_per_second: 100_000,
        frames_at_once: 100_000,
        signals_worth: DEADLINE,
        ..SocketSettings::default()
    }
}

/// A configuration for `home`, with passwords that are cheap to hash.
pub(crate) fn config(home: &Home) -> Config {
    Config {
        host: "127.0.0.1".to_owned(),
        port: 0,
        wait: DEADLINE,
        data: home.folder().to_owned(),
        database_url: home.database_url(),
        rabbitmq_url: home.rabbitmq_url(),
        redis_url: home.redis_url(),
        namespace: home.namespace().to_owned(),
        rate_limits: false,
        sockets: roomy(),
        password_cost: PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 },
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
            tokio::spawn(async move { application.run(stopped).await.expect("the server ends without an error") });
        Self { door, app, stop, task }
    }

    /// Ends it as a crash would.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Stops it, and waits for the end.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        soon("the server to stop", self.task).await.expect("the server does not panic");
    }

    /// The log's last position.
    pub(crate) async fn head(&self) -> u64 {
        self.app.store.head().await.expect("the head").position
    }

    /// Registers the first administrator, with the bootstrap token.
    pub(crate) async fn administrator(&self) -> Person {
        let token = self.app.bootstrap.offered(&self.app.store).await.expect("the log").expect("a token is offered");
        let mut request = registration("root");
        request["bootstrapToken"] = json!(token);
        Person::of(self, &self.anonymous("/auth/register", request).await.expect(StatusCode::CREATED))
    }
}

impl Deref for Server {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

/// A connection per request, so that none counts while it is idle.
static HTTP: LazyLock<reqwest::Client> =
    LazyLock::new(|| reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client"));

impl Door {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str, token: Option<&str>) -> RequestBuilder {
        let request = HTTP.request(method, self.url(path)).timeout(DEADLINE);
        token.into_iter().fold(request, |request, token| request.bearer_auth(token))
    }

    /// Sends a request. The answer must be one that the document names.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Reply {
        let request = request.build().expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = HTTP.execute(request).await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let is_text = headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
        let body = match text {
            text if text.is_empty() => Value::Null,
            text if is_text => Value::String(text),
            text => serde_json::from_str(&text).expect("JSON"),
        };
        assert!(headers.contains_key("x-request-id"), "{method} {path} answered without x-request-id");
        let reply = Reply { status, headers, body };
        assert_documented(&method, &path, &reply);
        reply
    }

    pub(crate) async fn anonymous(&self, path: &str, body: Value) -> Reply {
        self.send(self.request(Method::POST, path, None).json(&body)).await
    }

    pub(crate) async fn register(&self, name: &str) -> Person {
        Person::of(self, &self.anonymous("/auth/register", registration(name)).await.expect(StatusCode::CREATED))
    }

    /// Signs in on another device.
    pub(crate) async fn login(&self, person: &Person) -> Person {
        self.sign_in(&person.email).await
    }

    pub(crate) async fn sign_in(&self, email: &str) -> Person {
        let credentials = json!({"email": email, "password": PASSWORD});
        Person::of(self, &self.anonymous("/auth/login", credentials).await.expect(StatusCode::OK))
    }

    pub(crate) async fn call(&self, person: &Person, method: Method, path: &str, body: Value) -> Reply {
        person.at(self).call(method, path, body).await
    }

    pub(crate) async fn get(&self, person: &Person, path: &str) -> Reply {
        person.at(self).get(path).await
    }

    pub(crate) async fn post(&self, person: &Person, path: &str, body: Value) -> Reply {
        person.at(self).post(path, body).await
    }

    pub(crate) async fn get_until(&self, person: &Person, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        person.at(self).get_until(path, wanted).await
    }

    /// Reads successfully.
    pub(crate) async fn read(&self, person: &Person, path: &str) -> Value {
        self.get(person, path).await.ok()
    }

    /// Reads something that shows the event at `position`.
    pub(crate) async fn read_at(&self, person: &Person, path: &str, position: u64) -> Value {
        person.at(self).read_at(path, position).await
    }

    /// Posts successfully.
    pub(crate) async fn write(&self, person: &Person, path: &str, body: Value) -> Value {
        self.post(person, path, body).await.ok()
    }

    /// Opens a conversation, and returns its id.
    pub(crate) async fn conversation(&self, by: &Person, kind: &str, others: &[&Person]) -> String {
        let members: Vec<_> = others.iter().map(|person| person.id).collect();
        let reply = self.post(by, "/conversations", json!({"type": kind, "members": members})).await;
        reply.expect(StatusCode::CREATED)["id"].as_str().expect("an id").to_owned()
    }

    /// Posts a text, and returns the message.
    pub(crate) async fn text(&self, by: &Person, conversation: &str, content: &str) -> Value {
        let path = format!("/conversations/{conversation}/messages");
        self.post(by, &path, json!({"messageType": "TEXT", "content": content})).await.expect(StatusCode::CREATED)
    }

    /// Uploads a file of three bytes, and returns it.
    pub(crate) async fn file(&self, by: &Person) -> Value {
        let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cat.txt\"\r\n\r\n";
        let request = self.request(Method::POST, "/files", Some(&by.token));
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        self.send(request.body(format!("{head}cat\r\n--b--\r\n"))).await.expect(StatusCode::CREATED)
    }

    /// Changes a person's preferences.
    pub(crate) async fn prefers(&self, person: &Person, preferences: Value) {
        self.call(person, Method::PATCH, "/users/me", json!({"preferences": preferences})).await.ok();
    }

    /// Makes friends of two people.
    pub(crate) async fn befriend(&self, one: &Person, other: &Person) {
        self.write(one, "/friends", json!({"userId": other.id})).await;
        self.write(other, &format!("/friends/{}/accept", one.id), json!({})).await;
    }

    /// The presence of people as one person sees it.
    pub(crate) async fn presences(&self, asks: &Person, of: &[Uuid]) -> Vec<Value> {
        let ids = of.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
        let mut answer = self.read(asks, &format!("/presence?userIds={ids}")).await;
        serde_json::from_value(answer["items"].take()).expect("a list")
    }

    /// Connects a person to `/ws`, without or with a cursor.
    pub(crate) async fn connect(&self, person: &Person, since: Option<&str>) -> Client {
        person.at(self).connect(since).await
    }

    pub(crate) async fn connect_narrow(&self, person: &Person) -> Client {
        person.at(self).connect_narrow().await
    }

    /// Opens a socket. An error is the answer that refuses the upgrade.
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

    pub(super) async fn dial(
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

/// Opens the log of a server that was stopped.
pub(crate) async fn log_of(home: &Home) -> (EventStore, Vec<Arc<event_store::RecordedEvent>>) {
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
