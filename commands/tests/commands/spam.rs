//! The spam filter: what passes, what does not, and what is left of it in the log.

use crate::support::*;
use commands::{CommandError, CommandSettings, Commands, SendMessage};
use domain::{AggregateType, Event, MessageId, conduct::ConductEvent};
use event_store::StreamId;
use testkit::each_engine;

each_engine!(a_text_that_is_repeated_is_refused_and_the_verdict_kept, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), CommandSettings { limits: true, ..settings() });
    let ana = person(&commands, "ana").await;
    let room = group(&commands, &ana, &[]).await;
    for n in 0..100 {
        say(&commands, &ana, room, if n % 2 == 0 { "Buy now" } else { "buy  NOW" }).await;
    }
    let before = store.head().await.unwrap().position;
    let refused = commands.send_message(&ana.ctx, draft(room, "buy now")).await;
    assert!(matches!(refused, Err(CommandError::Spam { wait_ms: 60_000 })), "{refused:?}");
    assert_eq!(store.head().await.unwrap().position, before + 1, "the verdict and nothing else");
    let verdicts = store.load(StreamId::new(AggregateType::Conduct, ana.id), 0).await.unwrap();
    let [verdict] = verdicts.as_slice() else { panic!("{verdicts:?}") };
    assert_eq!((verdict.record.scope, verdict.record.origin.actor), (ana.id.0, Some(ana.id.0)));
    let Event::Conduct(ConductEvent::Judged { user, conversation, formula, inputs, points }) =
        store.open_event(verdict).await.unwrap()
    else {
        panic!("another event")
    };
    assert_eq!((*user, *conversation, *formula, inputs.identical, *points), (ana.id, room, 1, 101, 100));
    say(&commands, &ana, room, "something else").await;
});

each_engine!(a_message_told_again_is_no_repetition_and_a_refused_one_stays_refused, |home| async move {
    let commands = Commands::new(open(&home).await, CommandSettings { limits: true, ..settings() });
    let ana = person(&commands, "ana").await;
    let room = group(&commands, &ana, &[]).await;
    let first = commands.send_message(&ana.with_key("once"), draft(room, "hello")).await.unwrap();
    for _ in 0..60 {
        let again = commands.send_message(&ana.with_key("once"), draft(room, "hello")).await.unwrap();
        assert_eq!(again.id, first.id);
    }
    let links = "https://a.example ".repeat(60);
    for _ in 0..2 {
        let refused = commands.send_message(&ana.with_key("links"), draft(room, &links)).await;
        assert!(matches!(refused, Err(CommandError::Spam { .. })), "{refused:?}");
    }
});

each_engine!(what_another_process_posted_is_answered_with_its_first_result, |home| async move {
    let limited = || CommandSettings { limits: true, ..settings() };
    let commands = Commands::new(open(&home).await, limited());
    let elsewhere = Commands::new(open(&home).await, limited());
    let ana = person(&commands, "ana").await;
    let room = group(&commands, &ana, &[]).await;
    let with_guid = || SendMessage { id: Some(MessageId(ana.id.0)), ..draft(room, "buy now") };
    let first = commands.send_message(&ana.ctx, with_guid()).await.unwrap();
    let keyed = commands.send_message(&ana.with_key("once"), draft(room, "buy now")).await.unwrap();
    for _ in 0..100 {
        say(&elsewhere, &ana, room, "buy now").await;
    }
    let refused = elsewhere.send_message(&ana.with_key("new"), draft(room, "buy now")).await;
    assert!(matches!(refused, Err(CommandError::Spam { .. })), "{refused:?}");
    let again = elsewhere.send_message(&ana.ctx, with_guid()).await.unwrap();
    assert_eq!((again.id, again.receipt.repeated), (first.id, true));
    let again = elsewhere.send_message(&ana.with_key("once"), draft(room, "buy now")).await.unwrap();
    assert_eq!((again.id, again.receipt.repeated), (keyed.id, true));
    let other = SendMessage { content: text("buy  NOW"), ..with_guid() };
    assert_eq!(refusal(elsewhere.send_message(&ana.ctx, other).await), "guid_taken");
});
