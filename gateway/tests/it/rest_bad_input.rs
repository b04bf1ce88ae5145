//! Bad input: each case is refused by name, tells nothing, and stores nothing.

use crate::support::{PASSWORD, Server, registration};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_mix;

const NOBODY: &str = "01900000-0000-7000-8000-00000000dead";

/// A path from the ids of a conversation and of a message.
type PathOf = fn(&str, &str) -> String;
/// The refusal of a field: its path and its word.
type Fault = (&'static str, &'static str);

each_mix!(fields_that_do_not_fit_are_named, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let group = server.conversation(&ana, "group", &[&ben]).await;
    let message = server.text(&ana, &group, "hello").await;
    let (messages, edit) = (format!("/conversations/{group}/messages"), format!("/messages/{}", text(&message["id"])));
    let (conversation, read) = (format!("/conversations/{group}"), format!("/conversations/{group}/read"));
    let before = server.head().await;
    let cases: Vec<(Method, &str, Value, &[Fault])> = vec![
        (Method::POST, &messages, json!({"content": 7}), &[("content", "wrong_type")]),
        (Method::POST, &messages, json!({}), &[("content", "empty")]),
        (Method::POST, &messages, json!({"content": " \n"}), &[("content", "empty")]),
        (Method::POST, &messages, json!({"content": "x".repeat(8_193)}), &[("content", "too_long")]),
        (Method::POST, &messages, json!({"content": "a\u{0}b"}), &[("content", "control_character")]),
        (Method::POST, &messages, json!({"content": "x", "messageType": "text"}), &[("messageType", "unknown_word")]),
        (Method::POST, &messages, json!({"content": "x", "guid": "1"}), &[("guid", "malformed")]),
        (Method::POST, &messages, json!({"content": "x", "attachments": {}}), &[("attachments", "wrong_type")]),
        (
            Method::POST,
            &messages,
            json!({"content": [], "guid": 1, "attachments": [{"fileUrl": "x"}, {}, {"fileUrl": "/a", "size": -1}], "mentions": ["a"]}),
            &[
                ("guid", "wrong_type"),
                ("content", "wrong_type"),
                ("attachments[0].fileUrl", "malformed"),
                ("attachments[1].fileUrl", "required"),
                ("attachments[2].size", "wrong_type"),
                ("mentions[0]", "malformed"),
            ],
        ),
        (Method::POST, &messages, json!({"content": "x", "replyTo": NOBODY}), &[("replyTo", "not_found")]),
        (Method::POST, &messages, json!({"content": "x", "mentions": [NOBODY]}), &[("mentions", "not_member")]),
        (Method::PATCH, &edit, json!({"content": null}), &[("content", "required")]),
        (Method::PATCH, &edit, json!({"content": ""}), &[("content", "empty")]),
        (
            Method::PATCH,
            &conversation,
            json!({"title": "a\u{7}", "approval": null, "joining": "ask"}),
            &[("title", "control_character"), ("joining", "unknown_word"), ("approval", "required")],
        ),
        (Method::POST, &read, json!({"upTo": -1}), &[("upTo", "wrong_type")]),
        (Method::POST, &read, json!({"upTo": 1.5}), &[("upTo", "wrong_type")]),
        (Method::POST, &read, json!({"upTo": "x"}), &[("upTo", "malformed")]),
        (
            Method::POST,
            "/conversations",
            json!({"type": "room", "members": "all"}),
            &[("type", "unknown_word"), ("members", "wrong_type")],
        ),
        (Method::POST, "/conversations", json!({}), &[("type", "required"), ("members", "required")]),
        (Method::POST, "/friends", json!({"userId": true}), &[("userId", "wrong_type")]),
        (
            Method::PATCH,
            "/users/me",
            json!({"preferences": {"reachableBy": {"calls": "nobody", "groups": 1}}}),
            &[("preferences.reachableBy.calls", "unknown_word"), ("preferences.reachableBy.groups", "wrong_type")],
        ),
        (
            Method::PATCH,
            "/users/me",
            json!({"preferences": {"reachableBy": "friends"}}),
            &[("preferences.reachableBy", "wrong_type")],
        ),
    ];
    for (method, path, body, want) in cases {
        let reply = server.call(&ana, method, path, body.clone()).await;
        assert_eq!(reply.refused(422, "invalid").faults(), want, "{path} {body}");
        assert_eq!(reply.body["temporary"], false);
    }
    for (preferences, field) in [
        (json!({"reachableBy": {"letters": "friends"}}), "preferences.reachableBy.letters"),
        (json!({"reachable_by": {"calls": "friends"}}), "preferences.reachable_by"),
    ] {
        let reply = server.call(&ana, Method::PATCH, "/users/me", json!({"preferences": preferences})).await;
        assert_eq!(reply.refused(422, "unknown_field").faults(), [(field, "unknown_field")]);
    }
    for (field, value) in
        [("title", json!("Plans")), ("avatarUrl", json!("/a")), ("joining", json!("open")), ("approval", json!(true))]
    {
        let mut direct = json!({"type": "direct", "members": [ben.id]});
        direct[field] = value;
        let reply = server.post(&ana, "/conversations", direct).await;
        assert_eq!(reply.refused(422, "invalid").faults(), [(field, "contradicts")]);
    }
    let direct = json!({"type": "direct", "members": [ben.id, NOBODY]});
    let reply = server.post(&ana, "/conversations", direct).await;
    assert!(matches!(reply.status.as_u16(), 404 | 422), "{}", reply.body);
    assert_eq!(server.head().await, before, "something was stored");
    server.stop().await;
});

