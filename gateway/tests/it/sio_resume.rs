//! Resuming, moving between transports, slow clients and clients that do not read: nothing is lost, doubled or out of order.

use crate::support::{
    self, Server, config, roomy,
    sio::{End, Sio, TRANSPORTS, Transport, durable, names},
    until,
};
use config::{Config, SocketSettings};
use protocol::cursor::marks_in;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Home, Mix, each_mix};

/// Changes that a member can see; answers the position of the last.
async fn a_lot_happens(client: &mut Sio, room: &str) -> u64 {
    let message = client.ok("message.send", json!({"conversationId": room, "content": "first"})).await;
    client.ok("message.edit", json!({"messageId": message["id"], "content": "better"})).await;
    client.ok("message.react", json!({"messageId": message["id"], "emoji": "👍"})).await;
    client.ok("message.read", json!({"conversationId": room, "upTo": 1})).await;
    client.ok("conversation.update", json!({"conversationId": room, "title": "After"})).await;
    let deleted = client.ok("message.delete", json!({"messageId": message["id"]})).await;
    deleted["position"].as_u64().unwrap()
}

/// In position order, those of one event as they came.
fn in_order(mut events: Vec<(String, Value)>) -> Vec<(String, Value)> {
    events.sort_by_key(|(_, data)| data["position"].as_u64());
    events
}

each_mix!(missed_events_arrive_on_each_transport_without_removed_content, |home| async move {
    for ring_events in [10_000, 2] {
        let sockets = SocketSettings { ring_events, ..roomy() };
        let server = Server::start_with(Config { sockets, ..config(&home) }).await;
        let (ana, ben) =
            (server.register(&format!("a{ring_events}")).await, server.register(&format!("b{ring_events}")).await);
        for transport in TRANSPORTS {
            let mut live = ana.sio(None, transport).await;
            let mut other = ben.sio(None, transport).await;
            let room = other.group(&[ana.id], "Room").await;
            live.fence().await;
            let since = live.cursor.clone();
            let last = a_lot_happens(&mut other, &room).await;
            let arrived = live.up_to(last).await;
            assert_eq!(durable(&arrived).len(), 10);
            for back in TRANSPORTS {
                let (mut back, hello) = Sio::connect_with(&server, &ana, Some(&since), back, None).await;
                assert_eq!((&hello["recovered"], &hello["cursor"]), (&json!(true), &json!(since)));
                let missed = back.up_to(last).await;
                let missed = durable(&missed);
                assert!(missed.is_sorted_by_key(|(_, data)| data["position"].as_u64()));
                let arrived = in_order(durable(&arrived));
                let which = |events: &[(String, Value)]| -> Vec<_> {
                    events.iter().map(|(name, data)| (name.clone(), data["position"].clone())).collect()
                };
                assert_eq!(which(&missed), which(&arrived));
                // The message was deleted: its content is not replayed.
                let said = |(_, data): &&(String, Value)| data["content"].is_string() || data["reactions"] != json!([]);
                let of_message =
                    missed.iter().filter(|(name, _)| name.starts_with("message.") || name == "messageComing");
                assert_eq!(of_message.filter(said).count(), 0, "{missed:?}");
                let not_of_message = |events: &[(String, Value)]| -> Vec<_> {
                    events.iter().filter(|(_, data)| data["senderId"].is_null()).cloned().collect()
                };
                assert_eq!(not_of_message(&missed), not_of_message(&arrived));
            }
        }
        let (_, hello) = Sio::connect_with(&server, &ana, Some("nonsense"), Transport::Polling, None).await;
        assert_eq!(hello["recovered"], false);
        server.stop().await;
    }
});

