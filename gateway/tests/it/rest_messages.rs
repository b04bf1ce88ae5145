//! Conversations, messages, reactions, read markers and friends, over REST.

use crate::support::{Person, Server, config};
use config::{Config, Role};
use domain::Partition;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::each_mix;
use uuid::Uuid;

fn contents(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|message| message["content"].as_str().unwrap()).collect()
}

each_mix!(friends_come_and_go, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let reply = server.post(&ana, "/friends", json!({"userId": ben.id})).await.expect(StatusCode::CREATED);
    assert_eq!((&reply["status"], &reply["direction"]), (&json!("pending"), &json!("out")));
    assert_eq!(reply["user"]["id"], json!(ben.id));
    let requests = server.get(&ben, "/friends/requests").await.expect(StatusCode::OK);
    assert_eq!(requests["items"][0]["user"]["id"], json!(ana.id));
    assert_eq!(requests["items"][0]["direction"], "in");
    let out = server.get(&ana, "/friends/requests?direction=out").await.expect(StatusCode::OK);
    assert_eq!(out["items"].as_array().unwrap().len(), 1);
    let accepted = server.post(&ben, &format!("/friends/{}/accept", ana.id), Value::Null).await;
    assert_eq!(accepted.expect(StatusCode::OK)["status"], "accepted");
    for (person, other) in [(&ana, &ben), (&ben, &ana)] {
        let friends = server.get(person, "/friends").await.expect(StatusCode::OK);
        assert_eq!(friends["items"][0]["user"]["id"], json!(other.id));
    }
    let blocked = server.post(&ana, &format!("/friends/{}/block", ben.id), Value::Null).await.expect(StatusCode::OK);
    assert_eq!(blocked["status"], "blocked");
    assert_eq!(server.get(&ana, "/friends/blocked").await.expect(StatusCode::OK)["items"].as_array().unwrap().len(), 1);
    assert!(server.get(&ben, "/friends/blocked").await.expect(StatusCode::OK)["items"].as_array().unwrap().is_empty());
    assert!(server.get(&ben, "/friends").await.expect(StatusCode::OK)["items"].as_array().unwrap().is_empty());
    // Who is blocked does not learn of it.
    server.post(&ben, "/friends", json!({"userId": ana.id})).await.refused(404, "not_found");
    server.post(&ana, "/friends", json!({"userId": ben.id})).await.refused(409, "blocked_by_you");
    server.post(&ana, &format!("/friends/{}/unblock", ben.id), Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.post(&ana, "/friends", json!({"userId": ben.id})).await.expect(StatusCode::CREATED);
    server.post(&ana, &format!("/friends/{}/cancel", ben.id), Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.post(&ana, "/friends", json!({"userId": ben.id})).await.expect(StatusCode::CREATED);
    server.post(&ben, &format!("/friends/{}/reject", ana.id), Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.post(&ben, &format!("/friends/{}/accept", ana.id), Value::Null).await.refused(404, "request_not_found");
    server.post(&ben, &format!("/friends/{}/unfriend", ana.id), Value::Null).await.refused(409, "not_friends");
    let oneself = server.post(&ana, "/friends", json!({"userId": ana.id})).await;
    assert_eq!(oneself.refused(422, "invalid").faults(), [("userId", "oneself")]);
    server.stop().await;
});

each_mix!(pins_are_listed_newest_first_and_go_with_their_messages, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let pins = format!("/conversations/{room}/pins");
    let mut messages = Vec::new();
    for content in ["one", "two", "three"] {
        let message = server.text(&ben, &room, content).await;
        messages.push(format!("/messages/{}", message["id"].as_str().unwrap()));
    }
    let pin =
        async |by: &Person, n: usize| server.call(by, Method::PUT, &format!("{}/pin", messages[n]), Value::Null).await;
    pin(&ben, 0).await.refused(403, "lead_only");
    for n in [2, 0, 1] {
        let pinned = pin(&ana, n).await.expect(StatusCode::OK);
        assert!(pinned["pinnedAt"].is_string(), "{pinned}");
    }
    let again = pin(&ana, 2).await.expect(StatusCode::OK);
    assert!(again["pinnedAt"].is_string(), "nothing changes, and its place stays");
    let list = server.get(&ben, &pins).await.expect(StatusCode::OK);
    assert_eq!(contents(&list), ["two", "one", "three"]);
    let first = server.get(&ben, &format!("{pins}?limit=2")).await.expect(StatusCode::OK);
    assert_eq!(contents(&first), ["two", "one"]);
    let next = format!("{pins}?limit=2&after={}", first["next"].as_str().unwrap());
    assert_eq!(contents(&server.get(&ben, &next).await.expect(StatusCode::OK)), ["three"]);
    // One goes by its own command, one with its message; one that somebody hid, for them alone.
    server.call(&ana, Method::DELETE, &format!("{}/pin", messages[1]), Value::Null).await.expect(StatusCode::OK);
    server.call(&ben, Method::DELETE, &messages[0], Value::Null).await.expect(StatusCode::NO_CONTENT);
    server
        .call(&ben, Method::DELETE, &format!("{}?for=me", messages[2]), Value::Null)
        .await
        .expect(StatusCode::NO_CONTENT);
    server.get_until(&ben, &pins, |list| contents(list).is_empty()).await;
    let list = server.get_until(&ana, &pins, |list| contents(list).len() == 1).await;
    assert_eq!(contents(&list), ["three"]);
    pin(&ana, 0).await.refused(409, "message_deleted");
    let direct = server.conversation(&ben, "direct", &[&ana]).await;
    let message = server.text(&ben, &direct, "hi").await;
    let pin = format!("/messages/{}/pin", message["id"].as_str().unwrap());
    server.call(&ana, Method::PUT, &pin, Value::Null).await.expect(StatusCode::OK);
    server.call(&ben, Method::DELETE, &pin, Value::Null).await.expect(StatusCode::OK);
    server.stop().await;
});

each_mix!(no_more_than_a_hundred_messages_are_pinned, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let room = server.conversation(&ana, "direct", &[&ben]).await;
    for n in 0..=100 {
        let message = server.text(&ana, &room, &n.to_string()).await;
        let pin = format!("/messages/{}/pin", message["id"].as_str().unwrap());
        let reply = server.call(&ana, Method::PUT, &pin, Value::Null).await;
        if n < 100 {
            reply.expect(StatusCode::OK);
        } else {
            reply.refused(409, "too_many_pins");
        }
    }
    let list = server.get(&ben, &format!("/conversations/{room}/pins?limit=200")).await.expect(StatusCode::OK);
    assert_eq!(contents(&list).len(), 100);
    server.stop().await;
});

