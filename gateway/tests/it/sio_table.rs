//! Every row of the table of Socket.IO events, on each transport.

use crate::support::{
    Server,
    sio::{TRANSPORTS, Transport, names},
    until,
};
use serde_json::{Value, json};
use testkit::each_mix;
use uuid::Uuid;

each_mix!(a_message_is_queued_processed_and_comes_to_everybody, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    for transport in TRANSPORTS {
        let mut a = ana.sio(None, transport).await;
        let mut b = ben.sio(None, transport).await;
        let room = a.group(&[ben.id], "Room").await;
        a.emit("sendMessage", json!({"conversationId": room, "messageType": "TEXT", "content": "no guid"})).await;
        let queued = a.event("messageQueued").await;
        let processed = a.event("messageProcessed").await;
        assert_eq!((&queued["status"], &processed["status"]), (&json!("queued"), &json!("success")));
        assert_eq!((&queued["tempId"], &processed["tempId"]), (&processed["messageId"], &processed["messageId"]));
        assert!(queued["timestamp"].is_string());
        for client in [&mut a, &mut b] {
            let coming = client.event("messageComing").await;
            assert_eq!((&coming["messageId"], &coming["content"]), (&processed["messageId"], &json!("no guid")));
            assert_eq!((&coming["senderId"], &coming["position"]), (&json!(ana.id), &processed["position"]));
            assert!(coming["cursor"].is_string() && coming["at"].is_string() && coming["actorId"] == json!(ana.id));
            assert_eq!(client.event("loadLastMessage").await["conversationId"], json!(room));
            let pushed = client.event("message.sent").await;
            assert_eq!((&pushed["id"], &pushed["content"]), (&coming["id"], &coming["content"]));
        }
        let guid = Uuid::from_u128(0x7000_8000_0000_0000_0000 + transport as u128);
        let data = json!({"conversationId": room, "guid": guid, "messageType": "TEXT", "content": "a guid"});
        let first = a.ask("sendMessage", data.clone()).await;
        assert_eq!((&first["status"], &first["tempId"]), (&json!("success"), &json!(guid)));
        assert_eq!((&first["messageId"], &first["message"]["content"]), (&json!(guid), &json!("a guid")));
        assert_eq!(a.ask("sendMessage", data).await["position"], first["position"], "once");
        let refused = a.ask("sendMessage", json!({"conversationId": Uuid::nil(), "content": "x"})).await;
        assert_eq!(refused["error"]["code"], "not_found");
        let received = a.event("sendMessageError").await;
        assert_eq!((&received["code"], received["message"].is_string()), (&json!("not_found"), true));
    }
    server.stop().await;
});

each_mix!(removals_and_receipts_are_pushed_to_all_but_the_acting_device, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let laptop = server.login(&ben).await;
    for transport in TRANSPORTS {
        let mut a = ana.sio(None, transport).await;
        let mut b = ben.sio(None, transport).await;
        let mut other = laptop.sio(None, transport).await;
        let room = a.group(&[ben.id], "Room").await;
        let message = a.ok("message.send", json!({"conversationId": room, "content": "hello"})).await;
        let id = &message["id"];
        b.event("messageComing").await;
        b.emit("messageRead", json!({"messageId": id, "conversationId": room})).await;
        for client in [&mut a, &mut other] {
            let read = client.event("messageRead").await;
            assert_eq!((&read["messageId"], &read["readBy"]), (id, &json!(ben.id)));
            assert_eq!(
                (&read["conversationId"], &read["seq"], read["readAt"].is_string()),
                (&json!(room), &json!(1), true)
            );
        }
        b.emit("deleteMessage", json!({"messageId": id, "conversationId": room})).await;
        assert_eq!(b.event("deleteMessageError").await["messageId"], *id, "it is not Ben's");
        let elsewhere = a.group(&[ben.id], "Another room").await;
        for for_everyone in [true, false] {
            let wrong = json!({"messageId": id, "conversationId": elsewhere, "deleteForEveryone": for_everyone});
            assert_eq!(a.ask("deleteMessage", wrong).await["error"]["code"], "not_found");
            assert_eq!(a.event("deleteMessageError").await["messageId"], *id, "it is not there");
        }
        b.emit("deleteMessage", json!({"messageId": id, "conversationId": room, "deleteForEveryone": false})).await;
        assert_eq!(b.event("deleteMessageQueued").await["messageId"], *id);
        assert_eq!(other.event("messageDeleted").await["deleteForEveryone"], json!(false));
        a.emit("deleteMessage", json!({"messageId": id, "conversationId": room})).await;
        let queued = a.event("deleteMessageQueued").await;
        assert_eq!((&queued["messageId"], queued["timestamp"].is_string()), (id, true));
        let deleted = b.event("messageDeleted").await;
        assert_eq!((&deleted["messageId"], &deleted["deletedBy"]), (id, &json!(ana.id)));
        assert_eq!((&deleted["conversationId"], deleted["deletedAt"].is_string()), (&json!(room), true));
        for client in [&mut a, &mut b] {
            let events = client.fence().await;
            let seen = names(&events);
            assert!(!seen.contains(&"messageRead") && !seen.contains(&"messageDeleted"), "{seen:?}");
        }
        assert_eq!(
            b.ask("messageRead", json!({"messageId": {}, "conversationId": room})).await["error"]["code"],
            "invalid"
        );
    }
    server.stop().await;
});

