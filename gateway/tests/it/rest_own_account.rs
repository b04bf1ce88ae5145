//! One's own account: its password, hiding it, taking everything with one, erasing it.

use crate::support::{self, DEADLINE, PASSWORD, Person, Server, config, registration, until};
use commands::{Actor, Context, InitiateCall};
use config::Config;
use domain::{CallId, Timestamp, call::CallType};
use futures_util::future::join_all;
use projections::{
    Erasures, Projection,
    rebuild::{RebuildOptions, verify},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sql::Database;
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::{Home, each_mix};
use tokio_util::sync::CancellationToken;

const NEW: &str = "battery staple";

async fn login(server: &Server, person: &Person, password: &str) -> support::Reply {
    server.anonymous("/auth/login", json!({"email": person.email, "password": password})).await
}

async fn befriend(server: &Server, one: &Person, other: &Person) {
    server.post(one, "/friends", json!({"userId": other.id})).await.expect(StatusCode::CREATED);
    server.post(other, &format!("/friends/{}/accept", one.id), Value::Null).await.expect(StatusCode::OK);
}

/// Until nobody is to be forgotten now; then the read models must be what a rebuild makes of the log.
async fn assert_forgotten(server: &Server, home: &Home) {
    let location = config(home).read_location();
    let database = Database::connect(&location, 1).await.unwrap();
    let erasures = Erasures::new(database.clone());
    let head = server.head().await;
    assert!(server.app.progress.wait(head, &Projection::ALL, DEADLINE).await);
    let now = (server.app.clock)();
    until("those who were erased to be forgotten", async || erasures.due(now).await.unwrap().is_empty()).await;
    database.close().await;
    let mut differences = Vec::new();
    let options = RebuildOptions::new(server.app.clock);
    let mut found = |difference| differences.push(difference);
    let (store, token) = (&server.app.store, CancellationToken::new());
    verify(store, &location, &Projection::ALL, options, token, &mut found).await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}

each_mix!(a_new_password_ends_the_other_sessions, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let other = Person::of(&server, &login(&server, &ana, PASSWORD).await.expect(StatusCode::OK));
    let change = async |current: &str, new: &str| {
        let request = server.request(Method::POST, "/users/me/password", Some(&ana.token));
        server.send(request.header("Idempotency-Key", "k1").json(&json!({"current": current, "new": new}))).await
    };
    assert_eq!(change("wrong horse", NEW).await.refused(422, "invalid").faults(), [("current", "wrong_password")]);
    assert_eq!(change(PASSWORD, "short").await.refused(422, "invalid").faults(), [("new", "too_short")]);
    let bad = server.post(&ana, "/users/me/password", json!({})).await;
    assert_eq!(bad.refused(422, "invalid").faults(), [("current", "required"), ("new", "required")]);
    let first = change(PASSWORD, NEW).await;
    let again = change(PASSWORD, NEW).await;
    assert_eq!(first.position(), again.position());
    assert_eq!([first.status, again.status], [StatusCode::NO_CONTENT; 2]);

    server.get(&other, "/users/me").await.refused(401, "invalid_token");
    server.anonymous("/auth/refresh", json!({"refreshToken": other.refresh})).await.refused(401, "invalid_token");
    let sessions = server.get(&ana, "/auth/sessions").await.expect(StatusCode::OK);
    assert_eq!((sessions["items"].as_array().unwrap().len(), &sessions["items"][0]["current"]), (1, &json!(true)));
    login(&server, &ana, PASSWORD).await.refused(401, "wrong_credentials");
    login(&server, &ana, NEW).await.expect(StatusCode::OK);
    let renewed = server.anonymous("/auth/refresh", json!({"refreshToken": ana.refresh})).await;
    renewed.expect(StatusCode::OK);
    server.stop().await;
});

each_mix!(a_deactivated_account_is_hidden_until_one_signs_in, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    befriend(&server, &ana, &ben).await;
    let room = server.conversation(&ben, "group", &[&ana]).await;
    server.text(&ana, &room, "I was here").await;
    server.post(&ana, "/users/me/deactivate", Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.get(&ana, "/users/me").await.refused(401, "invalid_token");

    let path = format!("/users/{}", ana.id);
    server.get(&ben, &path).await.refused(404, "not_found");
    let items = async |path: &str| server.get(&ben, path).await.expect(StatusCode::OK)["items"].clone();
    assert_eq!(items("/users?query=ana").await, json!([]));
    assert_eq!(items("/users?query=ana@test.example").await, json!([]));
    assert_eq!(items("/friends").await, json!([]));
    let messages = items(&format!("/conversations/{room}/messages")).await;
    assert_eq!((&messages[0]["content"], &messages[0]["sender"]["firstName"]), (&json!("I was here"), &json!("ana")));

    login(&server, &ana, "wrong horse").await.refused(401, "wrong_credentials");
    server.get(&ben, &path).await.refused(404, "not_found");
    let back = login(&server, &ana, PASSWORD).await;
    let position = back.position();
    let back = Person::of(&server, &back.expect(StatusCode::OK));
    assert!(position > 0);
    server.get(&ben, &path).await.expect(StatusCode::OK);
    assert_eq!(items("/friends").await[0]["user"]["id"], json!(ana.id));
    server.text(&back, &room, "and am again").await;
    server.stop().await;
});

