//! Calls, over REST.

use crate::support::{self, Person, Server, config};
use config::{CallSettings, Config, Secret};
use domain::SessionId;
use realtime::outbox::{Backlog, Dialect, Outbox};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use testkit::{Home, each_mix};
use uuid::Uuid;

fn patient(home: &Home) -> Config {
    let hour = Duration::from_secs(3_600);
    Config { calls: CallSettings { ring: hour, grace: hour, ..CallSettings::default() }, ..config(home) }
}

/// Somebody takes a seat at the hub, as a socket would.
fn connects(server: &Server, person: &Person) -> realtime::hub::Seat {
    let user = person.id.into();
    server.app.hub.seat(
        user,
        SessionId::default(),
        Arc::new(Outbox::counting(1 << 20, Dialect::Plain, Uuid::nil(), Backlog::new(1 << 20))),
    )
}

async fn act(server: &Server, by: &Person, call: &Value, what: &str) -> support::Reply {
    server.post(by, &format!("/calls/{}/{what}", call["id"].as_str().unwrap()), Value::Null).await
}

each_mix!(a_call_from_its_ringing_to_its_record, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let new = json!({"conversationId": pair, "callType": "VIDEO"});
    server.post(&ana, "/calls", new.clone()).await.refused(409, "user_not_online");
    let seat = connects(&server, &ben);
    let reply = server.post(&ana, "/calls", new.clone()).await;
    assert!(reply.position() > 0);
    let call = reply.expect(StatusCode::CREATED);
    assert_eq!(
        (&call["status"], &call["callType"], &call["answeredAt"]),
        (&json!("RINGING"), &json!("VIDEO"), &Value::Null)
    );
    let path = format!("/calls/{}", call["id"].as_str().unwrap());
    assert_eq!(server.get(&ben, &path).await.expect(StatusCode::OK), call, "the read model tells what the log tells");

    let joined = server.post(&ben, "/calls", new.clone()).await.expect(StatusCode::OK);
    assert_eq!((&joined["id"], &joined["status"]), (&call["id"], &json!("ONGOING")));
    assert_eq!(server.get(&ana, &path).await.expect(StatusCode::OK), joined);
    assert_eq!(server.post(&ana, "/calls", new).await.expect(StatusCode::OK), joined, "one is in it already");
    let body = json!({"signalData": {"sdp": "x"}});
    let answered = server.post(&ben, &format!("{path}/answer"), body).await.expect(StatusCode::OK);
    assert_eq!(answered, joined, "answered already");
    act(&server, &ben, &call, "refuse").await.refused(409, "in_call");
    let closed = act(&server, &ana, &call, "close").await.expect(StatusCode::OK);
    assert_eq!((&closed["status"], &closed["endReason"]), (&json!("ENDED"), &json!("hung_up")));
    assert_eq!(server.get(&ana, &path).await.expect(StatusCode::OK), closed);
    assert_eq!(act(&server, &ben, &call, "close").await.expect(StatusCode::OK), closed);
    act(&server, &ben, &call, "answer").await.refused(409, "call_ended");
    drop(seat);
    server.stop().await;
});

each_mix!(what_one_may_not_see_is_not_there, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let [ana, ben, eve] = [server.register("ana").await, server.register("ben").await, server.register("eve").await];
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let seat = connects(&server, &ben);
    let new = json!({"conversationId": pair, "callType": "VOICE"});
    let call = server.post(&ana, "/calls", new.clone()).await.expect(StatusCode::CREATED);
    let path = format!("/calls/{}", call["id"].as_str().unwrap());
    for outsiders in [&path, &format!("/conversations/{pair}/calls")] {
        server.get(&eve, outsiders).await.refused(404, "not_found");
    }
    server.get(&eve, "/calls/no-id").await.refused(422, "invalid");
    server.post(&eve, "/calls", new).await.refused(404, "not_found");
    for what in ["answer", "refuse", "close"] {
        act(&server, &eve, &call, what).await.refused(404, "not_found");
        act(&server, &ana, &json!({"id": pair}), what).await.refused(404, "not_found");
    }
    let reply = server.post(&ana, "/calls", json!({"callType": "SMOKE"})).await;
    assert_eq!(reply.refused(422, "invalid").faults(), [("conversationId", "required"), ("callType", "unknown_word")]);
    let huge = json!({"signalData": "x".repeat(17_000)});
    server.post(&ben, &format!("{path}/answer"), huge).await.refused(413, "payload_too_large");
    let malformed = server.request(Method::POST, &format!("{path}/answer"), Some(&ben.token)).body("{");
    let malformed = malformed.header("content-type", "application/json");
    server.send(malformed).await.refused(400, "malformed");
    drop(seat);
    server.stop().await;
});

each_mix!(the_calls_of_a_conversation_are_paged, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let pair = server.conversation(&ana, "direct", &[&ben]).await;
    let seat = connects(&server, &ben);
    let mut begun = Vec::new();
    for _ in 0..3 {
        let new = json!({"conversationId": pair, "callType": "VOICE"});
        let call = server.post(&ana, "/calls", new).await.expect(StatusCode::CREATED);
        begun.insert(0, act(&server, &ben, &call, "refuse").await.expect(StatusCode::OK));
    }
    assert!(begun.iter().all(|call| call["status"] == "REFUSED"));
    let path = format!("/conversations/{pair}/calls?limit=2");
    let page = server.get(&ben, &path).await.expect(StatusCode::OK);
    assert_eq!(page["items"], json!(begun[..2]), "newest first");
    let next = page["next"].as_str().expect("more");
    let rest = server.get(&ben, &format!("{path}&after={next}")).await.expect(StatusCode::OK);
    assert_eq!((&rest["items"], &rest["next"]), (&json!(begun[2..]), &Value::Null));
    server.get(&ben, &format!("{path}&after=nothing")).await.refused(422, "invalid");
    drop(seat);
    server.stop().await;
});

each_mix!(credentials_for_turn_are_minted, |home| async move {
    let server = Server::start_with(patient(&home)).await;
    let ana = server.register("ana").await;
    let none = server.get(&ana, "/calls/ice-servers").await.expect(StatusCode::OK);
    assert_eq!(none["iceServers"], json!([]));
    server.stop().await;
    let configured = Config {
        turn_urls: vec!["stun:s.example".to_owned(), "turn:t.example".to_owned()],
        turn_secret: Some(Secret::new("north")),
        ..patient(&home)
    };
    let server = Server::start_with(configured).await;
    let servers = server.get(&ana, "/calls/ice-servers").await.expect(StatusCode::OK);
    assert_eq!(servers["iceServers"][0], json!({"urls": ["stun:s.example"]}));
    let turn = &servers["iceServers"][1];
    assert_eq!(turn["urls"], json!(["turn:t.example"]));
    let (until, user) = turn["username"].as_str().unwrap().split_once(':').unwrap();
    assert_eq!(user, ana.id.to_string());
    let left = until.parse::<i64>().unwrap() - (server.app.clock)().millis() / 1_000;
    assert!((1..=servers["ttl"].as_i64().unwrap()).contains(&left));
    assert_eq!(turn["credential"].as_str().unwrap().len(), 28);
    let nobody = server.send(server.request(Method::GET, "/calls/ice-servers", None)).await;
    nobody.refused(401, "unauthenticated");
    server.stop().await;
});
