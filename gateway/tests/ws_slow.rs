//! A client that does not read costs nobody anything, and loses nothing.

mod ws_support;

use gateway::{Config, hub::HubSettings};
use serde_json::json;
use testkit::each_engine;
use ws_support::{End, Server, config, essence, position, roomy};

/// More than the outbox and all buffers between hold.
const MESSAGES: usize = 1_200;

each_engine!(a_slow_consumer_is_closed_and_resumes_without_loss, |home| async move {
    let settings = HubSettings { outbox_bytes: 64 * 1024, ..roomy() };
    let server = Server::start_with(Config { hub: settings, ..config(&home) }).await;
    let (ana, ben) = (server.register("ana").await, server.register("ben").await);
    let mut a = server.connect(&ana, None).await;
    let mut slow = server.connect(&ben, None).await;
    let room = a.group(&[ben.id], "Room").await;
    let content = "x".repeat(8_000);
    let mut last = 0;
    for _ in 0..MESSAGES {
        last = a.say(&room, &content).await["position"].as_u64().unwrap();
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
