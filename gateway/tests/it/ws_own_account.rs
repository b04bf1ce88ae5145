//! What sockets see of a changed password, a hidden account, and of somebody who was erased.

use crate::support::{Client, End, Person, Server, config, roomy, soon};
use config::{Config, SocketSettings};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::each_mix;

async fn write(server: &Server, by: &Person, method: Method, path: &str, body: Value) {
    let url = format!("http://{}{path}", server.address);
    let request = reqwest::Client::new().request(method, url).bearer_auth(&by.token).json(&body);
    let response = soon(path, request.send()).await.unwrap();
    assert!(response.status().is_success(), "{path} answered {}", response.status());
}

/// The next push of an event with this name.
async fn pushed(client: &mut Client, event: &str) -> Value {
    loop {
        let push = client.push().await;
        if push["event"] == event {
            return push;
        }
    }
}

each_mix!(a_new_password_closes_the_other_sockets_now, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let other = server.login(&ana).await;
    let (mut here, mut there) = (server.connect(&ana, None).await, server.connect(&other, None).await);
    let body = json!({"current": "correct horse", "new": "a better password"});
    write(&server, &ana, Method::POST, "/users/me/password", body).await;
    assert_eq!(there.end().await, End::Closed(4001));
    assert!(server.open(Some(&other.token), None, None).await.is_err());
    here.group(&[], "Still here").await;
    server.stop().await;
});

each_mix!(ending_a_session_closes_its_socket_now, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let other = server.login(&ana).await;
    let (mut here, mut there) = (server.connect(&ana, None).await, server.connect(&other, None).await);
    let sessions = server.read(&ana, "/auth/sessions").await;
    let theirs = sessions["items"].as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    for field in ["id", "device", "ip", "createdAt", "current"] {
        assert!(theirs.get(field).is_some(), "{field}");
    }
    let path = format!("/auth/sessions/{}", theirs["id"].as_str().unwrap());
    write(&server, &ana, Method::DELETE, &path, json!({})).await;
    assert_eq!(there.end().await, End::Closed(4001));
    here.group(&[], "Still here").await;
    server.stop().await;
});

each_mix!(hiding_and_erasing_close_all_sockets, |home| async move {
    let server = Server::start(&home).await;
    for (name, method, path) in [("ana", Method::POST, "/users/me/deactivate"), ("ben", Method::DELETE, "/users/me")] {
        let one = server.register(name).await;
        let other = server.login(&one).await;
        let (mut here, mut there) = (server.connect(&one, None).await, server.connect(&other, None).await);
        write(&server, &one, method, path, json!({})).await;
        assert_eq!([here.end().await, there.end().await], [End::Closed(4001), End::Closed(4001)], "{path}");
    }
    server.stop().await;
});

each_mix!(a_hidden_person_is_offline_at_once, |home| async move {
    let sockets = SocketSettings { presence_grace: Duration::from_secs(3_600), ..roomy() };
    let server = Server::start_with(Config { sockets, ..config(&home) }).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    server.befriend(&ana, &ben).await;
    let mut bens = server.connect(&ben, None).await;
    bens.fence().await;
    let _anas = server.connect(&ana, None).await;
    let seen = async |bens: &mut Client, status: &str| {
        let presence = bens.presence().await;
        assert_eq!((&presence["userId"], &presence["status"]), (&json!(ana.id), &json!(status)));
    };
    seen(&mut bens, "online").await;
    write(&server, &ana, Method::POST, "/users/me/deactivate", json!({})).await;
    seen(&mut bens, "offline").await;
    server.stop().await;
});

each_mix!(a_catch_up_contains_nothing_of_an_erased_person, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben, cleo) = (server.register("ana").await, server.register("ben").await, server.register("cleo").await);
    let mut bens = server.connect(&ben, None).await;
    let mut cleos = server.connect(&cleo, None).await;
    let members = json!({"type": "group", "title": "Hers", "members": [ben.id, cleo.id]});
    let group = server.write(&ana, "/conversations", members).await;
    let room = group["id"].as_str().unwrap();
    let path = format!("/conversations/{room}/messages");
    pushed(&mut bens, "conversation.created").await;
    let cursor = bens.cursor.clone();
    drop(bens);
    let said = json!({"messageType": "TEXT", "content": "what only they know"});
    server.write(&ana, &path, said).await;
    // It is rendered, and kept for those who come back.
    assert_eq!(pushed(&mut cleos, "message.sent").await["data"]["content"], "what only they know");

    write(&server, &ana, Method::DELETE, "/users/me", json!({})).await;
    let left = pushed(&mut cleos, "member.left").await;
    assert_eq!(left["data"]["userId"], json!(ana.id));
    let mut bens = server.connect(&ben, Some(&cursor)).await;
    let missed = pushed(&mut bens, "message.sent").await;
    assert_eq!((&missed["data"]["senderId"], &missed["data"]["content"]), (&json!(ana.id), &Value::Null));
    server.stop().await;
});
