//! A client that does not read costs nobody anything, and loses nothing.

use crate::support::{End, Server, config, essence, position, roomy};
use config::{Config, SocketSettings};
use serde_json::json;
use std::time::Duration;
use testkit::each_mix;

/// More than the outbox and all buffers between hold.
const MESSAGES: usize = 800;
/// Commands about different rooms run side by side.
const ROOMS: usize = 16;

each_mix!(a_slow_consumer_is_closed_and_resumes_without_loss, |home| async move {
    let settings = SocketSettings { outbox_bytes: 512 * 1024, write_within: Duration::from_secs(600), ..roomy() };
    let server = Server::start_with(Config { sockets: settings, ..config(&home) }).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut a = server.connect(&ana, None).await;
    let mut slow = server.connect_narrow(&ben).await;
    let mut rooms = Vec::new();
    for _ in 0..ROOMS {
        rooms.push(a.group(&[ben.id], "Room").await);
    }
    let content = "x".repeat(8_000);
    let mut last = 0;
    for _ in 0..MESSAGES / ROOMS {
        let mut ids = Vec::new();
        for room in &rooms {
            ids.push(a.issue("message.send", json!({"conversationId": room, "content": content})).await);
        }
        for id in ids {
            last = last.max(position(&a.reply(&id).await["ok"]));
        }
    }
    let live = a.pushes_to(last).await;
    assert_eq!(slow.end().await, End::Closed(4008));
    let mut received = slow.left_over();
    assert!(received.len() < live.len(), "it was closed for a reason");
    while received.last().is_none_or(|push| position(push) != last) {
        let mut back = server.connect(&ben, Some(&slow.cursor)).await;
        while let Ok(frame) = back.frame().await {
            slow.cursor = frame["cursor"].as_str().unwrap().to_owned();
            received.push(frame);
            if received.last().map(position) == Some(last) {
                break;
            }
        }
    }
    let essences = |pushes: &[serde_json::Value]| pushes.iter().map(essence).collect::<Vec<_>>();
    assert_eq!(essences(&received), essences(&live), "each once, none lost");
    assert!(a.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});

each_mix!(who_leaves_most_unread_is_closed_before_anybody_else_and_resumes, |home| async move {
    // Less than one outbox, so that the bound of all is reached first.
    let settings = SocketSettings { backlog_bytes: 512 * 1024, write_within: Duration::from_secs(600), ..roomy() };
    let server = Server::start_with(Config { sockets: settings, ..config(&home) }).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut a = server.connect(&ana, None).await;
    let mut slow = server.connect_narrow(&ben).await;
    let room = a.group(&[ben.id], "Room").await;
    let content = "x".repeat(8_000);
    let mut last = 0;
    while server.app.hub.sockets() == 2 {
        let sent = a.ok("message.send", json!({"conversationId": room, "content": content})).await;
        last = position(&sent);
        assert!(last < 2_000, "nobody was closed");
    }
    a.pushes_to(last).await;
    slow.end().await;
    assert!(server.app.hub.backlog() <= settings.backlog_bytes);
    let mut received = slow.left_over();
    while received.last().is_none_or(|push| position(push) != last) {
        let mut back = server.connect(&ben, Some(&slow.cursor)).await;
        while let Ok(frame) = back.frame().await {
            slow.cursor = frame["cursor"].as_str().unwrap().to_owned();
            received.push(frame);
            if received.last().map(position) == Some(last) {
                break;
            }
        }
    }
    let positions: Vec<_> = received.iter().map(position).collect();
    assert!(positions.is_sorted_by(|a, b| a < b), "each once");
    assert!(a.ok("ping", json!({})).await["cursor"].is_string());
    server.stop().await;
});
