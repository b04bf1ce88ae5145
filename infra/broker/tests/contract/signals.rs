//! Signals.

use crate::arms::{NOW, arms};
use broker::{Broker, Signal, SignalSubscription};
use domain::Timestamp;

fn listen(broker: &Broker) -> SignalSubscription {
    broker.subscribe_signals(|| Timestamp::from_millis(NOW))
}

fn signal(name: &str, expires_at: i64) -> Signal {
    Signal { name: name.to_owned(), scope: None, users: vec![], from: None, data: serde_json::Value::Null, expires_at }
}

#[tokio::test]
async fn all_who_listen_hear_what_is_told_from_then_on() {
    for broker in arms(8) {
        broker.signal(signal("nobody listens", NOW + 1));
        let mut listeners = [listen(&broker), listen(&broker)];
        broker.signal(signal("typing", NOW + 1));
        broker.signal(signal("presence", NOW + 1));
        drop(broker);
        for listener in &mut listeners {
            assert_eq!(listener.next().await.unwrap().name, "typing");
            assert_eq!(listener.next().await.unwrap().name, "presence");
            assert!(listener.next().await.is_none());
            assert_eq!(listener.shed(), 0);
        }
    }
}

#[tokio::test]
async fn what_came_too_late_is_not_told() {
    for broker in arms(8) {
        let mut listener = listen(&broker);
        broker.signal(signal("late", NOW - 1));
        broker.signal(signal("in time", NOW));
        assert_eq!(listener.next().await.unwrap().name, "in time");
        assert_eq!(listener.shed(), 1);
    }
}

#[tokio::test]
async fn who_does_not_keep_up_loses_the_oldest_and_is_told_how_many() {
    for broker in arms(4) {
        let mut listener = listen(&broker);
        for number in 0..10 {
            broker.signal(signal(&number.to_string(), NOW + 1));
        }
        assert_eq!(listener.next().await.unwrap().name, "6");
        assert_eq!(listener.shed(), 6);
    }
}
