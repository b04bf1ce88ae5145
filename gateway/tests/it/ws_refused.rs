//! What the sockets do not understand is refused by name: every command of the document, at both doors; but for the events
//! of the earlier Socket.IO clients.

use crate::support::{End, Server, sio::Transport};
use operations::Operations;
use serde_json::{Map, Value, json};
use sockets::asyncapi;
use std::collections::BTreeSet;
use testkit::{Engine, Home, each_mix};
use uuid::Uuid;

/// A name that is like no other.
const STRANGE: &str = "qqqq";

/// The fields that the document gives a command.
fn fields_of(document: &Value, command: &Value) -> BTreeSet<String> {
    let data = &command["payload"]["properties"]["data"];
    let parts = data["allOf"].as_array().map_or(std::slice::from_ref(data), Vec::as_slice);
    let parts = parts.iter().map(|part| match part["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("a schema"),
        None => part,
    });
    parts.flat_map(|part| part["properties"].as_object().into_iter().flat_map(Map::keys)).cloned().collect()
}

/// That a problem refuses the one strange field, and knows those of the document.
fn assert_refused(problem: &Value, fields: &BTreeSet<String>, name: &str) {
    assert_eq!((&problem["status"], &problem["code"]), (&json!(422), &json!("unknown_field")), "{name}: {problem}");
    assert!(problem["requestId"].is_string(), "{name}: {problem}");
    let errors = problem["errors"].as_array().unwrap().iter();
    let unknown: Vec<_> = errors.filter(|error| error["code"] == "unknown_field").collect();
    assert_eq!((unknown.len(), &unknown[0]["field"]), (1, &json!(STRANGE)), "{name}: {problem}");
    let detail = unknown[0]["detail"].as_str().unwrap();
    let known = detail.split_once("known are ").map_or("", |(_, known)| known).split(", ");
    let known: BTreeSet<_> = known.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    assert_eq!(&known, fields, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_refuses_a_field_that_it_does_not_know() {
    let home = Home::new(Engine::Sqlite).await;
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut plain = server.connect(&ana, None).await;
    let mut sio = ana.sio(None, Transport::WebSocket).await;
    let document = asyncapi::document::<Operations>();
    let mut commands = 0;
    for (name, message) in document["channels"]["ws"]["messages"].as_object().unwrap() {
        let Some(cmd) = name.strip_prefix("command.") else { continue };
        let fields = fields_of(&document, message);
        let mut data: Map<_, _> = fields.iter().map(|name| (name.clone(), Value::Null)).collect();
        data.insert(STRANGE.to_owned(), json!(1));
        let data = Value::Object(data);
        assert_refused(&plain.refused(cmd, data.clone()).await, &fields, cmd);
        let answer = sio.ask("cmd", json!({"cmd": cmd, "data": data})).await;
        assert_refused(&answer["error"], &fields, cmd);
        commands += 1;
    }
    assert!(commands >= 47, "{commands}");
    server.stop().await;
}

each_mix!(a_frame_that_is_not_understood_is_refused_by_name, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.connect(&ana, None).await;
    for (text, code, said) in [
        ("nonsense", "malformed", "a frame is one JSON object"),
        (
            r#"{"id":"1","cmd":"ping","dta":{}}"#,
            "unknown_field",
            "dta: there is no such field here; did you mean \"data\"?",
        ),
        (
            r#"{"id":"1","cmd":"message.send","data":{"content":"a","content":"b"}}"#,
            "invalid",
            "content: is given more",
        ),
        (r#"{"id":"1","cmd":"message.sent"}"#, "unknown_command", "did you mean \"message.send\"?"),
        (r#"{"id":"1","cmd":"sync","data":{"limit":201}}"#, "invalid", "limit: must be a whole number from 1 to 200"),
        (r#"{"id":"1","cmd":"sync","data":{"limit":0}}"#, "invalid", "limit: must be a whole number from 1 to 200"),
    ] {
        client.send_text(text).await;
        let received = client.frame().await.unwrap();
        let problem = &received["error"];
        assert_eq!(problem["code"], code, "{text}: {received}");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{text}: {received}");
        assert!(problem["requestId"].is_string(), "{text}: {received}");
    }
    let mut wrong = server.open(None, None, None).await.unwrap();
    let auth = json!({"id": "0", "cmd": "auth", "data": {"token": ana.token, "sinse": "x"}});
    wrong.send_text(auth.to_string()).await;
    let reply = wrong.reply("0").await;
    assert_eq!(reply["error"]["errors"][0]["field"], "sinse");
    assert_eq!(wrong.end().await, End::Closed(1008));
    server.stop().await;
});

each_mix!(the_events_of_earlier_clients_pass_over_what_they_do_not_know, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = ana.sio(None, Transport::WebSocket).await;
    let room = client.group(&[], "Room").await;
    let data = json!({"conversationId": room, "content": "hello", "senderName": "Ana", "tempId": 7});
    assert_eq!(client.ask("sendMessage", data).await["status"], "success");
    let refused = client.ask("joinGroup", json!({"groupId": "x"})).await;
    assert_eq!(refused["error"]["errors"][0]["field"], "groupId");
    assert_eq!(refused["error"]["detail"], "groupId: must be a UUID of 36 characters, with hyphens");
    assert!(Uuid::parse_str(refused["error"]["requestId"].as_str().unwrap()).is_ok());
    let unread = client.ask("cmd", json!({"cmd": "ping", "dta": {}})).await;
    assert_eq!(unread["error"]["code"], "unknown_field");
    assert!(unread["error"]["requestId"].is_string());
    client.emit("sendMesage", json!({})).await;
    let received = client.event("error").await;
    assert_eq!((&received["code"], &received["event"]), (&json!("unknown_command"), &json!("sendMesage")));
    assert!(
        received["message"].as_str().unwrap().contains("did you mean \"sendMessage\"?")
            && received["requestId"].is_string()
    );
    server.stop().await;
});
