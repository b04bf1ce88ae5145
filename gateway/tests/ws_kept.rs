//! How one keeps a conversation is told to one's own devices alone, and what one cleared is told no more.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ws_support;

use gateway::{Config, hub::HubSettings};
use serde_json::json;
use testkit::each_mix;
use ws_support::{Server, config, in_order, names, position, roomy};

each_mix!(ones_own_devices_are_told_and_nobody_else, |home| async move {
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
        let told = ["conversation.muted", "conversation.archived", "conversation.unarchived", "conversation.unmuted"];
        assert_eq!(names(&pushes), told);
        let want = json!({
            "conversationId": room, "muted": true, "mutedUntil": "2999-01-01T00:00:00.000Z", "archived": true, "clearedSeq": 0
        });
        assert_eq!(pushes[1]["data"], want);
    }
    let (heard, _) = a.fence().await;
    assert!(!heard.iter().any(|push| push["data"]["conversationId"] == json!(room)), "{heard:?}");

    // An invite is told to its maker; the lead hears of it when taking it back.
    let made = server.post(&format!("/conversations/{room}/invites"), Some(&ben.token), json!({})).await;
    let (told, _) = phone.fence().await;
    let push = told.iter().find(|push| push["event"] == "conversation.invite_created").unwrap();
    assert_eq!(push["data"], made);
    let (heard, _) = a.fence().await;
    assert!(!heard.iter().any(|push| push.to_string().contains(made["code"].as_str().unwrap())), "{heard:?}");
    server.stop().await;
});

each_mix!(what_one_cleared_is_told_no_more, |home| async move {
    // From the ring, and from the store.
    for ring_events in [65_536, 2] {
        let home = testkit::Home::new(if home.database_url().is_some() {
            testkit::Engine::Postgres
        } else {
            testkit::Engine::Sqlite
        })
        .await;
        let hub = HubSettings { ring_events, ..roomy() };
        let server = Server::start_with(Config { hub, ..config(&home) }).await;
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
            .write(reqwest::Method::DELETE, &format!("/conversations/{room}/history"), Some(&ben.token), json!(null))
            .await;
        assert!(cleared.is_null());
        // What becomes of the old message is not told to him; to her it is.
        let edit = a.ok("message.edit", json!({"messageId": old["id"], "content": "old, and edited"})).await;
        let fresh = a.say(&room, "new").await;
        a.pushes_to(position(&edit)).await;
        let (heard, end) = b.fence().await;
        assert!(!heard.iter().any(|push| position(push) == position(&edit)), "{heard:?}");
        assert!(heard.iter().any(|push| position(push) == position(&fresh)));

        let mut phone = server.connect(&ben, Some(&cursor)).await;
        let heard = phone.pushes_to(end).await;
        let here: Vec<_> = heard
            .iter()
            .filter(|push| [&push["data"]["conversationId"], &push["data"]["id"]].contains(&&json!(room)))
            .collect();
        let here: Vec<_> = here.iter().map(|push| push["event"].as_str().unwrap()).collect();
        assert_eq!(here, ["conversation.created", "conversation.cleared", "message.sent"]);
        assert!(!heard.iter().any(|push| push.to_string().contains("old")));
        server.stop().await;
    }
});
