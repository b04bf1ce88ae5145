//! Signals.

use crate::arms::{NOW, arms};
use broker::{Broker, Signal, SignalSubscription};
use domain::Timestamp;
use uuid::Uuid;

pub(crate) fn listen(broker: &Broker) -> SignalSubscription {
    broker.subscribe_signals(|| Timestamp::from_millis(NOW))
}

pub(crate) fn signal(name: &str, expires_at: i64) -> Signal {
    Signal {
        name: name.to_owned(),
        scope: None,
        users: vec![],
        from: None,
        from_session: None,
        from_socket: None,
        to_session: None,
        within: None,
        except: Vec::new(),
        sent_at: None,
        data: serde_json::Value::Null,
        expires_at,
    }
}

#[tokio::test]
async fn listeners_receive_the_signals_sent_from_then_on() {
    for broker in arms(8) {
        broker.signal(signal("without listeners", NOW + 1));
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
async fn expired_signals_are_skipped() {
    for broker in arms(8) {
        let mut listener = listen(&broker);
        broker.signal(signal("late", NOW - 1));
        broker.signal(signal("in time", NOW));
        assert_eq!(listener.next().await.unwrap().name, "in time");
        assert_eq!(listener.shed(), 1);
    }
}

#[tokio::test]
async fn a_slow_listener_loses_the_oldest_signals_and_knows_how_many() {
    for broker in arms(4) {
        let mut listener = listen(&broker);
        for number in 0..10 {
            broker.signal(signal(&number.to_string(), NOW + 1));
        }
        assert_eq!(listener.next().await.unwrap().name, "6");
        assert_eq!(listener.shed(), 6);
    }
}

#[tokio::test]
async fn a_call_waits_behind_no_other_signal() {
    for broker in arms(4) {
        let mut listener = listen(&broker);
        for _ in 0..10 {
            broker.signal(signal("typing", NOW + 1));
        }
        for _ in 0..1_000 {
            broker.signal(signal("call.signal", NOW + 1));
        }
        for _ in 0..1_000 {
            assert_eq!(listener.next().await.unwrap().name, "call.signal");
        }
        assert_eq!(listener.next().await.unwrap().name, "typing");
        assert_eq!((broker.stats().calls.dropped, broker.stats().low.dropped), (0, 6));
    }
}

#[tokio::test]
async fn a_signal_for_other_processes_is_not_delivered_here() {
    for broker in arms(4) {
        let mut listener = listen(&broker);
        broker.signal_to(signal("for others", NOW + 1), Some(&[Uuid::nil()]));
        broker.signal_to(signal("for us", NOW + 1), Some(&[Uuid::nil(), broker.node()]));
        assert_eq!(listener.next().await.unwrap().name, "for us");
    }
}
