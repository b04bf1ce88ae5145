//! A backup of a server under traffic, restored to another server.

use crate::support::{Answer, program};
use config::{Config, PasswordCost, Secret, SocketSettings};
use futures_util::{SinkExt as _, StreamExt as _};
use gateway::Application;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use testkit::{Home, Mix, each_mix};
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};
use tokio_util::sync::CancellationToken;

/// The longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(60);
/// As `program` sets it.
const SECRET: &str = "a secret of 32 bytes, or a few more than that";
const CONTENT: &[u8] = b"the bytes of a file";

async fn soon<T>(what: &str, wanted: impl Future<Output = T>) -> T {
    timeout(DEADLINE, wanted).await.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

/// A server of a home, on the broker and the graph of another.
struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(home: &Home, engines: &Home) -> Self {
        let config = Config {
            host: "127.0.0.1".to_owned(),
            port: 0,
            wait: DEADLINE,
            data: home.folder().to_owned(),
            database_url: home.database_url(),
            rabbitmq_url: engines.rabbitmq_url(),
            redis_url: engines.redis_url(),
            namespace: engines.namespace().to_owned(),
            // The program takes it from its environment beside a DATABASE_URL, otherwise from the data folder.
            access_secret: home.database_url().map(|_| Secret::new(SECRET)),
            rate_limits: false,
            sockets: SocketSettings {
                frames_per_second: 100_000,
                frames_at_once: 100_000,
                ..SocketSettings::default()
            },
            password_cost: PasswordCost { memory_kib: 8, iterations: 1, parallelism: 1 },
            ..Config::default()
        };
        let application = Application::build(config).await.unwrap();
        let (address, stop) = (application.local_addr(), CancellationToken::new());
        let stopped = stop.clone();
        let task = tokio::spawn(async move { application.run(stopped).await.unwrap() });
        Self { address, stop, task }
    }

    async fn stop(self) {
        self.stop.cancel();
        soon("the server to stop", self.task).await.unwrap();
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn register(&self, name: &str) -> Person {
        let registration = json!({
            "email": format!("{name}@test.example"), "password": "correct horse", "firstName": name, "lastName": "Test",
        });
        let request = reqwest::Client::new().post(self.url("/auth/register")).json(&registration);
        let answer: Value = soon("a registration", request.send()).await.unwrap().json().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Person { id: text(&answer["user"]["id"]), token: text(&answer["accessToken"]) }
    }

    /// Uploads a file; returns where it is.
    async fn upload(&self, by: &Person) -> String {
        let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"words.txt\"\r\n\r\n";
        let body = [head.as_bytes(), CONTENT, b"\r\n--b--\r\n"].concat();
        let request = reqwest::Client::new().post(self.url("/files")).bearer_auth(&by.token);
        let request = request.header("content-type", "multipart/form-data; boundary=b").body(body);
        let answer = soon("an upload", request.send()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json::<Value>().await.unwrap()["fileUrl"].as_str().unwrap().to_owned()
    }

    async fn get(&self, by: &Person, path: &str, position: u64) -> Vec<u8> {
        let request = reqwest::Client::new().get(self.url(path)).bearer_auth(&by.token);
        let request = request.header("x-chatchit-position", position);
        let answer = soon(path, request.send()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        soon(path, answer.bytes()).await.unwrap().to_vec()
    }

    async fn connect(&self, person: &Person, since: Option<&str>) -> (Client, Value) {
        let query = since.map(|since| format!("?since={since}")).unwrap_or_default();
        let mut request = format!("ws://{}/ws{query}", self.address).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {}", person.token).parse().unwrap());
        let (socket, _) = soon("the upgrade", connect_async(request)).await.unwrap();
        let mut client = Client { socket, pushes: Vec::new(), sent: 0 };
        let hello = client.frame().await["hello"].take();
        (client, hello)
    }
}

#[derive(Clone)]
struct Person {
    id: String,
    token: String,
}

struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What came while a reply was awaited.
    pushes: Vec<Value>,
    sent: u64,
}

impl Client {
    async fn frame(&mut self) -> Value {
        loop {
            let frame = soon("a frame", self.socket.next()).await.unwrap().unwrap();
            if let Message::Text(text) = frame {
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame.get("signal").is_none() {
                    return frame;
                }
            }
        }
    }

    async fn ok(&mut self, cmd: &str, data: Value) -> Value {
        self.sent += 1;
        let id = self.sent.to_string();
        let command = json!({ "id": id, "cmd": cmd, "data": data }).to_string();
        soon("a command to be sent", self.socket.send(Message::Text(command.into()))).await.unwrap();
        loop {
            let mut frame = self.frame().await;
            if frame.get("event").is_some() {
                self.pushes.push(frame);
            } else if frame["reply"] == id {
                assert!(frame.get("ok").is_some(), "{cmd}: {frame}");
                return frame["ok"].take();
            }
        }
    }

    async fn say(&mut self, room: &str, content: &str) -> Value {
        self.ok("message.send", json!({ "conversationId": room, "messageType": "TEXT", "content": content })).await
    }

    /// All pushes up to that of a message.
    async fn pushes_to(&mut self, message: &Value) -> Vec<Value> {
        let is_it = |push: &Value| push["event"] == "message.sent" && push["data"]["id"] == message["id"];
        while !self.pushes.iter().any(is_it) {
            let frame = self.frame().await;
            if frame.get("event").is_some() {
                self.pushes.push(frame);
            }
        }
        std::mem::take(&mut self.pushes)
    }
}

/// The program without a configured master key: the data folder has it.
async fn run(home: &Home, arguments: &[&str]) -> Answer {
    Answer::of(program(home, arguments).env_remove("CHATCHIT_MASTER_KEY").output().await.unwrap())
}

fn contents(pushes: &[Value]) -> Vec<String> {
    let sent = pushes.iter().filter(|push| push["event"] == "message.sent");
    let mut sent: Vec<_> = sent.map(|push| (push["position"].as_u64(), push["data"]["content"].to_string())).collect();
    sent.sort();
    sent.into_iter().map(|(_, content)| content).collect()
}

each_mix!(a_server_under_traffic_is_backed_up_and_restored, |home| async move {
    let server = Server::start(&home, &home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut hers, _) = server.connect(&ana, None).await;
    let room = hers.ok("conversation.create", json!({ "type": "group", "title": "Mill", "members": [ben.id] })).await;
    let room = room["id"].as_str().unwrap().to_owned();
    let file = server.upload(&ana).await;
    let attached = json!({
        "conversationId": room, "messageType": "FILE", "content": "", "attachments": [{ "fileUrl": file }],
    });
    hers.ok("message.send", attached).await;
    let (mut his, _) = server.connect(&ben, None).await;
    let mine = his.say(&room, "before").await;
    let before = his.pushes_to(&mine).await.last().unwrap()["cursor"].as_str().unwrap().to_owned();
    drop(his);

    // Ana writes until the backup is made, and once more.
    let (folder, keys) = (home.folder().join("backup"), home.folder().join("keys.json"));
    let (folder, keys) = (folder.to_str().unwrap(), keys.to_str().unwrap());
    let made = CancellationToken::new();
    let writing = {
        let (made, room) = (made.clone(), room.clone());
        tokio::spawn(async move {
            let mut count = 0;
            while !made.is_cancelled() {
                hers.say(&room, &format!("meanwhile {count}")).await;
                count += 1;
            }
            let last = hers.say(&room, "too late").await;
            let pushes = hers.pushes_to(&last).await;
            (count, pushes.last().unwrap()["cursor"].as_str().unwrap().to_owned())
        })
    };
    let manifest = run(&home, &["backup", folder, "--keys", keys, "--json"]).await.expect(0).json();
    made.cancel();
    let (count, after) = soon("the last message", writing).await.unwrap();
    assert!(count > 0);
    assert_eq!(manifest["files"]["count"], 1);
    server.stop().await;

    let mix = if home.database_url().is_some() { Mix::POSTGRES } else { Mix::EMBEDDED };
    let other = Home::mix(mix).await.emptied().await;
    run(&other, &["restore", folder, "--keys", keys, "--no-rebuild"]).await.expect(0);
    // On the same RabbitMQ and Redis, which have what came after the backup.
    let server = Server::start(&other, &home).await;
    let position = manifest["log"]["position"].as_u64().unwrap();
    assert_eq!(server.get(&ben, &file, position).await, CONTENT);
    let (refused, hello) = server.connect(&ana, Some(&after)).await;
    assert_eq!(hello["recovered"], false);
    drop(refused);
    let (mut his, hello) = server.connect(&ben, Some(&before)).await;
    assert_eq!(hello["recovered"], true);
    let fence = his.say(&room, "after").await;
    let resumed = contents(&his.pushes_to(&fence).await);
    let stored = run(&other, &["events", "--type", "message.sent", "--json"]).await.expect(0).text;
    // Without those before the cursor: the file, and his own.
    let expected = stored.lines().count() - 2;
    assert_eq!(resumed.len(), expected, "{resumed:?}");
    assert!(!resumed.iter().any(|content| content.contains("too late")), "{resumed:?}");
    let meanwhile = (0..expected - 1).map(|n| format!("\"meanwhile {n}\""));
    assert_eq!(resumed, meanwhile.chain(["\"after\"".to_owned()]).collect::<Vec<_>>());
    let path = format!("/conversations/{room}/messages");
    let listed = server.get(&ana, &path, fence["position"].as_u64().unwrap_or(position)).await;
    let listed = String::from_utf8(listed).unwrap();
    assert!(listed.contains("\"after\"") && !listed.contains("too late"), "{listed}");
    server.stop().await;
    run(&other, &["verify", "all"]).await.expect(0);
    run(&other, &["chain", "verify"]).await.expect(0);
});