each_mix!(a_direct_conversation_exists_once, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let open = async |by: &Person, other: &Person| {
        server.post(by, "/conversations", json!({"type": "direct", "members": [other.id]})).await
    };
    let (one, two) = tokio::join!(open(&ana, &ben), open(&ben, &ana));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(one.body["id"], two.body["id"]);
    let id = one.body["id"].as_str().unwrap();
    let sent = server.text(&ana, id, "hello").await;
    let want = json!({
        "id": sent["id"], "conversationId": id, "senderId": ana.id, "position": sent["position"],
        "sender": {"id": ana.id, "firstName": "ana", "lastName": "Test"},
        "seq": 1, "messageType": "TEXT", "content": "hello", "attachments": [], "replyTo": null, "mentions": [],
        "reactions": [], "status": "SENT", "createdAt": sent["createdAt"], "editedAt": null, "deletedAt": null,
        "pinnedAt": null,
    });
    assert_eq!(sent, want);
    let path = format!("/messages/{}", sent["id"].as_str().unwrap());
    assert_eq!(server.get(&ana, &path).await.expect(StatusCode::OK), want);
    let seen = server.get(&ben, &format!("/conversations/{id}")).await.expect(StatusCode::OK);
    assert_eq!((&seen["unread"], &seen["lastSeq"], &seen["memberCount"]), (&json!(1), &json!(1), &json!(2)));
    assert_eq!(seen["lastMessage"]["content"], "hello");
    let read = server.post(&ben, &format!("/conversations/{id}/read"), json!({"upTo": sent["id"]})).await;
    assert_eq!(read.expect(StatusCode::OK)["seq"], 1);
    assert_eq!(server.get(&ben, "/conversations").await.expect(StatusCode::OK)["items"][0]["unread"], 0);
    assert_eq!(server.get(&ana, &path).await.expect(StatusCode::OK)["status"], "READ");
    server.stop().await;
});

