//! What every field of text does with every kind of text, at every door: `texts/corpus.tsv` says it.

use crate::support::{
    Client, Person, Server,
    sio::{Sio, Transport},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client as Http, Method};
use serde_json::{Value, json};
use testkit::{Engine, Home};
use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// One line that names something.
    Line,
    /// The same in several lines.
    Lines,
    /// What is said.
    Said,
    /// A reaction.
    Emoji,
}

/// A text as JSON has it, and what becomes of it in a field of each kind.
#[derive(Clone, Debug)]
struct Row {
    raw: &'static str,
    wanted: [&'static str; 4],
}

/// What is kept, or the code of the fault.
type Outcome = Result<String, String>;

fn corpus() -> Vec<Row> {
    let lines = include_str!("texts/corpus.tsv").lines().filter(|line| !line.starts_with('#'));
    let row = |line: &'static str| {
        let mut columns = line.split('\t');
        let raw = columns.next().unwrap();
        let wanted: Vec<_> = columns.collect();
        Row { raw, wanted: wanted.try_into().unwrap_or_else(|_| panic!("{line}")) }
    };
    lines.map(row).collect()
}

impl Row {
    fn text(&self) -> Option<String> {
        serde_json::from_str(self.raw).ok()
    }

    fn wanted(&self, kind: Kind) -> Outcome {
        let text = self.text().unwrap_or_default();
        match self.wanted[kind as usize] {
            "kept" if kind == Kind::Said => Ok(text),
            "kept" => Ok(text.nfc().collect()),
            kept if kept.starts_with('"') => Ok(serde_json::from_str(kept).unwrap()),
            code => Err(code.to_owned()),
        }
    }
}

/// What a field of an answer is, or what is wrong with the field that was sent.
fn outcome(is_right: bool, answer: &Value, kept: &str, field: &str) -> Outcome {
    if is_right {
        return Ok(answer.pointer(kept).and_then(Value::as_str).unwrap_or_default().to_owned());
    }
    if answer["code"] == "malformed" {
        return Err("unreadable".to_owned());
    }
    let faults = answer["errors"].as_array().into_iter().flatten();
    let fault = faults.into_iter().find(|fault| fault["field"] == field);
    Err(fault.map_or_else(|| answer["code"].to_string(), |fault| fault["code"].as_str().unwrap().to_owned()))
}

pub(crate) struct Rest {
    http: Http,
    address: std::net::SocketAddr,
}

impl Rest {
    pub(crate) async fn call(&self, by: Option<&Person>, method: Method, path: &str, body: String) -> (u16, Value) {
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        let request = by.into_iter().fold(request, |request, person| request.bearer_auth(&person.token));
        let request = if body.is_empty() { request } else { request.header("content-type", "application/json") };
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }

    /// What becomes of a field of a request.
    async fn put(
        &self,
        by: &Person,
        (method, path): (Method, &str),
        body: String,
        (kept, field): (&str, &str),
    ) -> Outcome {
        let (status, answer) = self.call(Some(by), method, path, body).await;
        assert!(status < 500, "{path}: {answer}");
        outcome(status < 300, &answer, kept, field)
    }
}

pub(crate) fn rest(server: &Server) -> Rest {
    Rest { http: Http::new(), address: server.address }
}

pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// Collects what is other than wanted, so that one run tells all of it.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn compare(&mut self, field: &str, row: &Row, kind: Kind, found: Outcome) {
        let wanted = row.wanted(kind);
        if found != wanted {
            self.0.push(format!("{field} {}: {found:?}, not {wanted:?}", row.raw));
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "{} differ:\n{}", self.0.len(), self.0.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_rest_takes_texts_as_the_corpus_says() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    server.befriend(&ana, &ben).await;
    let mut client = server.connect(&ana, None).await;
    let room = client.group(&[ben.id], "Room").await;
    let (posts, edited) = (format!("/conversations/{room}/messages"), id(&client.say(&room, "first").await));
    let story = id(&server.write(&ana, "/stories", json!({"content": "story"})).await);
    let rest = rest(&server);
    let mut differences = Differences::default();
    let corpus = corpus();
    assert!(corpus.len() >= 300);
    for row in &corpus {
        let raw = row.raw;
        let mut see = |field: &str, kind, found| differences.compare(field, row, kind, found);
        let body = format!("{{\"content\":{raw}}}");
        let at = ("/content", "content");
        see("message", Kind::Said, rest.put(&ana, (Method::POST, &posts), body.clone(), at).await);
        let path = format!("/messages/{edited}");
        see("edited", Kind::Said, rest.put(&ana, (Method::PATCH, &path), body.clone(), at).await);
        see("story", Kind::Said, rest.put(&ana, (Method::POST, "/stories"), body.clone(), at).await);
        let path = format!("/stories/{story}/comments");
        see("comment", Kind::Line, rest.put(&ana, (Method::POST, &path), body, at).await);
        let (patch, me) = (Method::PATCH, "/users/me");
        let body = format!("{{\"firstName\":{raw}}}");
        see("firstName", Kind::Line, rest.put(&ana, (patch.clone(), me), body, ("/firstName", "firstName")).await);
        let body = format!("{{\"lastName\":{raw}}}");
        see("lastName", Kind::Line, rest.put(&ana, (patch, me), body, ("/lastName", "lastName")).await);
        let body = format!("{{\"type\":\"group\",\"members\":[],\"title\":{raw}}}");
        see("title", Kind::Line, rest.put(&ana, (Method::POST, "/conversations"), body, ("/title", "title")).await);
        if raw != "\"\"" {
            let body = format!("{{\"status\":\"busy\",\"text\":{raw}}}");
            see("status", Kind::Line, rest.put(&ana, (Method::PUT, "/presence"), body, ("/text", "text")).await);
        }
        let target = id(&client.say(&room, "to be reported").await);
        let body = format!("{{\"messageId\":\"{target}\",\"reason\":{raw}}}");
        see("reason", Kind::Line, rest.put(&ben, (Method::POST, "/reports"), body, ("/reason", "reason")).await);
        if raw != "\"\"" {
            let target = id(&client.say(&room, "to be reported").await);
            let body = format!("{{\"messageId\":\"{target}\",\"reason\":\"spam\",\"notes\":{raw}}}");
            see("notes", Kind::Lines, rest.put(&ben, (Method::POST, "/reports"), body, ("/notes", "notes")).await);
        }
        if row.wanted(Kind::Line).is_err() {
            let attachment = format!("{{\"fileUrl\":\"/files/{}\",\"name\":{raw}}}", Uuid::from_u128(1));
            let body = format!("{{\"messageType\":\"FILE\",\"attachments\":[{attachment}]}}");
            let at = ("", "attachments[0].name");
            see("attachment", Kind::Line, rest.put(&ana, (Method::POST, &posts), body, at).await);
        }
        let Some(text) = row.text() else { continue };
        if !text.is_empty() {
            let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC);
            let path = format!("/messages/{edited}/reactions/{encoded}");
            let at = ("/reactions/0/emoji", "emoji");
            see("reaction", Kind::Emoji, rest.put(&ana, (Method::PUT, &path), String::new(), at).await);
            rest.call(Some(&ana), Method::DELETE, &path, String::new()).await;
            for query in ["/users?query=", "/messages/search?q="] {
                let (status, answer) =
                    rest.call(Some(&ana), Method::GET, &format!("{query}{encoded}"), String::new()).await;
                assert!(matches!(status, 200 | 422), "{query} {raw}: {answer}");
            }
        }
    }
    // A device is named by who signs in.
    for row in &corpus {
        let body = format!("{{\"email\":\"ben@test.example\",\"password\":\"correct horse\",\"device\":{}}}", row.raw);
        let (status, answer) = rest.call(None, Method::POST, "/auth/login", body).await;
        let found = outcome(status == 200, &answer, "", "device");
        let wanted = row.wanted(Kind::Line);
        if found.as_ref().err() != wanted.as_ref().err() {
            differences.0.push(format!("device {}: {found:?}, not {wanted:?}", row.raw));
        }
    }
    differences.none();
    server.stop().await;
}