each_mix!(who_moves_with_traffic_in_flight_loses_nothing, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut speaker = server.connect(&ana, None).await;
    let room = speaker.group(&[ben.id], "Room").await;
    for _ in 0..4 {
        let mut moves = ben.sio(None, Transport::Polling).await;
        moves.fence().await;
        moves.events();
        // What is emitted before the move is answered after it, and what is said meanwhile comes on either side.
        let mut asked = Vec::new();
        for n in 0..8 {
            asked.push(moves.issue("sendMessage", json!({"conversationId": room, "content": format!("b{n}")})).await);
        }
        let say = async {
            let mut last = 0;
            for n in 0..60 {
                last = support::position(&speaker.say(&room, &n.to_string()).await);
            }
            last
        };
        let (last, ()) = tokio::join!(say, moves.upgrade());
        for n in 8..16 {
            asked.push(moves.issue("sendMessage", json!({"conversationId": room, "content": format!("b{n}")})).await);
        }
        let mut sent = Vec::new();
        for id in asked {
            sent.push(moves.answer(id).await["position"].as_u64().unwrap());
        }
        assert!(sent.is_sorted(), "in the order they were emitted");
        let end = last.max(*sent.last().unwrap());
        let mut events = Vec::new();
        while events.last().is_none_or(|(_, data): &(String, Value)| data["position"] != end) {
            let more = moves.events();
            events.extend(more.into_iter().filter(|(name, _)| name == "messageComing"));
            if events.last().is_none_or(|(_, data)| data["position"] != end) {
                assert!(moves.read().await);
            }
        }
        let seqs: Vec<_> = events.iter().map(|(_, data)| data["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs.len(), 76, "none lost, none doubled");
        assert!(seqs.windows(2).all(|two| two[1] == two[0] + 1), "in order: {seqs:?}");
    }
    server.stop().await;
});

each_mix!(a_slow_client_is_closed_on_either_transport_and_resumes_without_loss, |home| async move {
    let sockets = SocketSettings { outbox_bytes: 256 * 1024, write_within: Duration::from_secs(600), ..roomy() };
    let server = Server::start_with(Config { sockets, ..config(&home) }).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut a = server.connect(&ana, None).await;
    let room = a.group(&[ben.id], "Room").await;
    let mut poller = ben.sio(None, Transport::Polling).await;
    let mut socket = Sio::connect_narrow(&server, &ben, None).await;
    socket.fence().await;
    socket.events();
    poller.fence().await;
    poller.events();
    let content = "x".repeat(8_000);
    let mut want = Vec::new();
    for _ in 0..40 {
        let mut ids = Vec::new();
        for _ in 0..10 {
            ids.push(a.issue("message.send", json!({"conversationId": room, "content": content})).await);
        }
        for id in ids {
            want.push(support::position(&a.reply(&id).await["ok"]));
        }
    }
    for (slow, transport) in [(&mut poller, Transport::Polling), (&mut socket, Transport::WebSocket)] {
        let end = slow.end().await;
        // Who polls too late even for the farewell finds no session.
        let is_late = transport == Transport::Polling && end.close_code.is_none();
        assert!((is_late || end.close_code == Some(4008)) && !end.disconnected, "{transport:?}: {end:?}");
        let positions = |events: Vec<(String, Value)>| -> Vec<u64> {
            let sent = events.into_iter().filter(|(name, _)| name == "message.sent");
            sent.filter(|(_, data)| data["conversationId"] == json!(room))
                .filter_map(|(_, data)| data["position"].as_u64())
                .collect()
        };
        let mut received = positions(slow.events());
        assert!(received.len() < want.len(), "it was closed for a reason");
        let mut back = ben.sio(Some(&slow.cursor), transport).await;
        while received.last() != want.last() {
            assert!(back.read().await, "{:?}", back.end().await);
            received.extend(positions(back.events()));
        }
        assert_eq!(received, want, "each once, none lost");
    }
    server.stop().await;
});

each_mix!(a_client_that_does_not_get_what_is_written_is_sent_back, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut other = server.connect(&ana, None).await;
    let room = other.group(&[ben.id], "Room").await;
    for transport in TRANSPORTS {
        let mut client = ben.sio(None, transport).await;
        let old = client.cursor.clone();
        let sent = other.say(&room, "did you get this?").await;
        client.event("message.sent").await;
        // What was written since the last exchange may be on its way; what was written before it must have come.
        for _ in 0..2 {
            client.emit("heartbeat", json!({"cursor": client.cursor})).await;
            client.event("heartbeat").await;
        }
        assert!(marks_in(&client.cursor).unwrap().high >= support::position(&sent));
        client.emit("heartbeat", json!({"cursor": old})).await;
        let end = client.end().await;
        assert_eq!((end.close_code, end.disconnected), (Some(4008), false));
        assert!(ben.sio(Some(&old), transport).await.read().await);
    }
    let mut client = server.connect(&ben, None).await;
    let old = client.cursor.clone();
    other.say(&room, "and this?").await;
    client.push().await;
    for ping in
        [json!({"ping": 1}), json!({"pong": 1, "cursor": client.cursor}), json!({"ping": 2, "cursor": client.cursor})]
    {
        client.send_text(ping.to_string()).await;
    }
    assert_eq!([client.frame().await.unwrap()["pong"].take(), client.frame().await.unwrap()["pong"].take()], [1, 2]);
    client.send_text(json!({"pong": 1, "cursor": old}).to_string()).await;
    assert_eq!(client.end().await, support::End::Closed(4008));
    server.stop().await;
});

