//! Moderation over `/ws`: the recipients of a report's events, removed messages, and the end of a blocked account's sockets.

use crate::support::{self, Client, Door, End, Person, Server, config, roomy, soon};
use config::{Config, SocketSettings};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Home, each_mix};

/// Who loses their last socket is missed after an hour only.
fn patient(home: &Home) -> Config {
    let sockets = SocketSettings { presence_grace: Duration::from_secs(3_600), ..roomy() };
    Config { sockets, ..config(home) }
}

async fn call(door: &Door, by: &Person, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request = reqwest::Client::new().request(method, format!("http://{}{path}", door.address));
    let request = request.bearer_auth(&by.token);
    let request = if body.is_null() { request } else { request.json(&body) };
    let response = soon(path, request.send()).await.expect("an answer");
    let status = response.status();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
}

async fn push_named(client: &mut Client, name: &str) -> Value {
    loop {
        let push = client.push().await;
        if push["event"] == name {
            return push;
        }
    }
}

each_mix!(a_blocked_account_is_gone_at_once_from_every_node, |home| async move {
    let (one, two) = (Server::start_with(patient(&home)).await, Server::start_with(patient(&home)).await);
    let root = one.administrator().await;
    let (ana, ben) = (one.register("ana").await, two.register("ben").await);
    one.befriend(&ana, &ben).await;
    let mut a = one.connect(&ana, None).await;
    let mut here = one.connect(&ben, None).await;
    let mut there = two.connect(&ben, None).await;
    let room = a.group(&[ben.id], "Us").await;
    let call_of = a.ok("call.initiate", json!({"conversationId": room, "callType": "VOICE"})).await;
    there.ok("call.answer", json!({"callId": call_of["id"]})).await;
    push_named(&mut a, "call.answered").await;
    while a.presence().await["userId"] != json!(ben.id) {}

    let path = format!("/admin/accounts/{}", ben.id);
    let (status, blocked) = call(&one, &root, Method::PATCH, &path, json!({"isBlocked": true})).await;
    assert_eq!((status, &blocked["isBlocked"]), (StatusCode::OK, &json!(true)));
    for client in [&mut here, &mut there] {
        assert_eq!(client.end().await, End::Closed(4001));
        let received = client.left_over();
        assert!(received.iter().any(|push| push["event"] == "account.blocked"), "{received:?}");
    }
    for door in [&one, &two] {
        assert_eq!(call(door, &ben, Method::GET, "/users/me", Value::Null).await.1["code"], "account_blocked");
        let refusal = door.open(Some(&ben.token), None, None).await;
        assert!(refusal.is_err() || matches!(refusal.unwrap().end().await, End::Closed(4001)));
    }
    // Not after the grace of an hour.
    let is_gone = |presence: &Value| presence["userId"] == json!(ben.id) && presence["status"] == "offline";
    soon("his going", async { while !is_gone(&a.presence().await) {} }).await;
    let left = push_named(&mut a, "call.closed").await;
    let participants = left["data"]["participants"].as_array().unwrap();
    let his = participants.iter().find(|one| one["userId"] == json!(ben.id)).unwrap();
    assert!(his["leftAt"].is_string(), "{left}");
    assert_eq!(one.presences(&ana, &[ben.id]).await[0]["status"], "offline");

    let (_, unblocked) = call(&two, &root, Method::PATCH, &path, json!({"isBlocked": false})).await;
    assert_eq!(unblocked["isBlocked"], false);
    let mut back = two.connect(&ben, None).await;
    back.say(&room, "back").await;
    tokio::join!(one.stop(), two.stop());
});

each_mix!(a_role_holds_at_once, |home| async move {
    let (one, two) = (Server::start(&home).await, Server::start(&home).await);
    let (root, ana) = (one.administrator().await, two.register("ana").await);
    let mut a = two.connect(&ana, None).await;
    let path = format!("/admin/accounts/{}", ana.id);
    for (role, status) in [("MODERATOR", StatusCode::OK), ("USER", StatusCode::FORBIDDEN)] {
        call(&one, &root, Method::PATCH, &path, json!({"role": role})).await;
        let received = push_named(&mut a, "account.role_changed").await;
        assert_eq!(received["data"]["role"], role);
        assert_eq!(call(&two, &ana, Method::GET, "/admin/reports", Value::Null).await.0, status);
    }
    tokio::join!(one.stop(), two.stop());
});

each_mix!(only_the_reporter_is_notified, |home| async move {
    let server = Server::start(&home).await;
    let root = server.administrator().await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let room = a.group(&[ben.id], "Us").await;
    let message = b.say(&room, "buy this").await["id"].clone();
    let report = json!({"messageId": message, "reason": "spam"});
    let (status, filed) = call(&server, &ana, Method::POST, "/reports", report).await;
    assert_eq!(status, StatusCode::CREATED);
    let received = push_named(&mut a, "report.filed").await;
    assert_eq!(received["data"], filed);
    let id = filed["id"].as_str().unwrap();

    let removal = format!("/admin/messages/{}", message.as_str().unwrap());
    assert_eq!(call(&server, &root, Method::DELETE, &removal, Value::Null).await.0, StatusCode::NO_CONTENT);
    let verdict = json!({"status": "REJECTED", "rejectedReason": "removed all the same"});
    call(&server, &root, Method::PATCH, &format!("/admin/reports/{id}"), verdict).await;
    let deleted = push_named(&mut a, "message.deleted").await;
    assert_eq!((&deleted["actorId"], &deleted["data"]["content"]), (&json!(root.id), &Value::Null));
    assert!(deleted["data"]["deletedAt"].is_string());
    let rejected = push_named(&mut a, "report.rejected").await;
    assert_eq!(
        (&rejected["data"]["status"], &rejected["data"]["rejectedReason"]),
        (&json!("REJECTED"), &json!("removed all the same"))
    );
    assert!(rejected["data"].get("evidence").is_none());

    let (arrived, _) = b.fence().await;
    assert!(arrived.iter().all(|push| !push["event"].as_str().unwrap().starts_with("report.")), "{arrived:?}");
    assert!(arrived.iter().any(|push| push["event"] == "message.deleted"));
    // What was missed comes again, and is the same.
    let mut again = server.connect(&ana, Some(received["cursor"].as_str().unwrap())).await;
    let replayed = push_named(&mut again, "report.rejected").await;
    assert_eq!(support::essence(&replayed), support::essence(&rejected));
    server.stop().await;
});