each_mix!(a_group_is_run, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben, cam) = (server.register("ana").await, server.register("ben").await, server.register("cam").await);
    let group = json!({"type": "group", "title": "Tour", "members": [ben.id], "approval": true, "joining": "approval"});
    let group = server.post(&ana, "/conversations", group).await.expect(StatusCode::CREATED);
    let want = json!({
        "id": group["id"], "type": "group", "title": "Tour", "avatarUrl": null, "joining": "approval", "approval": true, "createdBy": ana.id,
        "createdAt": group["createdAt"], "memberCount": 2, "myRole": "lead", "myStatus": "active",
        "lastMessage": null, "lastSeq": 0, "readSeq": 0, "unread": 0, "muted": false, "mutedUntil": null,
        "archived": false, "clearedSeq": 0,
    });
    assert_eq!(group, want);
    let path = |rest: &str| format!("/conversations/{}{rest}", group["id"].as_str().unwrap());
    let user = |person: &Person| json!({"userId": person.id});
    server.get(&cam, &path("")).await.refused(404, "not_found");
    let joined = server.post(&cam, &path("/join"), Value::Null).await.expect(StatusCode::OK);
    assert_eq!(joined["myStatus"].as_str().unwrap_or("pending"), "pending");
    server.post(&cam, &path("/messages"), json!({"content": "in?"})).await.refused(404, "not_found");
    let pending = server.get(&ana, &path("/members?status=pending")).await.expect(StatusCode::OK);
    assert_eq!(pending["items"][0]["user"]["id"], json!(cam.id));
    server.post(&ben, &path("/approve"), user(&cam)).await.refused(403, "lead_only");
    let approved = server.post(&ana, &path("/approve"), user(&cam)).await.expect(StatusCode::OK);
    assert_eq!(approved["memberCount"], 3);
    server.post(&ana, &path("/promote"), user(&ben)).await.expect(StatusCode::OK);
    server.post(&ben, &path("/demote"), user(&ana)).await.expect(StatusCode::OK);
    let renamed = server.call(&ben, Method::PATCH, &path(""), json!({"title": null, "approval": false})).await;
    let renamed = renamed.expect(StatusCode::OK);
    assert_eq!(
        (&renamed["title"], &renamed["approval"], &renamed["joining"], &renamed["myRole"]),
        (&Value::Null, &json!(false), &json!("invite"), &json!("lead"))
    );
    server.text(&cam, group["id"].as_str().unwrap(), "I am in").await;
    let kicked = server.post(&ben, &path("/kick"), user(&cam)).await.expect(StatusCode::OK);
    assert_eq!(kicked["memberCount"], 2);
    server.get(&cam, &path("/messages")).await.refused(404, "not_found");
    server.post(&ana, &path("/leave"), Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.call(&ana, Method::DELETE, &path(""), Value::Null).await.refused(404, "not_found");
    server.call(&ben, Method::DELETE, &path(""), Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.get(&ben, &path("")).await.refused(404, "not_found");
    server.stop().await;
});