each_mix!(who_signed_in_long_ago_gives_the_password, |home| async move {
    static AHEAD: AtomicI64 = AtomicI64::new(0);
    fn clock() -> Timestamp {
        Timestamp::from_millis((Config::default().clock)().millis() + AHEAD.load(Ordering::Relaxed))
    }
    let server = Server::start_with(Config { clock, ..config(&home) }).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    AHEAD.store(5 * 60 * 1_000, Ordering::Relaxed);
    for (person, method, path) in [(&ana, Method::POST, "/users/me/deactivate"), (&ben, Method::DELETE, "/users/me")] {
        for (body, want) in [
            (Value::Null, "required"),
            (json!({}), "required"),
            (json!({"password": null}), "required"),
            (json!({"password": "wrong horse"}), "wrong_password"),
        ] {
            let refused = server.call(person, method.clone(), path, body).await;
            assert_eq!(refused.refused(422, "invalid").faults(), [("password", want)], "{path}");
        }
        let right = json!({"password": PASSWORD});
        server.call(person, method, path, right).await.expect(StatusCode::NO_CONTENT);
    }
    server.stop().await;
});

each_mix!(an_export_has_everything_of_ones_own, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    befriend(&server, &ana, &ben).await;
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let path = format!("/conversations/{room}/messages");
    let file = server.file(&ana).await;
    let attachment = json!({"fileUrl": file["fileUrl"]});
    let with_file = json!({"messageType": "IMAGE", "content": "look", "attachments": [attachment]});
    let sent = server.post(&ana, &path, with_file).await.expect(StatusCode::CREATED);
    // More than two pages of them.
    for chunk in 0..21 {
        join_all((0..20).map(|n| {
            let text = format!("{chunk} {n}");
            let (server, ana, room) = (&server, &ana, &room);
            async move { drop(server.text(ana, room, &text).await) }
        }))
        .await;
    }
    let theirs = server.text(&ben, &room, "not hers").await;
    let on = format!("/messages/{}/reactions/%F0%9F%91%8D", theirs["id"].as_str().unwrap());
    server.call(&ana, Method::PUT, &on, Value::Null).await;
    server.post(&ana, &format!("/conversations/{room}/read"), json!({"upTo": 3})).await;
    server.call(&ana, Method::PUT, "/presence", json!({"status": "busy", "text": "packing"})).await;
    server.call(&ana, Method::PATCH, "/users/me", json!({"preferences": {"theme": "dark"}})).await;
    let rings = InitiateCall {
        id: CallId((server.app.ids)()),
        conversation: room.parse().unwrap(),
        call_type: CallType::Voice,
        somebody_is_there: true,
    };
    let actor = Some(Actor { user: ana.id.into(), session: None });
    let ctx = Context { actor, key: None, correlation_id: (server.app.ids)(), causation_id: None };
    server.app.commands.initiate_call(&ctx, rings).await.unwrap();
    let left = server.conversation(&ben, "group", &[&ana]).await;
    let position = server.post(&ana, &format!("/conversations/{left}/leave"), Value::Null).await.position();

    let request = server.request(Method::GET, "/users/me/export", Some(&ana.token));
    let reply = server.send(request.header("x-chatchit-position", position)).await;
    assert_eq!(reply.headers["content-type"], "application/json");
    let export = reply.expect(StatusCode::OK);
    let count = |section: &str| export[section].as_array().unwrap_or_else(|| panic!("{section}")).len();
    assert_eq!(
        (&export["profile"]["email"], &export["profile"]["preferences"]["theme"]),
        (&json!(ana.email), &json!("dark"))
    );
    assert_eq!((count("sessions"), count("friendships"), count("conversations"), count("messages")), (1, 1, 2, 421));
    let mut seqs: Vec<_> = export["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a > b), "newest first");
    seqs.dedup();
    assert_eq!(seqs.len(), 421);
    let oldest = export["messages"].as_array().unwrap().last().unwrap();
    assert_eq!((&oldest["id"], &oldest["attachments"][0]["fileUrl"]), (&sent["id"], &file["fileUrl"]));
    assert_eq!((count("reactions"), &export["reactions"][0]["emoji"]), (1, &json!("👍")));
    assert_eq!((count("readMarkers"), count("calls")), (1, 1));
    let presence = &export["presence"][0];
    assert_eq!((&presence["chosen"], &presence["text"]), (&json!("busy"), &json!("packing")));
    let status = |id: &str| {
        let conversations = export["conversations"].as_array().unwrap().iter();
        conversations.clone().find(|conversation| conversation["id"] == id).unwrap()["status"].clone()
    };
    assert_eq!((status(&room), status(&left)), (json!("active"), json!("left")));
    let events: Vec<_> = export["events"].as_array().unwrap().iter().map(|event| &event["data"]["type"]).collect();
    assert_eq!(events, ["account.registered", "session.started", "account.updated"]);
    assert_eq!(export["events"][0]["data"]["profile"]["email"], json!(ana.email));
    assert!(!export.to_string().contains("not hers") && !export.to_string().contains("ben@"));
    server.stop().await;
});

