//! The same server on every mix of engines, chosen by configuration alone.

use crate::support::{Server, in_order, names, position, until};
use serde_json::json;
use testkit::every_mix;

every_mix!(people_talk_leave_and_come_back, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let room = a.group(&[ben.id], "Room").await;
    let first = a.say(&room, "one").await;
    b.ok("message.react", json!({"messageId": first["id"], "emoji": "👍"})).await;
    let (arrived, _) = b.fence().await;
    assert_eq!(names(&in_order(arrived))[..3], ["conversation.created", "message.sent", "message.reacted"]);
    a.ok("typing.start", json!({"conversationId": room})).await;
    assert_eq!(b.signal().await["signal"], "typing");

    let online = json!({"userId": ben.id, "status": "online", "text": null, "until": null, "lastSeen": null});
    let seen = async || server.read(&ana, "/chat/online-users").await["items"] == json!([online]);
    until("ben to be seen", seen).await;
    b.ok("presence.set", json!({"status": "busy", "text": "at work"})).await;
    while a.presence().await["text"] != "at work" {}

    let cursor = b.cursor.clone();
    drop(b);
    let missed = a.say(&room, "two").await;
    let mut b = server.connect(&ben, Some(&cursor)).await;
    assert_eq!(position(&b.push().await), position(&missed));
    let path = format!("/conversations/{room}/messages");
    let messages = async || server.read(&ben, &path).await["items"].as_array().map(Vec::len);
    until("both messages to be shown", async || messages().await == Some(2)).await;
    until("all engines", async || server.read(&ana, "/readyz").await == json!({"status": "ok"})).await;
    server.stop().await;
});
