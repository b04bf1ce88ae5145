//! Signals between processes.

use crate::{
    arms::{NOW, Processes, soon, until},
    signals::{listen, signal},
};
use broker::{Broker, SignalSubscription};

async fn listening(broker: &Broker) -> SignalSubscription {
    let subscription = listen(broker);
    soon(subscription.ready()).await;
    subscription
}

async fn name(listener: &mut SignalSubscription) -> String {
    soon(listener.next()).await.unwrap().name.clone()
}

#[tokio::test]
async fn a_signal_reaches_all_processes_or_the_named_ones_once() {
    let processes = Processes::new();
    let (one, two, three) = (processes.join_up().await, processes.join_up().await, processes.join_up().await);
    let mut listeners = [listening(&one).await, listening(&two).await, listening(&three).await];
    one.signal(signal("presence", NOW + 60_000));
    for listener in &mut listeners {
        assert_eq!(name(listener).await, "presence");
    }
    one.signal_to(signal("typing", NOW + 60_000), Some(&[two.node()]));
    one.signal_to(signal("custom", NOW + 60_000), Some(&[one.node(), three.node()]));
    one.signal(signal("last", NOW + 60_000));
    for (listener, wanted) in listeners.iter_mut().zip([["custom", "last"], ["typing", "last"], ["custom", "last"]]) {
        assert_eq!([name(listener).await, name(listener).await], wanted);
    }
    until("recognised", || one.stats().low.own == 2).await;
    assert_eq!(two.stats().low.received, 3);
}

#[tokio::test]
async fn a_call_overtakes_a_flood() {
    let processes = Processes::new().with_capacity(3_000);
    let one = processes.join_up().await;
    let two = processes.with_capacity(64).join_up().await;
    let mut listener = listening(&two).await;
    for _ in 0..2_000 {
        one.signal(signal("typing", NOW + 60_000));
    }
    for _ in 0..100 {
        one.signal(signal("call.signal", NOW + 60_000));
    }
    until("all signals were received", || two.stats().calls.received == 100 && two.stats().low.received == 2_000).await;
    for _ in 0..100 {
        assert_eq!(name(&mut listener).await, "call.signal", "none is shed, none waits");
    }
    assert_eq!(name(&mut listener).await, "typing");
    assert_eq!(two.stats().low.dropped, 2_000 - 64);
    assert_eq!(two.stats().calls.dropped, 0);
}

#[tokio::test]
async fn an_expired_signal_is_not_sent() {
    let processes = Processes::new();
    let (one, two) = (processes.join_up().await, processes.join_up().await);
    let mut listener = listening(&two).await;
    one.signal(signal("late", NOW - 1));
    one.signal(signal("in time", NOW + 60_000));
    one.signal(signal("for ever", i64::MAX));
    assert_eq!([name(&mut listener).await, name(&mut listener).await], ["in time", "for ever"]);
    assert_eq!((one.stats().low.unsent, two.stats().low.received), (1, 2));
}