each_mix!(messages_are_edited_reacted_to_and_removed, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let group = server.conversation(&ana, "group", &[&ben]).await;
    let first = server.text(&ana, &group, "frist").await;
    let path = format!("/messages/{}", first["id"].as_str().unwrap());
    server.call(&ben, Method::PATCH, &path, json!({"content": "mine"})).await.refused(403, "sender_only");
    let edited = server.call(&ana, Method::PATCH, &path, json!({"content": "first"})).await.expect(StatusCode::OK);
    assert_eq!((&edited["content"], &edited["seq"]), (&json!("first"), &json!(1)));
    assert!(edited["editedAt"].is_string());
    let thumb = format!("{path}/reactions/%F0%9F%91%8D");
    for (person, count) in [(&ana, 1), (&ben, 2)] {
        let reacted = server.call(person, Method::PUT, &thumb, Value::Null).await.expect(StatusCode::OK);
        assert_eq!(reacted["reactions"], json!([{"emoji": "👍", "count": count, "mine": true}]));
    }
    let again = server.call(&ben, Method::PUT, &thumb, Value::Null).await;
    assert!(again.position() > 0);
    let unreacted = server.call(&ana, Method::DELETE, &thumb, Value::Null).await.expect(StatusCode::OK);
    assert_eq!(unreacted["reactions"], json!([{"emoji": "👍", "count": 1, "mine": false}]));
    let bad = server.call(&ana, Method::PUT, &format!("{path}/reactions/a%20b"), Value::Null).await;
    assert_eq!(bad.refused(422, "invalid").faults(), [("emoji", "malformed")]);

    let answer = json!({"messageType": "TEXT", "content": "second", "replyTo": first["id"], "mentions": [ana.id]});
    let second =
        server.post(&ben, &format!("/conversations/{group}/messages"), answer).await.expect(StatusCode::CREATED);
    assert_eq!((&second["replyTo"], &second["mentions"]), (&first["id"], &json!([ana.id])));
    let second = format!("/messages/{}", second["id"].as_str().unwrap());
    server.call(&ana, Method::DELETE, &format!("{second}?for=me"), Value::Null).await.expect(StatusCode::NO_CONTENT);
    server.get(&ana, &second).await.refused(404, "not_found");
    assert_eq!(server.get(&ben, &second).await.status, StatusCode::OK);
    server.call(&ben, Method::DELETE, &path, Value::Null).await.refused(403, "sender_only");
    // The lead of the group may.
    server
        .call(&ana, Method::DELETE, &format!("{path}?for=everyone"), Value::Null)
        .await
        .expect(StatusCode::NO_CONTENT);
    let gone = server.get(&ben, &path).await.expect(StatusCode::OK);
    assert_eq!((&gone["content"], &gone["reactions"]), (&Value::Null, &json!([])));
    assert!(gone["deletedAt"].is_string());
    server.call(&ana, Method::PATCH, &path, json!({"content": "again"})).await.refused(409, "message_deleted");
    let wrong = server.call(&ana, Method::DELETE, &format!("{path}?for=all"), Value::Null).await;
    assert_eq!(wrong.refused(422, "invalid").faults(), [("for", "unknown_word")]);
    server.stop().await;
});

each_mix!(lists_are_paged, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let group = server.conversation(&ana, "group", &[&ben]).await;
    for n in 1..=7 {
        server.text(&ana, &group, &n.to_string()).await;
    }
    let list = async |query: &str| {
        server.get(&ben, &format!("/conversations/{group}/messages{query}")).await.expect(StatusCode::OK)
    };
    let mut pages = vec![list("?limit=3").await];
    while let Some(next) = pages.last().unwrap()["next"].as_str() {
        let query = format!("?limit=3&after={next}");
        pages.push(list(&query).await);
    }
    let seen: Vec<_> = pages.iter().map(contents).collect();
    assert_eq!(seen, [vec!["7", "6", "5"], vec!["4", "3", "2"], vec!["1"]]);
    assert_eq!(contents(&list("?before=3").await), ["2", "1"]);
    assert_eq!(contents(&list("?after=5").await), ["7", "6"]);
    assert!(contents(&list("?around=4&limit=3").await).contains(&"4"));
    for query in ["?before=x", "?limit=0", "?limit=-1", "?after=older.x", "?before=1&after=2"] {
        server.get(&ben, &format!("/conversations/{group}/messages{query}")).await.refused(422, "invalid");
    }
    let groups = [group, server.conversation(&ana, "group", &[]).await, server.conversation(&ana, "group", &[]).await];
    let first = server.get(&ana, "/conversations?limit=2").await.expect(StatusCode::OK);
    let next = first["next"].as_str().unwrap();
    let second = server.get(&ana, &format!("/conversations?limit=2&after={next}")).await.expect(StatusCode::OK);
    let items = [&first, &second].into_iter().flat_map(|page| page["items"].as_array().unwrap());
    let ids: Vec<_> = items.map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&groups[2], &groups[1], &groups[0]]);
    assert_eq!(second["next"], Value::Null);
    let bad = server.get(&ana, "/conversations?after=!").await;
    assert_eq!(bad.refused(422, "invalid").faults(), [("after", "malformed")]);
    server.stop().await;
});

