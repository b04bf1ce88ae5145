//! Signals: told to those who are there, and to nobody else.

#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

mod ws_support;

use serde_json::{Value, json};
use testkit::each_mix;
use uuid::Uuid;
use ws_support::Server;

fn typing(room: &str, user: Uuid, is_typing: bool) -> Value {
    json!({"signal": "typing", "data": {"conversationId": room, "userId": user, "isTyping": is_typing}})
}

each_mix!(the_others_of_a_conversation_are_told_who_types, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben, cleo) = (server.register("ana").await, server.register("ben").await, server.register("cleo").await);
    let mut a = server.connect(&ana, None).await;
    let (mut b, mut c) = (server.connect(&ben, None).await, server.connect(&cleo, None).await);
    let all = a.group(&[ben.id, cleo.id], "All").await;
    let two = a.group(&[ben.id], "Two").await;
    b.fence().await;
    c.fence().await;
    a.ok("typing.start", json!({"conversationId": two})).await;
    a.ok("typing.start", json!({"conversationId": all})).await;
    assert_eq!(b.signal().await, typing(&two, ana.id, true));
    assert_eq!(b.signal().await, typing(&all, ana.id, true));
    assert_eq!(c.signal().await, typing(&all, ana.id, true), "not of a room that she is not in");
    b.ok("typing.stop", json!({"conversationId": all})).await;
    assert_eq!(a.signal().await, typing(&all, ben.id, false), "not of oneself");
    assert_eq!(c.signal().await, typing(&all, ben.id, false));

    a.ok("conversation.kick", json!({"conversationId": all, "userId": cleo.id})).await;
    c.fence().await;
    a.ok("typing.start", json!({"conversationId": all})).await;
    a.ok("typing.start", json!({"conversationId": two})).await;
    b.signal().await;
    b.signal().await;
    let direct = a.ok("conversation.create", json!({"type": "direct", "members": [cleo.id]})).await;
    let direct = direct["id"].as_str().unwrap();
    c.fence().await;
    a.ok("typing.start", json!({"conversationId": direct})).await;
    assert_eq!(c.signal().await, typing(direct, ana.id, true), "nothing of the room she was put out of");
    assert_eq!(c.refused("typing.start", json!({"conversationId": all})).await["status"], 404);
    c.ok("friend.block", json!({"userId": ana.id})).await;
    assert_eq!(a.refused("typing.start", json!({"conversationId": direct})).await["code"], "cannot_message");
    server.stop().await;
});
