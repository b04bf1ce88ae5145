//! Muted, archived, cleared: over REST and over sockets, for oneself alone.

use crate::support::{Person, Server};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::each_mix;
use uuid::Uuid;

async fn listed(server: &Server, person: &Person, archived: bool) -> Vec<String> {
    let page = server.get(person, &format!("/conversations?archived={archived}")).await.expect(StatusCode::OK);
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

each_mix!(one_mutes_and_archives_for_oneself, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let path = |act: &str| format!("/conversations/{room}/{act}");
    let later = "2999-01-01T00:00:00.000Z";
    for (act, body, muted, until, archived) in [
        ("mute", Value::Null, true, Value::Null, false),
        ("mute", json!({"until": later}), true, json!(later), false),
        ("archive", Value::Null, true, json!(later), true),
        ("unmute", Value::Null, false, Value::Null, true),
        ("unarchive", Value::Null, false, Value::Null, false),
        ("unarchive", Value::Null, false, Value::Null, false),
        ("archive", Value::Null, false, Value::Null, true),
    ] {
        let answer = server.post(&ben, &path(act), body).await.expect(StatusCode::OK);
        let got = (&answer["muted"], &answer["mutedUntil"], &answer["archived"]);
        assert_eq!(got, (&json!(muted), &until, &json!(archived)), "{act}");
        assert_eq!(server.get(&ben, &format!("/conversations/{room}")).await.body, answer);
        assert_eq!(listed(&server, &ben, true).await.contains(&room), archived);
        assert_eq!(listed(&server, &ben, false).await.contains(&room), !archived);
        let others = server.get(&ana, &format!("/conversations/{room}")).await.body;
        assert_eq!((&others["muted"], &others["archived"]), (&json!(false), &json!(false)));
    }
    server.text(&ana, &room, "hello").await;
    assert_eq!(listed(&server, &ben, false).await, std::slice::from_ref(&room), "a message brings it back");

    let past = server.post(&ben, &path("mute"), json!({"until": "2001-01-01T00:00:00Z"})).await;
    assert_eq!(past.refused(422, "invalid").faults(), [("until", "in_the_past")]);
    let bad = server.post(&ben, &path("mute"), json!({"until": 7})).await;
    assert_eq!(bad.refused(422, "invalid").faults(), [("until", "wrong_type")]);
    let eve = server.register("eve").await;
    for act in ["mute", "unmute", "archive", "unarchive"] {
        server.post(&eve, &path(act), Value::Null).await.refused(404, "not_found");
        let nowhere = format!("/conversations/{}/{act}", Uuid::nil());
        server.post(&ben, &nowhere, Value::Null).await.refused(404, "not_found");
    }
    server.call(&eve, Method::DELETE, &path("history"), Value::Null).await.refused(404, "not_found");
    server.stop().await;
});

each_mix!(what_one_cleared_is_read_nowhere, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let cursor =
        async |person| server.get(person, "/sync").await.expect(StatusCode::OK)["cursor"].as_str().unwrap().to_owned();
    let (since, hers) = (cursor(&ben).await, cursor(&ana).await);
    let room = server.conversation(&ana, "group", &[&ben]).await;
    let old = server.text(&ana, &room, "the old secret").await["id"].as_str().unwrap().to_owned();
    let own = server.text(&ben, &room, "an old answer").await["id"].as_str().unwrap().to_owned();
    let cleared = server.call(&ben, Method::DELETE, &format!("/conversations/{room}/history"), Value::Null).await;
    assert!(cleared.position() > 0);
    cleared.expect(StatusCode::NO_CONTENT);
    let conversation = server.get(&ben, &format!("/conversations/{room}")).await.expect(StatusCode::OK);
    let seen = (&conversation["lastMessage"], &conversation["unread"], &conversation["lastSeq"]);
    assert_eq!(seen, (&Value::Null, &json!(0), &json!(2)));

    let fresh = server.text(&ana, &room, "something new").await["id"].as_str().unwrap().to_owned();
    let edited = json!({"content": "the old secret, again"});
    server.call(&ana, Method::PATCH, &format!("/messages/{old}"), edited).await.expect(StatusCode::OK);
    for query in ["", "?before=3", "?after=0", "?around=1", "?around=3", "?limit=1"] {
        let page = server.get(&ben, &format!("/conversations/{room}/messages{query}")).await.expect(StatusCode::OK);
        let ids: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
        let want = if query == "?before=3" { vec![] } else { vec![json!(fresh)] };
        assert_eq!((ids, &page["next"]), (want, &Value::Null), "{query}");
    }
    for id in [&old, &own] {
        for path in [format!("/messages/{id}"), format!("/messages/{id}/receipts")] {
            server.get(&ben, &path).await.refused(404, "not_found");
            assert!(server.get(&ana, &path).await.status.is_success());
        }
        let reaction = format!("/messages/{id}/reactions/%F0%9F%91%8D");
        server.call(&ben, Method::PUT, &reaction, Value::Null).await.refused(404, "not_found");
    }
    let conversation = server.get(&ben, &format!("/conversations/{room}")).await.expect(StatusCode::OK);
    assert_eq!((&conversation["lastMessage"]["id"], &conversation["unread"]), (&json!(fresh), &json!(1)));

    // A catch-up contains the clearing, and no message before it.
    let page = server.get(&ben, &format!("/sync?since={since}")).await.expect(StatusCode::OK);
    let events: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect();
    assert_eq!(events, ["conversation.created", "conversation.cleared", "message.sent"]);
    assert_eq!(page["events"][1]["data"]["clearedSeq"], 2);
    assert!(!page.to_string().contains("secret"));
    let page = server.get(&ana, &format!("/sync?since={hers}")).await.expect(StatusCode::OK);
    assert!(page.to_string().contains("secret") && !page.to_string().contains("cleared"));
    server.stop().await;
});
