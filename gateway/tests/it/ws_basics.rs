//! Pushes and replies of a socket.

use crate::support::{Server, essence, in_order, names, position};
use serde_json::json;
use testkit::each_mix;

each_mix!(a_socket_says_hello_first, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut client = server.open(Some(&ana.token), None, None).await.unwrap();
    let hello = client.hello().await;
    assert_eq!(hello["userId"], json!(ana.id));
    assert_eq!(hello["recovered"], false);
    assert_eq!(hello["heartbeatSeconds"], 25);
    let limits = &hello["limits"];
    assert_eq!(limits["frameBytes"], 65_536);
    for (limit, most) in [
        ("phoneCharacters", 40),
        ("mimeCharacters", 127),
        ("searchCharacters", 256),
        ("linkBytes", 2_048),
        ("signalNameBytes", 64),
    ] {
        assert_eq!(limits[limit], most, "{limit}");
    }
    client.send_text(r#"{"ping":7}"#).await;
    let pong = client.frame().await.unwrap();
    assert_eq!((&pong["pong"], pong["cursor"].is_string()), (&json!(7), true));
    assert!(client.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});

each_mix!(everybody_in_the_room_hears_everything_the_acting_socket_too, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut a = server.connect(&ana, None).await;
    let mut elsewhere = server.connect(&ana, None).await;
    let mut b = server.connect(&ben, None).await;
    let room = a.group(&[ben.id], "Room").await;
    let first = a.say(&room, "hello").await;
    let second = b.say(&room, "hi Ana").await;
    let id = first["id"].clone();
    assert_eq!((&first["seq"], &second["seq"]), (&json!(1), &json!(2)));
    assert_eq!(first["content"], "hello");
    a.ok("message.edit", json!({"messageId": id, "content": "hello Ben"})).await;
    b.ok("message.react", json!({"messageId": id, "emoji": "👍"})).await;
    b.ok("message.unreact", json!({"messageId": id, "emoji": "👍"})).await;
    let pinned = a.ok("message.pin", json!({"messageId": id})).await;
    let unpinned = a.ok("message.unpin", json!({"messageId": id})).await;
    assert_eq!((pinned["pinnedAt"].is_string(), &unpinned["pinnedAt"]), (true, &json!(null)));
    b.ok("message.delivered", json!({"conversationId": room, "upTo": 1})).await;
    b.ok("message.read", json!({"conversationId": room, "upTo": 2})).await;
    let last = a.ok("message.delete", json!({"messageId": id})).await;
    let to = last["position"].as_u64().unwrap();
    let pushes = a.pushes_to(to).await;
    assert_eq!(
        names(&pushes),
        [
            "conversation.created",
            "message.sent",
            "message.sent",
            "message.edited",
            "message.reacted",
            "message.unreacted",
            "message.pinned",
            "message.unpinned",
            "receipt.delivered",
            "receipt.read",
            "message.deleted",
        ]
    );
    let positions: Vec<_> = pushes.iter().map(position).collect();
    assert!(positions.is_sorted());
    let data: Vec<_> = pushes.iter().map(|push| &push["data"]).collect();
    assert_eq!((&data[0]["title"], &data[0]["memberCount"]), (&json!("Room"), &json!(2)));
    assert_eq!((&data[1]["content"], &data[1]["senderId"]), (&json!("hello"), &json!(ana.id)));
    assert_eq!((&data[3]["content"], data[3]["editedAt"].is_string()), (&json!("hello Ben"), true));
    assert_eq!(data[4]["reactions"], json!([{"emoji": "👍", "count": 1}]));
    assert_eq!(data[5]["reactions"], json!([]));
    assert_eq!((&data[6]["id"], data[6]["pinnedAt"].is_string(), &data[7]["pinnedAt"]), (&id, true, &json!(null)));
    assert_eq!(*data[9], json!({"conversationId": room, "userId": ben.id, "seq": 2}));
    assert_eq!((&data[10]["content"], data[10]["deletedAt"].is_string()), (&json!(null), true));
    assert_eq!(pushes[4]["actorId"], json!(ben.id));
    assert_eq!(elsewhere.pushes_to(to).await, pushes, "one push for all of them");
    let of_ben = b.pushes_to(to).await;
    assert!(of_ben.iter().map(essence).eq(pushes.iter().map(essence)), "but for the cursor, which is a person's own");
    server.stop().await;
});

each_mix!(people_hear_what_concerns_them_and_nobody_else_does, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben, eve) = (server.register("ana").await, server.register("ben").await, server.register("eve").await);
    let mut a = server.connect(&ana, None).await;
    let mut b = server.connect(&ben, None).await;
    let mut e = server.connect(&eve, None).await;
    a.ok("friend.request", json!({"userId": ben.id})).await;
    b.ok("friend.accept", json!({"userId": ana.id})).await;
    let pushes = in_order(a.fence().await.0);
    assert_eq!(names(&pushes)[..2], ["friend.requested", "friend.accepted"]);
    assert_eq!((&pushes[0]["data"]["by"], &pushes[0]["data"]["status"]), (&json!(ana.id), &json!("pending")));
    let of_ben = in_order(b.fence().await.0);
    assert!(of_ben[..2].iter().map(essence).eq(pushes[..2].iter().map(essence)));
    b.ok("friend.block", json!({"userId": ana.id})).await;
    assert_eq!(names(&b.fence().await.0)[0], "friend.blocked");
    assert_eq!(names(&a.fence().await.0)[0], "conversation.created", "a block is pushed to the blocker alone");
    let message = {
        let room = e.group(&[], "mine").await;
        e.say(&room, "x").await["id"].clone()
    };
    e.ok("message.hide", json!({"messageId": message})).await;
    let pushes = in_order(e.fence().await.0);
    assert_eq!(names(&pushes)[..3], ["conversation.created", "message.sent", "message.hidden"]);
    assert_eq!(pushes[2]["data"]["messageId"], message);
    server.stop().await;
});

each_mix!(commands_of_one_socket_about_one_room_keep_their_order, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut a = server.connect(&ana, None).await;
    let room = a.group(&[], "Room").await;
    a.push().await;
    let mut last = String::new();
    for n in 0..100 {
        last = a.issue("message.send", json!({"conversationId": room, "content": n.to_string()})).await;
    }
    let reply = a.reply(&last).await;
    let pushes = a.pushes_to(reply["ok"]["position"].as_u64().unwrap()).await;
    let contents: Vec<_> = pushes.iter().map(|push| push["data"]["content"].as_str().unwrap()).collect();
    assert_eq!(contents, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    server.stop().await;
});

each_mix!(a_key_used_again_gives_the_first_result_and_no_second_push, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut a = server.connect(&ana, None).await;
    let room = a.group(&[], "Room").await;
    let frame = |id: &str, content: &str| json!({"id": id, "key": "k1", "cmd": "message.send", "data": {"conversationId": room, "content": content}});
    a.send_text(frame("x", "once").to_string()).await;
    let first = a.reply("x").await;
    let mut again = server.connect(&ana, None).await;
    again.send_text(frame("y", "once").to_string()).await;
    let second = again.reply("y").await;
    assert_eq!(second["ok"]["position"], first["ok"]["position"]);
    again.send_text(frame("z", "twice").to_string()).await;
    assert_eq!(again.reply("z").await["error"]["status"], 409);
    let pushes = a.fence().await.0;
    assert_eq!(names(&pushes).iter().filter(|name| **name == "message.sent").count(), 2, "the message, and the fence");
    assert_eq!(essence(&pushes[1])["data"]["content"], "once");
    server.stop().await;
});
