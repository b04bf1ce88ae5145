//! Idempotency: a repeated command returns its first result; another command under its key is a conflict.

use commands::{Register, SendMessage, UpTo};
use commands_testkit::*;
use domain::{
    ConversationId, MessageId,
    conversation::SettingsChange,
    friendship::FriendshipAct,
    read_marker::Mark,
    text::{Emoji, Title},
};
use event_store::Selection;
use testkit::each_engine;

each_engine!(a_repeated_command_answers_its_first_result, |home| async move {
    let store = open(&home).await;
    let commands = commands::Commands::new(store.clone(), settings());
    let ana = person(&commands, "ana").await;
    let us = group(&commands, &ana, &[]).await;
    let rename = |title: &str| SettingsChange { title: Some(Title::parse(title).ok()), ..SettingsChange::default() };
    let key = ana.with_key("rename");
    let first = commands.update_conversation(&key, us, rename("One")).await.unwrap();
    commands.update_conversation(&ana.ctx, us, rename("Two")).await.unwrap();
    let head = store.head().await.unwrap().position;
    let again = commands.update_conversation(&key, us, rename("One")).await.unwrap();
    assert!(again.receipt.repeated && !first.receipt.repeated);
    assert_eq!(again.receipt.position, first.receipt.position);
    assert_eq!(again.state, first.state, "the state as it was then");
    assert_eq!(store.head().await.unwrap().position, head, "nothing was appended");
    assert_eq!(refusal(commands.update_conversation(&key, us, rename("Three")).await), "KeyReused");
    assert_eq!(refusal(commands.delete_conversation(&key, us).await), "KeyReused");
    // Keys are each person's own.
    let bob = person(&commands, "bob").await;
    commands.create_conversation(&bob.with_key("rename"), group_of(&[])).await.unwrap();
});

each_engine!(a_repeated_command_returns_its_result_though_it_would_be_refused_now, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let key = ana.with_key("kick");
    let kicked = commands.kick(&key, us, bob.id).await.unwrap();
    let again = commands.kick(&key, us, bob.id).await.unwrap();
    assert_eq!(again.receipt.position, kicked.receipt.position);
    assert_eq!(refusal(commands.kick(&ana.ctx, us, bob.id).await), "not_member");
    // A command that changed nothing is repeated, too.
    let key = ana.with_key("unblock");
    commands.friendship(&ana.ctx, bob.id, FriendshipAct::Block).await.unwrap();
    let key_block = ana.with_key("block");
    let nothing = commands.friendship(&key_block, bob.id, FriendshipAct::Block).await.unwrap();
    assert_eq!(nothing.receipt.position, None);
    commands.friendship(&key, bob.id, FriendshipAct::Unblock).await.unwrap();
    let again = commands.friendship(&key_block, bob.id, FriendshipAct::Block).await.unwrap();
    assert!(again.receipt.repeated);
    assert!(!commands.friendship_of(ana.id, bob.id).await.unwrap().state.is_blocked_by(ana.id), "it was lifted since");
});

each_engine!(a_command_without_effect_reveals_nothing_to_an_outsider, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let key = bob.with_key("read");
    commands.mark(&key, us, UpTo::Seq(1), Mark::Read).await.unwrap();
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    assert_eq!(refusal(commands.mark(&key, us, UpTo::Seq(1), Mark::Read).await), "not_found");
});

each_engine!(a_refusal_is_not_remembered, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[]).await;
    let key = bob.with_key("hello");
    assert_eq!(refusal(commands.send_message(&key, draft(us, "hello")).await), "not_found");
    commands.add(&ana.ctx, us, bob.id).await.unwrap();
    assert_eq!(commands.send_message(&key, draft(us, "hello")).await.unwrap().receipt.seq, 1);
});

each_engine!(a_key_names_one_message_and_one_group, |home| async move {
    let commands = server(&home).await;
    let ana = person(&commands, "ana").await;
    let us = group(&commands, &ana, &[]).await;
    let (one, two) = (ana.with_key("one"), ana.with_key("one"));
    let (one, two) =
        tokio::join!(commands.send_message(&one, draft(us, "hello")), commands.send_message(&two, draft(us, "hello")));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.id, one.receipt.position), (two.id, two.receipt.position));
    assert!(one.receipt.repeated != two.receipt.repeated);
    let key = ana.with_key("group");
    let first = commands.create_conversation(&key, group_of(&[])).await.unwrap();
    let again = commands.create_conversation(&key, group_of(&[])).await.unwrap();
    assert_eq!((first.done.id, first.existed), (again.done.id, again.existed));
});