async fn over_ws(client: &mut Client, n: usize, cmd: &str, data: &str, kept: &str, field: &str) -> Outcome {
    let id = format!("t{n}{cmd}");
    client.send_text(format!("{{\"id\":\"{id}\",\"cmd\":\"{cmd}\",\"data\":{data}}}")).await;
    loop {
        let frame = client.frame().await.unwrap();
        if frame["reply"] == json!(id) || (frame.get("reply").is_some() && frame["reply"].is_null()) {
            let is_right = frame.get("ok").is_some();
            return outcome(is_right, if is_right { &frame["ok"] } else { &frame["error"] }, kept, field);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_the_web_socket_takes_texts_as_the_corpus_says() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.open(Some(&ana.token), None, None).await.unwrap();
    let limits = client.hello().await["limits"].take();
    assert_eq!((&limits["contentCharacters"], &limits["contentBytes"]), (&json!(8_192), &json!(32_768)));
    assert_eq!((&limits["titleCharacters"], &limits["nameCharacters"]), (&json!(200), &json!(100)));
    let room = client.group(&[], "Room").await;
    let message = id(&client.say(&room, "first").await);
    let story = id(&client.ok("story.post", json!({"content": "story"})).await);
    let mut differences = Differences::default();
    for (n, row) in corpus().iter().enumerate() {
        let raw = row.raw;
        let mut see = |field: &str, kind, found| differences.compare(field, row, kind, found);
        let said = format!("{{\"conversationId\":\"{room}\",\"content\":{raw}}}");
        see("message.send", Kind::Said, over_ws(&mut client, n, "message.send", &said, "/content", "content").await);
        let edit = format!("{{\"messageId\":\"{message}\",\"content\":{raw}}}");
        see("message.edit", Kind::Said, over_ws(&mut client, n, "message.edit", &edit, "/content", "content").await);
        let post = format!("{{\"content\":{raw}}}");
        see("story.post", Kind::Said, over_ws(&mut client, n, "story.post", &post, "/content", "content").await);
        let comment = format!("{{\"storyId\":\"{story}\",\"content\":{raw}}}");
        let found = over_ws(&mut client, n, "story.comment", &comment, "/content", "content").await;
        see("story.comment", Kind::Line, found);
        let group = format!("{{\"type\":\"group\",\"members\":[],\"title\":{raw}}}");
        let found = over_ws(&mut client, n, "conversation.create", &group, "/title", "title").await;
        see("conversation.create", Kind::Line, found);
        if raw != "\"\"" {
            let presence = format!("{{\"status\":\"busy\",\"text\":{raw}}}");
            see("presence.set", Kind::Line, over_ws(&mut client, n, "presence.set", &presence, "/text", "text").await);
        }
        let reaction = format!("{{\"messageId\":\"{message}\",\"emoji\":{raw}}}");
        let found = over_ws(&mut client, n, "message.react", &reaction, "/reactions/0/emoji", "emoji").await;
        see("message.react", Kind::Emoji, found);
        let _ = over_ws(&mut client, n, "message.unreact", &reaction, "", "emoji").await;
    }
    differences.none();
    server.stop().await;
}

async fn over_sio(client: &mut Sio, ask: &mut u64, event: &str, data: &str, kept: &str, field: &str) -> Outcome {
    *ask += 1;
    assert!(client.send(&format!("42{ask}[\"{event}\",{data}]")).await);
    let answer = client.answer(*ask).await;
    let received = if event == "cmd" { answer.get("ok") } else { answer.get("message") };
    outcome(received.is_some(), received.unwrap_or(&answer["error"]), kept, field)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_socket_io_takes_texts_as_the_corpus_says() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = ana.sio(None, Transport::WebSocket).await;
    let room = client.group(&[], "Room").await;
    let message = id(&client.ok("message.send", json!({"conversationId": room, "content": "first"})).await);
    let mut differences = Differences::default();
    let mut ask = 1_000_000;
    for row in &corpus() {
        let raw = row.raw;
        let mut see = |field: &str, kind, found| differences.compare(field, row, kind, found);
        let said = format!("{{\"conversationId\":\"{room}\",\"content\":{raw}}}");
        let found = over_sio(&mut client, &mut ask, "sendMessage", &said, "/content", "content").await;
        see("sendMessage", Kind::Said, found);
        let cmd = |cmd: &str, data: String| format!("{{\"cmd\":\"{cmd}\",\"data\":{data}}}");
        let said = cmd("message.send", said);
        see("message.send", Kind::Said, over_sio(&mut client, &mut ask, "cmd", &said, "/content", "content").await);
        let group = cmd("conversation.create", format!("{{\"type\":\"group\",\"members\":[],\"title\":{raw}}}"));
        see("title", Kind::Line, over_sio(&mut client, &mut ask, "cmd", &group, "/title", "title").await);
        let reaction = format!("{{\"messageId\":\"{message}\",\"emoji\":{raw}}}");
        let react = cmd("message.react", reaction.clone());
        let found = over_sio(&mut client, &mut ask, "cmd", &react, "/reactions/0/emoji", "emoji").await;
        see("message.react", Kind::Emoji, found);
        let unreact = cmd("message.unreact", reaction);
        let _ = over_sio(&mut client, &mut ask, "cmd", &unreact, "", "emoji").await;
    }
    differences.none();
    server.stop().await;
}
