//! Presence over REST.

use crate::support::Server;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_mix;
use uuid::Uuid;

each_mix!(one_chooses_and_sees_what_one_chose, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let own = server.get(&ana, "/presence").await.expect(StatusCode::OK)["items"][0].clone();
    assert_eq!((&own["userId"], &own["chosen"], &own["status"]), (&json!(ana.id), &json!("online"), &json!("online")));
    for (wish, chosen, status, text) in [
        (json!({"status": "away"}), "away", "away", Value::Null),
        (json!({"status": "busy", "text": "writing"}), "busy", "busy", json!("writing")),
        (json!({"status": "away", "text": "not now"}), "busy", "busy", json!("writing")),
        (json!({"status": "invisible"}), "invisible", "offline", Value::Null),
        (json!({"status": "online", "text": "hello"}), "online", "online", json!("hello")),
        (json!({"status": "online"}), "online", "online", Value::Null),
    ] {
        let answer = server.call(&ana, Method::PUT, "/presence", wish.clone()).await;
        assert!(answer.position() > 0);
        let answer = answer.expect(StatusCode::OK);
        let got = (&answer["chosen"], &answer["status"], &answer["text"]);
        assert_eq!(got, (&json!(chosen), &json!(status), &text), "{wish}");
        let path = format!("/presence?userIds={}", ana.id);
        assert_eq!(server.get(&ana, &path).await.expect(StatusCode::OK)["items"], json!([answer]));
    }
    server.stop().await;
});

each_mix!(what_cannot_be_read_is_named, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let ids = |count: u128| (1..=count).map(|n| Uuid::from_u128(n).to_string()).collect::<Vec<_>>().join(",");
    let twice = format!("{},{}", ids(2), ids(2));
    let items = server.get(&ana, &format!("/presence?userIds={twice}")).await.expect(StatusCode::OK)["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 2, "each once");
    assert!(items[0].get("chosen").is_none(), "that is of oneself alone");
    for (query, code) in [(ids(201), "too_many"), ("x".to_owned(), "malformed"), (format!("{},", ids(1)), "malformed")]
    {
        let reply = server.get(&ana, &format!("/presence?userIds={query}")).await;
        assert_eq!(reply.refused(422, "invalid").faults(), [("userIds", code)]);
    }
    let reply = server.call(&ana, Method::PUT, "/presence", json!({"status": "asleep", "text": 7, "until": 1})).await;
    let faults = [("status", "unknown_word"), ("text", "wrong_type"), ("until", "wrong_type")];
    assert_eq!(reply.refused(422, "invalid").faults(), faults);
    server.stop().await;
});
