//! Read and delivery markers.

use crate::support::*;
use commands::UpTo;
use domain::{MessageId, read_marker::Mark};
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
    // Another node, which has heard of nothing.
    let elsewhere = commands::Commands::new(open(&home).await, settings());
    let read = elsewhere.mark(&bob.ctx, us, UpTo::Seq(u64::MAX), Mark::Read).await.unwrap();
    assert_eq!(read.state.read(), 3);
});

each_engine!(only_members_mark_and_only_what_is_there, |home| async move {
    let commands = server(&home).await;
    let (ana, eve) = (person(&commands, "ana").await, person(&commands, "eve").await);
    let (us, others) = (group(&commands, &ana, &[]).await, group(&commands, &ana, &[]).await);
    let elsewhere = say(&commands, &ana, others, "hello").await;
    assert_eq!(refusal(commands.mark(&eve.ctx, us, UpTo::Seq(1), Mark::Read).await), "not_found");
    for message in [elsewhere, MessageId(ids())] {
        assert_eq!(refusal(commands.mark(&ana.ctx, us, UpTo::Message(message), Mark::Read).await), "not_found");
    }
});