each_mix!(an_erased_account_is_gone, |home| async move {
    let server = Server::start(&home).await;
    let mut people = Vec::new();
    for name in ["ana", "ben", "cleo"] {
        people.push(server.register(name).await);
    }
    let [ana, ben, cleo] = people.as_slice() else { panic!("three people") };
    befriend(&server, ana, ben).await;
    let group = json!({"type": "group", "title": "Hers", "members": [ben.id, cleo.id]});
    let group = server.post(ana, "/conversations", group).await.expect(StatusCode::CREATED);
    let group = group["id"].as_str().unwrap();
    let direct = server.conversation(ana, "direct", &[ben]).await;
    let file = server.file(ana).await;
    let attachment = json!({"fileUrl": file["fileUrl"]});
    let said = json!({"messageType": "TEXT", "content": "what only they know", "attachments": [attachment]});
    for room in [group, &direct] {
        let path = format!("/conversations/{room}/messages");
        server.post(ana, &path, said.clone()).await.expect(StatusCode::CREATED);
    }
    let reply = server.text(ben, group, "what he said").await;
    server.call(ana, Method::PUT, "/presence", json!({"status": "busy", "text": "leaving soon"})).await;
    let wrong = server.call(ana, Method::DELETE, "/users/me", json!({"password": "wrong horse"})).await;
    assert_eq!(wrong.refused(422, "invalid").faults(), [("password", "wrong_password")]);
    server.call(ana, Method::DELETE, "/users/me", Value::Null).await.expect(StatusCode::NO_CONTENT);

    server.get(ana, "/users/me").await.refused(401, "invalid_token");
    server.anonymous("/auth/refresh", json!({"refreshToken": ana.refresh})).await.refused(401, "invalid_token");
    login(&server, ana, PASSWORD).await.refused(401, "wrong_credentials");
    server.get(ben, &format!("/users/{}", ana.id)).await.refused(404, "not_found");
    let get = async |path: &str| server.get(ben, path).await.expect(StatusCode::OK);
    assert_eq!(get("/users?query=ana").await["items"], json!([]));
    assert_eq!(get("/friends").await["items"], json!([]));
    let refused = server.post(ben, &format!("/conversations/{direct}/messages"), said).await;
    refused.refused(403, "cannot_message");

    let members = format!("/conversations/{group}/members");
    let left = async || {
        let members = get(&members).await["items"].as_array().unwrap().clone();
        members.len() == 2 && members.iter().all(|member| member["user"]["id"] != json!(ana.id))
    };
    until("her to have left the group", left).await;
    assert_forgotten(&server, &home).await;
    let heir = get(&format!("/conversations/{group}")).await;
    assert_eq!((&heir["myRole"], &heir["title"]), (&json!("lead"), &Value::Null));
    for (room, at) in [(group, 1), (&direct, 0)] {
        let messages = get(&format!("/conversations/{room}/messages")).await;
        let hers = &messages["items"][at];
        assert_eq!((&hers["senderId"], &hers["sender"]["firstName"]), (&json!(ana.id), &Value::Null));
        assert_eq!((&hers["content"], &hers["attachments"]), (&Value::Null, &json!([])));
    }
    let his = get(&format!("/messages/{}", reply["id"].as_str().unwrap())).await;
    assert_eq!(his["content"], "what he said");
    let beside = get(&format!("/conversations/{direct}/members")).await;
    let tombstone = beside["items"].as_array().unwrap().iter().find(|m| m["user"]["id"] == json!(ana.id)).unwrap();
    assert_eq!((&tombstone["user"]["firstName"], &tombstone["user"]["avatarUrl"]), (&Value::Null, &Value::Null));

    let again =
        Person::of(&server, &server.anonymous("/auth/register", registration("ana")).await.expect(StatusCode::CREATED));
    assert_ne!(again.id, ana.id);
    assert_eq!(get("/users?query=ana").await["items"][0]["id"], json!(again.id));
    assert_forgotten(&server, &home).await;
    server.stop().await;
});