each_mix!(a_registration_that_does_not_fit_is_refused, |home| async move {
    let server = Server::start(&home).await;
    let with = |field: &str, value: Value| {
        let mut body = registration("ana");
        body[field] = value;
        body
    };
    for (field, value, code) in [
        ("email", json!("ana"), "malformed"),
        ("email", json!(["a@b"]), "wrong_type"),
        ("email", json!(format!("{}@b", "x".repeat(254))), "too_long"),
        ("password", json!("short"), "too_short"),
        ("password", json!("x".repeat(129)), "too_long"),
        ("password", json!(12_345_678), "wrong_type"),
        ("firstName", json!("  "), "empty"),
        ("firstName", json!("x".repeat(101)), "too_long"),
        ("lastName", json!("a\nb"), "control_character"),
        ("lastName", Value::Null, "required"),
        ("phone", json!("call me"), "malformed"),
        ("device", json!(3), "wrong_type"),
        ("device", json!({"name": "phone"}), "wrong_type"),
        ("bootstrapToken", json!(3), "wrong_type"),
    ] {
        let reply = server.anonymous("/auth/register", with(field, value.clone())).await;
        assert_eq!(reply.refused(422, "invalid").faults(), [(field, code)], "{field} {value}");
        assert!(!reply.body.to_string().contains("12345678"), "the answer contains the password");
    }
    let reply = server.anonymous("/auth/register", json!({})).await;
    let want = ["email", "password", "firstName", "lastName"].map(|field| (field, "required"));
    assert_eq!(reply.refused(422, "invalid").faults(), want);
    let reply = server.anonymous("/auth/login", json!({"email": "ana@test.example"})).await;
    assert_eq!(reply.refused(422, "invalid").faults(), [("password", "required")]);
    server
        .anonymous("/auth/login", json!({"email": "a@b", "password": PASSWORD}))
        .await
        .refused(401, "wrong_credentials");
    assert_eq!(server.head().await, 0, "something was stored");
    server.stop().await;
});

