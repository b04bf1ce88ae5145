//! Settings of a conversation are pushed to one's own devices alone, and a cleared history is not replayed.

use crate::support::{Server, config, in_order, names, position, roomy};
use config::{Config, SocketSettings};
use serde_json::json;
use testkit::each_mix;

each_mix!(only_ones_own_devices_are_notified, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut a = server.connect(&ana, None).await;
    let mut b = server.connect(&ben, None).await;
    let mut phone = server.connect(&server.login(&ben).await, None).await;
    let room = a.group(&[ben.id], "Us").await;
    a.say(&room, "hello").await;
    for client in [&mut a, &mut b, &mut phone] {
        client.fence().await;
    }
    let here = json!({"conversationId": room});
    let until = json!({"conversationId": room, "until": "2999-01-01T00:00:00Z"});
    let muted = b.ok("conversation.mute", until).await;
    assert_eq!((&muted["muted"], &muted["mutedUntil"]), (&json!(true), &json!("2999-01-01T00:00:00.000Z")));
    let mut last = 0;
    for cmd in ["archive", "unarchive", "unmute"] {
        last = position(&b.ok(&format!("conversation.{cmd}"), here.clone()).await);
    }
    for client in [&mut b, &mut phone] {
        let mut pushes = in_order(client.pushes_to(last).await);
        pushes.retain(|push| push["data"]["conversationId"] == json!(room));
        let received =
            ["conversation.muted", "conversation.archived", "conversation.unarchived", "conversation.unmuted"];
        assert_eq!(names(&pushes), received);
        let want = json!({
            "conversationId": room, "muted": true, "mutedUntil": "2999-01-01T00:00:00.000Z", "archived": true, "clearedSeq": 0
        });
        assert_eq!(pushes[1]["data"], want);
    }
    let (arrived, _) = a.fence().await;
    assert!(!arrived.iter().any(|push| push["data"]["conversationId"] == json!(room)), "{arrived:?}");

    // An invite is pushed to its maker; the lead receives its revocation.
    let made = server.write(&ben, &format!("/conversations/{room}/invites"), json!({})).await;
    let (received, _) = phone.fence().await;
    let push = received.iter().find(|push| push["event"] == "conversation.invite_created").unwrap();
    assert_eq!(push["data"], made);
    let (arrived, _) = a.fence().await;
    assert!(!arrived.iter().any(|push| push.to_string().contains(made["code"].as_str().unwrap())), "{arrived:?}");
    server.stop().await;
});

each_mix!(a_cleared_history_is_not_replayed, |home| async move {
    // From the ring, and from the store.
    for ring_events in [65_536, 2] {
        let home = testkit::Home::new(if home.database_url().is_some() {
            testkit::Engine::Postgres
        } else {
            testkit::Engine::Sqlite
        })
        .await;
        let sockets = SocketSettings { ring_events, ..roomy() };
        let server = Server::start_with(Config { sockets, ..config(&home) }).await;
        let (ana, ben) = (server.register("ana").await, server.register("ben").await);
        let mut a = server.connect(&ana, None).await;
        let mut b = server.connect(&ben, None).await;
        let phone = server.connect(&server.login(&ben).await, None).await;
        let cursor = phone.cursor.clone();
        let room = a.group(&[ben.id], "Us").await;
        let old = a.say(&room, "old").await;
        b.say(&room, "older").await;
        drop(phone);
        let cleared = server
            .call(&ben, reqwest::Method::DELETE, &format!("/conversations/{room}/history"), json!(null))
            .await
            .ok();
        assert!(cleared.is_null());
        // Changes of the old message are pushed to her, not to him.
        let edit = a.ok("message.edit", json!({"messageId": old["id"], "content": "old, and edited"})).await;
        let fresh = a.say(&room, "new").await;
        a.pushes_to(position(&edit)).await;
        let (arrived, end) = b.fence().await;
        assert!(!arrived.iter().any(|push| position(push) == position(&edit)), "{arrived:?}");
        assert!(arrived.iter().any(|push| position(push) == position(&fresh)));

        let mut phone = server.connect(&ben, Some(&cursor)).await;
        let arrived = phone.pushes_to(end).await;
        let here: Vec<_> = arrived
            .iter()
            .filter(|push| [&push["data"]["conversationId"], &push["data"]["id"]].contains(&&json!(room)))
            .collect();
        let here: Vec<_> = here.iter().map(|push| push["event"].as_str().unwrap()).collect();
        assert_eq!(here, ["conversation.created", "conversation.cleared", "message.sent"]);
        assert!(!arrived.iter().any(|push| push.to_string().contains("old")));
        server.stop().await;
    }
});
