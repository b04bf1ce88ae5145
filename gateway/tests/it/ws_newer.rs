//! A newer version of the server writes beside this one: nobody's cursor passes in silence what this one cannot read.

use crate::support::{End, Server, names, position};
use serde_json::json;
use testkit::{Newer, each_mix};

each_mix!(nobodys_cursor_passes_what_a_newer_version_wrote, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben, cleo) = (server.register("ana").await, server.register("ben").await, server.register("cleo").await);
    let (mut a, mut b) = (server.connect(&ana, None).await, server.connect(&ben, None).await);
    let mut c = server.connect(&cleo, None).await;
    let (first, outside) = (b.cursor.clone(), c.cursor.clone());
    let room = a.group(&[ben.id], "Us").await;
    let message = a.say(&room, "known").await;
    let known = [b.push().await, b.push().await];
    assert_eq!(names(&known), ["conversation.created", "message.sent"]);
    let pinned = Newer::open(&home).await.append(position(&known[1]), "message.pinned", 1).await;

    // Whom it may concern is sent away before their cursor passes it, the others are not.
    assert_eq!([a.end().await, b.end().await], [End::Closed(1012), End::Closed(1012)]);
    assert!(b.left_over().is_empty());
    assert!(c.fence().await.1 > pinned);

    // The event cannot be pushed: clients reload once, and go on.
    let mut b = server.open(Some(&ben.token), None, Some(&b.cursor)).await.unwrap();
    assert_eq!(b.hello().await["recovered"], false);
    let mut a = server.connect(&ana, None).await;
    a.say(&room, "after").await;
    let after = b.push().await;
    assert!(position(&after) > pinned && after["data"]["content"] == "after", "{after}");
    let resumed = b.cursor.clone();
    drop(b);
    let mut b = server.open(Some(&ben.token), None, Some(&resumed)).await.unwrap();
    assert_eq!(b.hello().await["recovered"], true);

    // Earlier events are pushed; then the socket is closed.
    let page = b.ok("sync", json!({"since": first})).await;
    assert_eq!(names(page["events"].as_array().unwrap()), ["conversation.created", "message.sent"]);
    assert_eq!((&page["recovered"], &page["more"]), (&json!(true), &json!(true)));
    let page = b.ok("sync", json!({"since": page["cursor"]})).await;
    assert_eq!((&page["recovered"], &page["more"], &page["events"]), (&json!(false), &json!(false), &json!([])));
    let page = b.ok("sync", json!({"since": page["cursor"]})).await;
    assert_eq!(page["recovered"], true);
    // Whom it does not concern misses nothing.
    let page = c.ok("sync", json!({"since": outside})).await;
    assert_eq!((&page["recovered"], &page["more"]), (&json!(true), &json!(false)));

    // What would rest on it is not decided here.
    let problem = a.refused("message.edit", json!({"messageId": message["id"], "content": "better"})).await;
    assert_eq!((&problem["code"], &problem["temporary"]), (&json!("newer_version"), &json!(true)));
    let health = server.read(&ana, "/readyz").await;
    assert_eq!(health["status"], "degraded", "{health}");
    assert!(health["unreadable"].as_str().unwrap().contains("newer version"), "{health}");
    drop((a, b, c));
    server.stop().await;

    // A process that was not there when it happened: it, too, stops before it, and says so when they come back.
    let server = Server::start(&home).await;
    let mut b = server.open(Some(&ben.token), None, Some(&first)).await.unwrap();
    assert_eq!(b.hello().await["recovered"], true);
    assert_eq!(b.end().await, End::Closed(1012));
    let received = b.left_over();
    assert_eq!(names(&received), ["conversation.created", "message.sent"]);
    let mut b = server.open(Some(&ben.token), None, Some(&b.cursor)).await.unwrap();
    assert_eq!(b.hello().await["recovered"], false);
    server.stop().await;
});
