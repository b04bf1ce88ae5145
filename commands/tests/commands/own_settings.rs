//! Own settings of a conversation, and their effect on other commands.

use commands::UpTo;
use commands_testkit::*;
use domain::{
    ConversationId, MessageId, Timestamp, own_settings::OwnSettingsAct as Act, read_marker::Mark, text::Emoji,
};
use testkit::each_engine;

each_engine!(only_members_keep_a_conversation, |home| async move {
    let commands = server(&home).await;
    let (ana, bob, eve) =
        (person(&commands, "ana").await, person(&commands, "bob").await, person(&commands, "eve").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let until = |millis| Act::Mute { until: Some(Timestamp::from_millis(millis)) };
    for act in [Act::Mute { until: None }, Act::Unmute, Act::Archive, Act::Unarchive, Act::Clear] {
        assert_eq!(refusal(commands.change_own_settings(&eve.ctx, us, act).await), "not_found");
        assert_eq!(refusal(commands.change_own_settings(&ana.ctx, ConversationId(ids()), act).await), "not_found");
        commands.change_own_settings(&bob.ctx, us, act).await.unwrap();
    }
    assert_eq!(refusal(commands.change_own_settings(&bob.ctx, us, until(1)).await), "until:in_the_past");
    let muted = commands.change_own_settings(&bob.ctx, us, until(9_000_000_000_000)).await.unwrap();
    assert_eq!(muted.state.muted().unwrap().until, Some(Timestamp::from_millis(9_000_000_000_000)));
    let again = commands.change_own_settings(&bob.ctx, us, until(9_000_000_000_000)).await.unwrap();
    assert_eq!(again.receipt.position, None, "nothing changed");
});

each_engine!(a_cleared_message_cannot_be_acted_on, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let (old, own) = (say(&commands, &ana, us, "old").await, say(&commands, &bob, us, "own").await);
    let cleared = commands.change_own_settings(&bob.ctx, us, Act::Clear).await.unwrap();
    assert_eq!(cleared.state.cleared(), 2);
    let fresh = say(&commands, &ana, us, "new").await;
    let emoji = || Emoji::parse("👍").unwrap();
    let edited = || domain::text::MessageBody::parse("edited").unwrap();
    assert_eq!(refusal(commands.react(&bob.ctx, old, emoji()).await), "not_found");
    assert_eq!(refusal(commands.edit_message(&bob.ctx, own, edited()).await), "not_found");
    assert_eq!(refusal(commands.delete_message(&bob.ctx, own).await), "not_found");
    assert_eq!(refusal(commands.hide_message(&bob.ctx, old).await), "not_found");
    let answer = |reply_to: MessageId| commands::SendMessage { reply_to: Some(reply_to), ..draft(us, "re") };
    assert_eq!(refusal(commands.send_message(&bob.ctx, answer(old)).await), "replyTo:not_found");
    commands.send_message(&bob.ctx, answer(fresh)).await.unwrap();
    commands.react(&bob.ctx, fresh, emoji()).await.unwrap();
    // To the others it is all there.
    commands.send_message(&ana.ctx, answer(old)).await.unwrap();
    commands.react(&ana.ctx, own, emoji()).await.unwrap();
});

each_engine!(a_block_hides_read_marks, |home| async move {
    let store = open(&home).await;
    let commands = commands::Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = direct(&commands, &ana, &bob).await;
    say(&commands, &bob, us, "hello").await;
    say(&commands, &ana, us, "hi").await;
    block(&commands, &ana, &bob).await;
    let before = store.head().await.unwrap().position;
    for person in [&ana, &bob] {
        commands.mark(&person.ctx, us, UpTo::Seq(2), Mark::Delivered).await.unwrap();
        let read = commands.mark(&person.ctx, us, UpTo::Seq(2), Mark::Read).await.unwrap();
        assert_eq!((read.state.read(), read.state.delivered()), (2, 2), "to the reader it is read");
    }
    let events = store.read_after(before, &event_store::Selection::All, 100).await.unwrap();
    let types: Vec<_> = events.iter().map(|event| event.record.event_type.as_str()).collect();
    assert_eq!(types, ["receipt.read_privately"; 2]);
});