each_engine!(a_guid_names_one_message_for_ever, |home| async move {
    let store = open(&home).await;
    let commands = commands::Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let guid = MessageId(ids());
    let request = SendMessage { id: Some(guid), ..draft(us, "hello") };
    let first = commands.send_message(&ana.ctx, request.clone()).await.unwrap();
    assert_eq!(first.id, guid.0);
    commands.edit_message(&ana.ctx, guid, domain::text::MessageBody::parse("changed").unwrap()).await.unwrap();
    // Whichever node and key.
    let elsewhere = commands::Commands::new(store.clone(), settings());
    for (node, ctx) in [(&commands, ana.ctx.clone()), (&elsewhere, ana.with_key("another"))] {
        let again = node.send_message(&ctx, request.clone()).await.unwrap();
        assert_eq!((again.receipt.position, again.receipt.seq), (first.receipt.position, 1));
        assert_eq!(again.state.posted().unwrap().content, Some(text("hello")), "as it was sent");
    }
    let other = SendMessage { id: Some(guid), ..draft(us, "other") };
    assert_eq!(refusal(commands.send_message(&ana.ctx, other).await), "guid_taken");
    for node in [&commands, &elsewhere] {
        assert_eq!(refusal(node.send_message(&bob.ctx, request.clone()).await), "guid_taken");
    }
    let sent = store.read_after(0, &Selection::All, 100).await.unwrap();
    assert_eq!(sent.iter().filter(|event| event.record.event_type == "message.sent").count(), 1);
});

each_engine!(a_key_and_a_guid_both_hold_when_both_are_given, |home| async move {
    let store = open(&home).await;
    let commands = commands::Commands::new(store.clone(), settings());
    let elsewhere = commands::Commands::new(store.clone(), settings());
    let ana = person(&commands, "ana").await;
    let us = group(&commands, &ana, &[]).await;
    let with = |guid: Option<MessageId>, text: &str| SendMessage { id: guid, ..draft(us, text) };
    let (one, two) = (Some(MessageId(ids())), Some(MessageId(ids())));
    // Given a message that was sent with a key and a guid.
    let key = ana.with_key("key");
    let first = commands.send_message(&key, with(one, "same")).await.unwrap();
    // Then the key names this request, whatever guid another one brings.
    for other in [with(two, "same"), with(one, "other"), with(two, "other"), with(None, "same"), with(None, "other")] {
        assert_eq!(refusal(commands.send_message(&key, other).await), "KeyReused");
    }
    // And the guid names this message, under whichever key and node, or none.
    for (node, ctx) in
        [(&commands, &key), (&elsewhere, &key), (&commands, &ana.ctx), (&elsewhere, &ana.with_key("next"))]
    {
        for _ in 0..2 {
            let again = node.send_message(ctx, with(one, "same")).await.unwrap();
            let (receipt, was) = (again.receipt, first.receipt);
            assert_eq!((receipt.position, receipt.version, receipt.seq), (was.position, was.version, was.seq));
            assert_eq!((again.id, receipt.repeated), (first.id, true));
            assert_eq!(again.state.posted().unwrap().content, Some(text("same")));
        }
    }
    assert_eq!(refusal(commands.send_message(&ana.ctx, with(one, "other")).await), "guid_taken");
    assert_eq!(refusal(commands.send_message(&ana.with_key("new"), with(one, "other")).await), "guid_taken");
    // A key that answered for another's message is used, too.
    assert_eq!(refusal(commands.send_message(&ana.with_key("next"), with(two, "other")).await), "KeyReused");
    // Given a message that was sent with a guid alone, a key joins it.
    let plain = commands.send_message(&ana.ctx, with(two, "plain")).await.unwrap();
    let keyed = commands.send_message(&ana.with_key("later"), with(two, "plain")).await.unwrap();
    assert_eq!(keyed.receipt.position, plain.receipt.position);
    let sent = store.read_after(0, &Selection::All, 100).await.unwrap();
    assert_eq!(sent.iter().filter(|event| event.record.event_type == "message.sent").count(), 2);
});

each_engine!(a_repeated_guid_is_answered_after_a_kick, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us: ConversationId = group(&commands, &ana, &[&bob]).await;
    let request = SendMessage { id: Some(MessageId(ids())), ..draft(us, "hello") };
    let first = commands.send_message(&bob.ctx, request.clone()).await.unwrap();
    commands.kick(&ana.ctx, us, bob.id).await.unwrap();
    let again = commands.send_message(&bob.ctx, request).await.unwrap();
    assert_eq!(again.receipt.position, first.receipt.position);
});