each_mix!(typing_presence_and_joins_are_pushed, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    for transport in TRANSPORTS {
        let mut a = ana.sio(None, transport).await;
        let mut b = ben.sio(None, transport).await;
        let room = a.group(&[ben.id], "Room").await;
        b.event("conversation.created").await;
        a.emit("typing", json!({"conversationId": room})).await;
        let typing = b.event("typing").await;
        assert_eq!((&typing["conversationId"], &typing["isTyping"]), (&json!(room), &json!(true)));
        assert_eq!((&typing["userId"], &typing["user"]["id"]), (&json!(ana.id), &json!(ana.id)));
        assert!(typing["timestamp"].is_string());
        assert_eq!(a.ask("typing", json!({"conversationId": room, "isTyping": false})).await["status"], "success");
        assert_eq!(b.event("typing").await["isTyping"], false);

        b.emit("ping", json!({})).await;
        let pong = b.event("pong").await;
        assert_eq!((&pong["userId"], pong["timestamp"].is_string()), (&json!(ben.id), true));
        let cursor = pong["cursor"].as_str().unwrap().to_owned();
        b.emit("heartbeat", json!({"cursor": cursor})).await;
        assert!(b.event("heartbeat").await["cursor"].is_string());

        let open = a.ok("conversation.create", json!({"type": "group", "members": [], "joining": "open"})).await;
        let asked = b.ask("joinGroup", json!({"groupId": open["id"]})).await;
        assert_eq!(asked["status"], "success");
        assert_eq!(b.event("joinedGroup").await["groupId"], open["id"]);
        let joined = a.event("userJoinedGroup").await;
        assert_eq!((&joined["groupId"], &joined["userId"]), (&open["id"], &json!(ben.id)));
        assert!(joined["position"].is_u64() && joined["cursor"].is_string());
        b.emit("joinGroup", json!({"groupId": Uuid::nil()})).await;
        assert_eq!(b.event("joinGroupError").await["code"], "not_found");
    }
    let mut a = ana.sio(None, Transport::WebSocket).await;
    let _b = ben.sio(None, Transport::Polling).await;
    let is_here = json!([{"userId": ben.id, "status": "online"}]);
    until("ben to be seen", async || {
        server.read(&ana, "/chat/online-users").await["items"][0]["userId"] == is_here[0]["userId"]
    })
    .await;
    a.emit("getOnlineUsers", Value::Null).await;
    assert_eq!(a.event("onlineUsers").await["users"][0]["userId"], json!(ben.id));
    server.stop().await;
});

each_mix!(the_senders_other_devices_receive_what_the_others_do, |home| async move {
    let server = Server::start(&home).await;
    let (phone, ben) = (server.register("ana").await, server.register("ben").await);
    let laptop = server.login(&phone).await;
    for transport in TRANSPORTS {
        let mut a = phone.sio(None, transport).await;
        let mut other = laptop.sio(None, transport).await;
        let mut b = ben.sio(None, transport).await;
        let room = a.group(&[ben.id], "Room").await;
        for client in [&mut other, &mut b] {
            client.event("conversation.created").await;
        }
        a.emit("typing", json!({"conversationId": room})).await;
        let moved = json!({"event": "moved", "payload": [1], "conversationId": room});
        assert_eq!(a.ask("broadcastEvent", moved).await["status"], "success");
        let call = json!({"conversationId": room, "callType": "VOICE", "signalData": {"sdp": "x"}});
        let call = a.ask("callUser", call).await["ok"]["id"].clone();
        for client in [&mut other, &mut b] {
            assert_eq!(client.event("typing").await["userId"], json!(phone.id));
            assert_eq!(client.event("moved").await, json!([1]));
            for ringing in ["callUser", "openCall"] {
                let received = client.event(ringing).await;
                assert_eq!((&received["callId"], &received["signalData"]["sdp"]), (&call, &json!("x")), "{ringing}");
            }
        }
        let elsewhere = a.group(&[], "Another room").await;
        for event in ["answerCall", "refuseCall", "closeCall"] {
            let wrong = json!({"callId": call, "conversationId": elsewhere});
            assert_eq!(a.ask(event, wrong).await["error"]["code"], "not_found", "{event}");
        }
        assert_eq!(a.ask("closeCall", json!({"callId": call})).await["status"], "success");
        for client in [&mut other, &mut b] {
            assert_eq!(client.event("closeCall").await["callId"], call);
        }
        let mut arrived = a.fence().await;
        // That nobody types in the room before any more is news to this socket.
        arrived.retain(|(name, data)| name != "typing" || data["conversationId"] == json!(room));
        let received = names(&arrived);
        assert!(
            ["typing", "moved", "callUser", "openCall", "closeCall"].iter().all(|name| !received.contains(name)),
            "{received:?}"
        );
    }
    server.stop().await;
});

