//! Signals: published to connected members, and to nobody else.

use crate::support::Server;
use serde_json::{Value, json};
use testkit::{Home, Mix, each_mix};
use uuid::Uuid;

fn typing(room: &str, user: Uuid, is_typing: bool) -> Value {
    json!({"signal": "typing", "data": {"conversationId": room, "userId": user, "isTyping": is_typing}})
}

each_mix!(typing_is_published_to_the_others_of_a_conversation, |home| async move {
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
    b.ok("typing.start", json!({"conversationId": all})).await;
    assert_eq!(a.signal().await, typing(&all, ben.id, true), "not of oneself");
    assert_eq!(c.signal().await, typing(&all, ben.id, true));

    a.ok("conversation.kick", json!({"conversationId": all, "userId": cleo.id})).await;
    c.fence().await;
    a.ok("signal.send", json!({"conversationId": all, "name": "x"})).await;
    assert_eq!(b.signal().await["signal"], "custom");
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

each_mix!(typing_is_published_once_and_ended_by_a_message_and_by_leaving, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let room = a.group(&[ben.id], "Room").await;
    b.fence().await;
    a.ok("typing.stop", json!({"conversationId": room})).await;
    for _ in 0..5 {
        a.ok("typing.start", json!({"conversationId": room})).await;
    }
    a.say(&room, "there").await;
    let mut arrived = vec![b.signal().await, b.signal().await];
    let mut again = server.connect(&ana, None).await;
    again.ok("typing.start", json!({"conversationId": room})).await;
    arrived.push(b.signal().await);
    drop((a, again));
    arrived.push(b.signal().await);
    let received = [true, false, true, false].map(|is_typing| typing(&room, ana.id, is_typing));
    assert_eq!(arrived, received);
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_types_no_more_without_saying_so_has_stopped() {
    let home = Home::mix(Mix::EMBEDDED).await;
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let room = a.group(&[ben.id], "Room").await;
    b.fence().await;
    a.ok("typing.start", json!({"conversationId": room})).await;
    assert_eq!([b.signal().await, b.signal().await], [true, false].map(|is| typing(&room, ana.id, is)));
    server.stop().await;
}

each_mix!(custom_signals_reach_the_others_and_ones_own_other_devices, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben, cleo) = (server.register("ana").await, server.register("ben").await, server.register("cleo").await);
    let mut a = server.connect(&ana, None).await;
    let mut phone = server.connect(&server.login(&ana).await, None).await;
    let (mut b, mut c) = (server.connect(&ben, None).await, server.connect(&cleo, None).await);
    let room = a.group(&[ben.id], "Room").await;
    b.fence().await;
    phone.fence().await;
    let stroke = |n: u64, exclude: Option<bool>| {
        let payload = json!({"points": [[n, 1], [2, 3]]});
        json!({"conversationId": room, "name": "board.stroke", "payload": payload, "excludeSelf": exclude})
    };
    let received = |n: u64| {
        let (name, payload) = ("board.stroke", json!({"points": [[n, 1], [2, 3]]}));
        let data = json!({"conversationId": room, "fromUserId": ana.id, "name": name, "payload": payload});
        json!({"signal": "custom", "data": data})
    };
    a.ok("signal.send", stroke(1, None)).await;
    a.ok("signal.send", stroke(2, Some(false))).await;
    for client in [&mut b, &mut phone] {
        assert_eq!([client.signal().await, client.signal().await], [received(1), received(2)]);
    }
    assert_eq!(a.signal().await, received(2), "when one asks for it");

    for name in ["message.sent", "typing", "messageComing", "connect"] {
        let refused = a.refused("signal.send", json!({"conversationId": room, "name": name})).await;
        assert_eq!((&refused["status"], &refused["code"]), (&json!(422), &json!("reserved_name")), "{name}");
    }
    let big = json!({"conversationId": room, "name": "x", "payload": "x".repeat(8 * 1024)});
    assert_eq!(a.refused("signal.send", big).await["errors"][0]["code"], "too_long");
    assert_eq!(c.refused("signal.send", stroke(3, None)).await["status"], 404, "of no business of hers");
    server.stop().await;
});

each_mix!(what_one_window_says_reaches_another_with_the_same_token, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut a = server.connect(&ana, None).await;
    let mut window = server.connect(&ana, None).await;
    let mut b = server.connect(&ben, None).await;
    let room = a.group(&[ben.id], "Room").await;
    b.fence().await;
    window.fence().await;
    a.ok("typing.start", json!({"conversationId": room})).await;
    assert_eq!(window.signal().await, typing(&room, ana.id, true));
    a.ok("typing.stop", json!({"conversationId": room})).await;
    assert_eq!(window.signal().await, typing(&room, ana.id, false));
    a.ok("presence.set", json!({"status": "busy", "text": "writing"})).await;
    while window.presence().await["text"] != "writing" {}
    a.ok("signal.send", json!({"conversationId": room, "name": "x", "payload": 1})).await;
    assert_eq!(window.signal().await["data"]["payload"], 1);
    // The first signal that the window that spoke receives is one that was meant for it, too.
    a.ok("signal.send", json!({"conversationId": room, "name": "x", "payload": 2, "excludeSelf": false})).await;
    assert_eq!(a.signal().await["data"]["payload"], 2);
    server.stop().await;
});