each_engine!(a_repeated_registration_needs_the_password, |home| async move {
    let commands = server(&home).await;
    let key = || commands::Context { key: Some("signup".to_owned()), ..anonymous() };
    let first = commands.register(&key(), registration("ana")).await.unwrap();
    let again = commands.register(&key(), registration("ana")).await.unwrap();
    assert_eq!((again.user_id, again.session), (first.user_id, first.session));
    assert_eq!(again.receipt.position, first.receipt.position);
    commands.refresh(&anonymous(), &again.refresh_token).await.unwrap();
    let guess = Register { password: password("some other one"), ..registration("ana") };
    assert_eq!(refusal(commands.register(&key(), guess).await), "taken:email");
    // Before sign-in, a key counts per request.
    commands.register(&key(), registration("bob")).await.unwrap();
    let signed_in = commands.sign_in(&key(), sign_in("ana", "correct horse")).await.unwrap();
    let again = commands.sign_in(&key(), sign_in("ana", "correct horse")).await.unwrap();
    assert_eq!(signed_in.session, again.session);
    commands.refresh(&anonymous(), &again.refresh_token).await.unwrap();
});

each_engine!(neither_a_key_nor_a_reaction_is_stored_in_the_clear, |home| async move {
    let store = open(&home).await;
    let commands = commands::Commands::new(store.clone(), settings());
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let us = group(&commands, &ana, &[&bob]).await;
    let message = say(&commands, &ana, us, "hello").await;
    let secret = "call-me-on-0123";
    let emoji = || Emoji::parse("🪿").unwrap();
    let first = commands.react(&bob.with_key(secret), message, emoji()).await.unwrap();
    let again = commands.react(&bob.with_key(secret), message, emoji()).await.unwrap();
    assert!(again.receipt.repeated && again.receipt.position == first.receipt.position);
    assert_eq!(refusal(commands.unreact(&bob.with_key(secret), message, emoji()).await), "KeyReused");
    commands.unreact(&bob.ctx, message, emoji()).await.unwrap();
    let log = store.read_after(0, &Selection::All, 1_000).await.unwrap();
    for event in &log {
        let record = &event.record;
        assert!(!record.payload.contains("🪿") && !record.command_key.contains(secret), "{record:?}");
    }
    let reacted = log.iter().find(|event| Some(event.record.position) == first.receipt.position).unwrap();
    assert_eq!((reacted.record.event_version, reacted.record.command_key.len()), (2, 34));
    assert!(reacted.record.payload.contains(&format!("\"$sealed\":\"{}\"", bob.id)), "it belongs to who reacted");
    // Of an event that this build reads back.
    let other = open(&home).await;
    let state = other.state_at(reacted.stream().unwrap(), first.receipt.position.map(event_store::Moment::At)).await;
    assert!(state.unwrap().unwrap().state.to_string().contains("🪿"));
});

each_engine!(a_key_of_before_keys_were_hashed_is_found_for_a_week, |home| async move {
    let commands = server(&home).await;
    let ana = person(&commands, "ana").await;
    let us = group(&commands, &ana, &[]).await;
    let rename = |title: &str| SettingsChange { title: Some(Title::parse(title).ok()), ..SettingsChange::default() };
    let first = commands.update_conversation(&ana.with_key("rename"), us, rename("One")).await.unwrap();
    // As an earlier build left it.
    let database = sql::Database::connect(&home.log(), 1).await.unwrap();
    let plain = "UPDATE command_keys SET key = 'rename' WHERE position = $1";
    let changed = database.execute(sql::query(plain).bind(first.receipt.position.unwrap())).await.unwrap();
    assert_eq!(changed, 1);
    let since = "INSERT INTO settings (name, value) VALUES ('keys_hashed_since', $1)";
    database.execute(sql::query(since).bind(clock().millis().to_string())).await.unwrap();
    database.close().await;
    let commands = server(&home).await;
    let again = commands.update_conversation(&ana.with_key("rename"), us, rename("One")).await.unwrap();
    assert!(again.receipt.repeated && again.receipt.position == first.receipt.position);
    assert_eq!(refusal(commands.update_conversation(&ana.with_key("rename"), us, rename("Two")).await), "KeyReused");
    let another = commands.update_conversation(&ana.with_key("other"), us, rename("Two")).await.unwrap();
    assert!(!another.receipt.repeated);
    let again = commands.update_conversation(&ana.with_key("other"), us, rename("Two")).await.unwrap();
    assert!(again.receipt.repeated);
});