each_mix!(what_one_may_not_see_answers_like_what_is_not, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben, eve) = (server.register("ana").await, server.register("ben").await, server.register("eve").await);
    let group = server.conversation(&ana, "group", &[&ben]).await;
    let message = text(&server.text(&ana, &group, "secret").await["id"]).to_owned();
    let before = server.head().await;
    let user = json!({"userId": ana.id});
    let cases: Vec<(Method, PathOf, Value)> = vec![
        (Method::GET, |group, _| format!("/conversations/{group}"), Value::Null),
        (Method::GET, |group, _| format!("/conversations/{group}/members"), Value::Null),
        (Method::GET, |group, _| format!("/conversations/{group}/messages"), Value::Null),
        (Method::PATCH, |group, _| format!("/conversations/{group}"), json!({"title": "mine"})),
        (Method::DELETE, |group, _| format!("/conversations/{group}"), Value::Null),
        (Method::POST, |group, _| format!("/conversations/{group}/messages"), json!({"content": "x"})),
        (Method::POST, |group, _| format!("/conversations/{group}/leave"), Value::Null),
        (Method::POST, |group, _| format!("/conversations/{group}/add"), user.clone()),
        (Method::POST, |group, _| format!("/conversations/{group}/kick"), user.clone()),
        (Method::POST, |group, _| format!("/conversations/{group}/promote"), user),
        (Method::POST, |group, _| format!("/conversations/{group}/read"), json!({"upTo": 1})),
        (Method::POST, |group, _| format!("/conversations/{group}/delivered"), json!({"upTo": 1})),
        (Method::GET, |_, message| format!("/messages/{message}"), Value::Null),
        (Method::PATCH, |_, message| format!("/messages/{message}"), json!({"content": "x"})),
        (Method::DELETE, |_, message| format!("/messages/{message}"), Value::Null),
        (Method::DELETE, |_, message| format!("/messages/{message}?for=me"), Value::Null),
        (Method::PUT, |_, message| format!("/messages/{message}/reactions/%F0%9F%91%8D"), Value::Null),
        (Method::DELETE, |_, message| format!("/messages/{message}/reactions/%F0%9F%91%8D"), Value::Null),
    ];
    for (method, path, body) in cases {
        let mut received = Vec::new();
        let no_id = server.call(&eve, method.clone(), &path("no-id", "no-id"), body.clone()).await;
        assert_eq!(no_id.refused(422, "invalid").faults(), [("id", "malformed")], "whatever there is");
        for path in [path(&group, &message), path(NOBODY, NOBODY)] {
            let mut reply = server.call(&eve, method.clone(), &path, body.clone()).await;
            reply.refused(404, "not_found");
            reply.body["requestId"].take();
            received.push(reply.body);
        }
        assert!(received.windows(2).all(|pair| pair[0] == pair[1]), "{method}: {received:?}");
    }
    assert_eq!(server.head().await, before, "something was stored");
    server.stop().await;
});

each_mix!(what_is_no_json_is_refused, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let group = server.conversation(&ana, "group", &[]).await;
    let path = format!("/conversations/{group}/messages");
    let before = server.head().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let request = server.request(Method::POST, &path, Some(&ana.token)).header("Content-Type", kind);
        server.send(request.body(body)).await
    };
    let deep = "[".repeat(10_000);
    for body in
        [&b""[..], b"{", b"{\"content\": \"\xff\"}", b"\xff\xfe", b"[]", b"\"x\"", b"null", b"{} {}", deep.as_bytes()]
    {
        send("application/json", body.to_vec()).await.refused(400, "malformed");
    }
    send("text/plain", b"{\"content\": \"x\"}".to_vec()).await.refused(415, "unsupported_media_type");
    let request = server.request(Method::POST, &path, Some(&ana.token)).header("Content-Type", "application/json");
    let coded = server.send(request.header("Content-Encoding", "gzip").body(vec![0x1f, 0x8b, 8])).await;
    coded.refused(415, "unsupported_media_type");
    assert!(coded.body["detail"].as_str().unwrap().contains("Content-Encoding \"gzip\""), "{}", coded.body);
    let lone = send("application/json", b"{\"content\": \"\\ud800\"}".to_vec()).await;
    lone.refused(400, "malformed");
    assert!(lone.body["detail"].as_str().unwrap().contains("lone surrogate"), "{}", lone.body);
    let twice = b"{\"content\": \"x\", \"attachments\": [{\"fileUrl\": \"/a\", \"fileUrl\": \"/b\"}]}".to_vec();
    let twice = send("application/json", twice).await;
    assert_eq!(twice.refused(422, "invalid").faults(), [("attachments[0].fileUrl", "repeated")]);
    send("application/json", vec![b' '; 64 * 1024 + 1]).await.refused(413, "too_large");
    assert_eq!(server.head().await, before, "something was stored");
    let reply = send("application/json; charset=utf-8", b"{\"content\": \"x\"}".to_vec()).await;
    reply.expect(StatusCode::CREATED);
    let anything = "a̐é\u{202e}👩‍👩‍👧 <b>'\"; DROP TABLE events; --\r\n\t\\u0000";
    assert_eq!(server.text(&ana, &group, anything).await["content"], anything);
    server.stop().await;
});

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}
