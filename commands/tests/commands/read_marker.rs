//! Read and delivery markers.

use commands::UpTo;
use commands_testkit::*;
use domain::{
    AggregateType, MessageId,
    read_marker::Mark,
    user::{Preferences, ProfileChange},
};
use event_store::StreamId;
use testkit::each_engine;

each_engine!(a_marker_is_clamped_and_never_goes_back, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let empty = commands.mark(&bob.ctx, us, UpTo::Seq(9), Mark::Read).await.unwrap();
    assert_eq!((empty.state.read(), empty.receipt.position), (0, None));
    let mut messages = vec![];
    for body in ["one", "two", "three"] {
        messages.push(say(&commands, &ana, us, body).await);
    }
    let delivered = commands.mark(&bob.ctx, us, UpTo::Seq(1_000), Mark::Delivered).await.unwrap();
    assert_eq!((delivered.state.read(), delivered.state.delivered()), (0, 3));
    let read = commands.mark(&bob.ctx, us, UpTo::Message(messages[1]), Mark::Read).await.unwrap();
    assert_eq!((read.state.read(), read.state.delivered()), (2, 3));
    let back = commands.mark(&bob.ctx, us, UpTo::Seq(1), Mark::Read).await.unwrap();
    assert_eq!((back.state.read(), back.receipt.position), (2, None));
    // Another node, which has observed nothing.
    let elsewhere = commands::Commands::new(open(&home).await, settings());
    let read = elsewhere.mark(&bob.ctx, us, UpTo::Seq(u64::MAX), Mark::Read).await.unwrap();
    assert_eq!(read.state.read(), 3);
});

each_engine!(only_members_mark_and_only_existing_messages, |home| async move {
    let commands = server(&home).await;
    let (ana, eve) = (person(&commands, "ana").await, person(&commands, "eve").await);
    let (us, others) = (group(&commands, &ana, &[]).await, group(&commands, &ana, &[]).await);
    let elsewhere = say(&commands, &ana, others, "hello").await;
    assert_eq!(refusal(commands.mark(&eve.ctx, us, UpTo::Seq(1), Mark::Read).await), "not_found");
    for message in [elsewhere, MessageId(ids())] {
        assert_eq!(refusal(commands.mark(&ana.ctx, us, UpTo::Message(message), Mark::Read).await), "not_found");
    }
});

each_engine!(moves_within_a_moment_are_coalesced, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    for _ in 0..10 {
        say(&commands, &ana, us, "hello").await;
    }
    let all = (1..=10).map(|seq| commands.mark(&bob.ctx, us, UpTo::Seq(seq), Mark::Read));
    let done = futures_util::future::try_join_all(all).await.unwrap();
    assert!(
        done.iter().zip(1..).all(|(done, seq)| done.state.read() >= seq),
        "each is answered with what it asked for"
    );
    let moves = done.iter().filter(|done| done.receipt.position.is_some()).map(|done| done.state.read());
    assert_eq!(moves.collect::<Vec<_>>(), [1, 10], "the first at once, and one for all others");

    // Beyond the end is the end as it is then.
    commands.mark(&bob.ctx, us, UpTo::Seq(u64::MAX), Mark::Read).await.unwrap();
    say(&commands, &ana, us, "hello").await;
    say(&commands, &ana, us, "hello").await;
    let next = commands.mark(&bob.ctx, us, UpTo::Seq(11), Mark::Read).await.unwrap();
    assert_eq!(next.state.read(), 11);
});

each_engine!(a_preference_makes_reading_private, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    say(&commands, &ana, us, "hello").await;
    let preferences = Preferences(serde_json::from_str(r#"{"readReceipts":false}"#).unwrap());
    let change = ProfileChange { preferences: Some(preferences), ..ProfileChange::default() };
    commands.update_profile(&bob.ctx, change).await.unwrap();
    let done = commands.mark(&bob.ctx, us, UpTo::Seq(1), Mark::Read).await.unwrap();
    assert_eq!(done.receipt.version, 2, "it has arrived, and was read in private");
    let stream = StreamId::new(AggregateType::ReadMarker, done.id);
    let events = open(&home).await.load(stream, 0).await.unwrap();
    let types: Vec<_> = events.iter().map(|event| event.record.event_type.as_str()).collect();
    assert_eq!(types, ["receipt.delivered", "receipt.read_privately"]);
});