each_mix!(what_fails_has_its_event_and_its_callback, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    for transport in TRANSPORTS {
        let mut a = ana.sio(None, transport).await;
        let nowhere = json!({"conversationId": Uuid::nil(), "callId": Uuid::nil(), "callType": "VOICE"});
        for (event, error) in [
            ("callUser", "callUserError"),
            ("answerCall", "answerCallError"),
            ("refuseCall", "refuseCallError"),
            ("closeCall", "closeCallError"),
            ("callSignal", "error"),
        ] {
            a.emit(event, nowhere.clone()).await;
            let received = a.event(error).await;
            assert!(received["code"].is_string() && received["message"].is_string(), "{event}");
        }
        a.emit("presence", json!({"status": "nonsense"})).await;
        assert_eq!(a.event("error").await["event"], "presence");
        let moved = json!({"event": "moved", "payload": 1, "conversationId": Uuid::nil()});
        a.emit("broadcastEvent", moved).await;
        assert!(a.event("broadcastEventError").await["code"].is_string());
        let forged = json!({"event": "messageComing", "payload": 1, "conversationId": Uuid::nil()});
        a.emit("broadcastEvent", forged).await;
        assert_eq!(a.event("broadcastEventError").await["code"], "reserved_name");
        a.emit("explode", json!({})).await;
        let received = a.event("error").await;
        assert_eq!((&received["code"], &received["event"]), (&json!("unknown_command"), &json!("explode")));
        assert_eq!(a.ask("explode", json!({})).await["error"]["code"], "unknown_command");
        let unknown = a.ask("cmd", json!({"cmd": "message.explode"})).await;
        assert_eq!(unknown["error"]["code"], "unknown_command");
        let again = a.ask("cmd", json!({"cmd": "auth", "data": {"token": "x"}})).await;
        assert_eq!(again["error"]["code"], "invalid_token");
    }
    server.stop().await;
});

each_mix!(a_command_with_a_key_runs_once_and_events_have_their_names, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    for transport in TRANSPORTS {
        let mut a = ana.sio(None, transport).await;
        let room = a.group(&[], "Room").await;
        let send = json!({
            "cmd": "message.send", "key": format!("{transport:?}"), "data": {"conversationId": room, "content": "once"},
        });
        let first = a.ask("cmd", send.clone()).await;
        assert_eq!(a.ask("cmd", send).await["ok"]["position"], first["ok"]["position"]);
        let events = a.fence().await;
        let sent = names(&events).iter().filter(|name| **name == "messageComing").count();
        assert_eq!(sent, 2, "and the fence's");
        let synced = a.ok("sync", json!({"since": events[0].1["cursor"], "limit": 1})).await;
        assert_eq!(synced["events"].as_array().unwrap().len(), 1);
    }
    server.stop().await;
});

each_mix!(a_known_field_of_a_wrong_type_is_refused_and_changes_nothing, |home| async move {
    let server = Server::start(&home).await;
    let ana = server.register("ana").await;
    let mut a = ana.sio(None, Transport::WebSocket).await;
    let room = a.group(&[], "Room").await;
    let message = a.ok("message.send", json!({"conversationId": room, "content": "hello"})).await;
    let (id, position) = (&message["id"], message["position"].as_u64().unwrap());
    for (event, field, data) in [
        ("sendMessage", "guid", json!({"conversationId": room, "content": "x", "guid": 7})),
        ("sendMessage", "attachments", json!({"conversationId": room, "content": "x", "attachments": "none"})),
        ("deleteMessage", "deleteForEveryone", json!({"messageId": id, "deleteForEveryone": "false"})),
        ("deleteMessage", "conversationId", json!({"messageId": id, "conversationId": 7})),
        ("messageRead", "messageId", json!({"conversationId": room, "messageId": true})),
        ("callUser", "callType", json!({"conversationId": room, "callType": 7})),
        ("answerCall", "callId", json!({"conversationId": room, "callId": 7})),
        ("refuseCall", "callId", json!({"conversationId": room, "callId": 7})),
        ("closeCall", "callId", json!({"conversationId": room, "callId": 7})),
        ("callSignal", "toSessionId", json!({"callId": id, "toUserId": id, "toSessionId": 7, "kind": "offer"})),
        ("typing", "isTyping", json!({"conversationId": room, "isTyping": "yes"})),
        ("presence", "text", json!({"status": "busy", "text": 7})),
        ("heartbeat", "cursor", json!({"cursor": 7})),
        ("ping", "cursor", json!({"cursor": {}})),
        ("joinGroup", "groupId", json!({"groupId": 7})),
        (
            "broadcastEvent",
            "excludeSelf",
            json!({"event": "moved", "payload": 1, "conversationId": room, "excludeSelf": "no"}),
        ),
    ] {
        let refused = a.ask(event, data).await;
        let errors = refused["error"]["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| error["field"] == field), "{event}: {refused}");
        assert!(refused["error"]["requestId"].is_string(), "{event}: {refused}");
    }
    let path = format!("/messages/{}", id.as_str().unwrap());
    assert_eq!(server.read_at(&ana, &path, position).await["deletedAt"], Value::Null);
    server.stop().await;
});