each_mix!(a_command_repeated_with_its_key_has_one_effect, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let group = server.conversation(&ana, "group", &[&ben]).await;
    let path = format!("/conversations/{group}/messages");
    let send = async |person: &Person, key: &str, body: Value| {
        let request = server.request(Method::POST, &path, Some(&person.token)).header("Idempotency-Key", key);
        server.send(request.json(&body)).await
    };
    let first = send(&ana, "k", json!({"content": "once"})).await;
    let again = send(&ana, "k", json!({"content": "once"})).await;
    assert_eq!(first.position(), again.position());
    assert_eq!(first.expect(StatusCode::CREATED), again.expect(StatusCode::CREATED));
    send(&ana, "k", json!({"content": "twice"})).await.refused(409, "idempotency_key_reused");
    assert_eq!(send(&ben, "k", json!({"content": "once"})).await.expect(StatusCode::CREATED)["seq"], 2);
    send(&ana, &"k".repeat(256), json!({"content": "long"})).await.refused(400, "invalid_idempotency_key");
    send(&ana, "", json!({"content": "empty"})).await.refused(400, "invalid_idempotency_key");

    let guid = "01900000-0000-7000-8000-000000000001";
    let with_guid = |content: &str| json!({"guid": guid, "content": content});
    let first = server.post(&ana, &path, with_guid("x")).await.expect(StatusCode::CREATED);
    assert_eq!(first["id"], guid);
    assert_eq!(server.post(&ana, &path, with_guid("x")).await.expect(StatusCode::CREATED), first);
    server.post(&ana, &path, with_guid("y")).await.refused(409, "guid_taken");
    server.post(&ben, &path, with_guid("x")).await.refused(409, "guid_taken");
    server.stop().await;
});

each_mix!(a_kick_holds_although_nobody_projects, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let group = server.conversation(&ana, "group", &[&ben]).await;
    let partition = |id: &str| Partition::of(Uuid::parse_str(id).unwrap(), 16);
    let apart = loop {
        let other = server.conversation(&ana, "group", &[]).await;
        if partition(&other) != partition(&group) {
            break other;
        }
    };
    server.text(&ben, &group, "in").await;
    server.stop().await;
    // A gateway without a worker: nothing is projected any more.
    let (role, wait) = (Role::Gateway, Duration::from_millis(100));
    let server = Server::start_with(Config { role, wait, ..config(&home) }).await;
    server.text(&ben, &group, "still in").await;
    // What is stored and not shown has its id.
    let kicked = server.post(&ana, &format!("/conversations/{group}/kick"), json!({"userId": ben.id})).await;
    assert_eq!(kicked.expect(StatusCode::ACCEPTED), json!({"id": group}));
    let refused = server.post(&ben, &format!("/conversations/{group}/messages"), json!({"content": "out?"})).await;
    refused.refused(404, "not_found");
    // A read of a position that is not projected yet is refused temporarily.
    let head = server.head().await;
    let request = server.request(Method::GET, "/conversations", Some(&ana.token)).header("X-ChatChit-Position", head);
    let behind = server.send(request).await;
    assert_eq!(behind.refused(503, "read_models_behind").header("retry-after").unwrap(), "1");
    assert_eq!(behind.body["temporary"], true);
    // One that is about a single conversation waits for that one alone.
    let page = async |of: &str| {
        let path = format!("/conversations/{of}/messages");
        server.send(server.request(Method::GET, &path, Some(&ana.token)).header("X-ChatChit-Position", head)).await
    };
    page(&group).await.refused(503, "read_models_behind");
    page(&apart).await.expect(StatusCode::OK);
    server.stop().await;
});

each_mix!(a_read_shows_what_was_written_before, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let group = server.conversation(&ana, "group", &[]).await;
    let reply = server.post(&ana, &format!("/conversations/{group}/messages"), json!({"content": "now"})).await;
    let position = reply.position();
    assert_eq!(reply.body["position"], position);
    for wanted in [position, position + 1_000] {
        let request = server.request(Method::GET, "/conversations", Some(&ana.token));
        let seen = server.send(request.header("X-ChatChit-Position", wanted)).await.expect(StatusCode::OK);
        assert_eq!(seen["items"][0]["lastMessage"]["content"], "now");
    }
    let request = server.request(Method::GET, "/conversations", Some(&ana.token));
    server.send(request.header("X-ChatChit-Position", "soon")).await.refused(400, "malformed");
    server.stop().await;
});