each_mix!(both_doors_tell_one_person_the_same, |home| async move {
    let server = Server::start(&home).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut plain = server.connect(&ana, None).await;
    let mut b = ben.sio(None, Transport::Polling).await;
    let mut a = ana.sio(None, Transport::Upgraded).await;
    let room = b.group(&[ana.id], "Room").await;
    let last = a_lot_happens(&mut b, &room).await;
    let events = a.up_to(last).await;
    let events = durable(&events).into_iter().filter(|(name, _)| name.contains('.'));
    let pushes = plain.pushes_to(last).await.into_iter().map(|push| {
        let mut data = push["data"].clone();
        for field in ["position", "at", "actorId"] {
            data[field] = push[field].clone();
        }
        (push["event"].as_str().unwrap().to_owned(), data)
    });
    assert_eq!(events.collect::<Vec<_>>(), pushes.collect::<Vec<_>>());
    server.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_on_two_gateways_and_who_changes_between_them() {
    let home = Home::mix(Mix::PRODUCTION).await;
    let nodes = [Server::start(&home).await, Server::start(&home).await];
    let (ana, ben) = (nodes[0].register("ana").await, nodes[1].register("ben").await);
    let mut a = Sio::connect(&nodes[0], &ana, None, Transport::Upgraded).await;
    let mut b = Sio::connect(&nodes[1], &ben, None, Transport::Polling).await;
    let room = a.group(&[ben.id], "Room").await;
    b.event("conversation.created").await;
    let user = domain::UserId(ben.id);
    let here = async || !nodes[0].app.graph.graph().nodes(&[user]).await.unwrap().is_empty();
    until("the lease", here).await;
    // A signal that is two seconds late is dropped: she types until one arrives.
    let mut is_typing = false;
    while !is_typing {
        a.emit("typing", json!({"conversationId": room})).await;
        is_typing = b.event("typing").await["isTyping"] == true;
    }
    let (mut want, mut received) = (Vec::new(), Vec::new());
    for round in 0..9 {
        let sent = a.ask("sendMessage", json!({"conversationId": room, "content": round.to_string()})).await;
        want.push(sent["position"].as_u64().unwrap());
        if round % 2 == 0 {
            received.push(b.event("messageComing").await["position"].as_u64().unwrap());
        }
        let transport = TRANSPORTS[round % 3];
        let mut back = Sio::connect(&nodes[round % 2], &ben, Some(&b.cursor), transport).await;
        // What came on the old connection and was not taken here is behind its cursor.
        let rest = b.events();
        received.extend(
            rest.iter().filter(|(name, _)| name == "messageComing").filter_map(|(_, data)| data["position"].as_u64()),
        );
        std::mem::swap(&mut b, &mut back);
    }
    while received.len() < want.len() {
        received.push(b.event("messageComing").await["position"].as_u64().unwrap());
    }
    assert_eq!(received, want, "each once");
    assert!(!names(&b.events()).contains(&"messageComing"));
    let [one, two] = nodes;
    let ends = async { (a.end().await, b.end().await) };
    let ((), (), (a, b)) = tokio::join!(one.stop(), two.stop(), ends);
    assert!([a, b].iter().all(|End { close_code, disconnected, .. }| *close_code == Some(1012) && !disconnected));
}
