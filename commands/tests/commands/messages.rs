//! Messages: authorization to send, change and see them.

use commands::SendMessage;
use commands_testkit::*;
use domain::{
    ConversationId, MessageId, UserId,
    friendship::FriendshipAct,
    message::{Attachment, MessageContent, MessageType},
    text::{Emoji, Link, MessageBody},
};
use testkit::each_engine;

fn thumbs_up() -> Emoji {
    Emoji::parse("👍").unwrap()
}

fn body(text: &str) -> MessageBody {
    MessageBody::parse(text).unwrap()
}

each_engine!(a_member_posts_and_learns_the_seq, |home| async move {
    let commands = server(&home).await;
    let (ana, eve) = (person(&commands, "ana").await, person(&commands, "eve").await);
    let us = group(&commands, &ana, &[]).await;
    for seq in 1..=3 {
        let sent = commands.send_message(&ana.ctx, draft(us, "hello")).await.unwrap();
        assert_eq!((sent.receipt.seq, sent.receipt.version), (seq, 1));
        assert_eq!(sent.state.posted().unwrap().sender, ana.id);
    }
    for conversation in [us, ConversationId(ids())] {
        assert_eq!(refusal(commands.send_message(&eve.ctx, draft(conversation, "hello")).await), "not_found");
    }
    assert_eq!(refusal(commands.send_message(&ana.ctx, draft(us, " ")).await), "empty");
    assert_eq!(refusal(commands.send_message(&anonymous(), draft(us, "hello")).await), "InvalidToken");
    let picture = Attachment {
        file_url: Link::parse("https://a.example/1").unwrap(),
        thumb_url: None,
        name: None,
        size: Some(3),
        mime: None,
    };
    let content = MessageContent { body: body(""), attachments: vec![picture] };
    let picture = SendMessage { message_type: MessageType::Image, content, ..draft(us, "") };
    assert_eq!(commands.send_message(&ana.ctx, picture).await.unwrap().receipt.seq, 4);
});

each_engine!(an_answer_and_its_mentions_stay_in_the_conversation, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let (us, others) = (group(&commands, &ana, &[&bob]).await, group(&commands, &ana, &[]).await);
    let (here, there) = (say(&commands, &bob, us, "why?").await, say(&commands, &ana, others, "hm").await);
    let answer = |to| SendMessage { reply_to: Some(to), ..draft(us, "because") };
    assert_eq!(
        commands.send_message(&ana.ctx, answer(here)).await.unwrap().state.posted().unwrap().reply_to,
        Some(here)
    );
    for elsewhere in [there, MessageId(ids())] {
        assert_eq!(refusal(commands.send_message(&ana.ctx, answer(elsewhere)).await), "replyTo:not_found");
    }
    let mention = |users| SendMessage { mentions: users, ..draft(us, "you!") };
    let sent = commands.send_message(&ana.ctx, mention(vec![bob.id, bob.id, ana.id])).await.unwrap();
    assert_eq!(sent.state.posted().unwrap().mentions, [bob.id, ana.id]);
    let stranger = mention(vec![bob.id, UserId(ids())]);
    assert_eq!(refusal(commands.send_message(&ana.ctx, stranger).await), "mentions:not_member");
});

each_engine!(a_block_ends_writing_in_a_direct_conversation, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let pair = direct(&commands, &ana, &bob).await;
    let (old, hers) = (say(&commands, &bob, pair, "hi").await, say(&commands, &ana, pair, "bye").await);
    block(&commands, &ana, &bob).await;
    assert_eq!(refusal(commands.send_message(&bob.ctx, draft(pair, "hi")).await), "cannot_message");
    assert_eq!(refusal(commands.send_message(&ana.ctx, draft(pair, "hi")).await), "blocked_by_you");
    assert_eq!(refusal(commands.edit_message(&bob.ctx, old, body("rude")).await), "cannot_message");
    assert_eq!(refusal(commands.react(&bob.ctx, hers, thumbs_up()).await), "cannot_message");
    // Deleting the own message is no approach.
    commands.delete_message(&bob.ctx, old).await.unwrap();
    // A group is not concerned.
    let cleo = person(&commands, "cleo").await;
    let us = group(&commands, &cleo, &[&ana, &bob]).await;
    say(&commands, &bob, us, "hi all").await;
    commands.friendship(&ana.ctx, bob.id, FriendshipAct::Unblock).await.unwrap();
    say(&commands, &bob, pair, "sorry").await;
});

each_engine!(a_sender_edits_and_deletes, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let eve = person(&commands, "eve").await;
    let us = group(&commands, &ana, &[&bob]).await;
    let message = say(&commands, &bob, us, "helo").await;
    let edited = commands.edit_message(&bob.ctx, message, body("hello")).await.unwrap();
    assert_eq!(edited.state.posted().unwrap().content, Some(text("hello")));
    assert_eq!(edited.receipt.version, 2);
    assert_eq!(refusal(commands.edit_message(&ana.ctx, message, body("x")).await), "sender_only");
    assert_eq!(refusal(commands.edit_message(&eve.ctx, message, body("x")).await), "not_found");
    assert_eq!(refusal(commands.edit_message(&bob.ctx, MessageId(ids()), body("x")).await), "not_found");
    let hers = say(&commands, &ana, us, "mine").await;
    assert_eq!(refusal(commands.delete_message(&bob.ctx, hers).await), "sender_only");
    assert_eq!(refusal(commands.delete_message(&eve.ctx, message).await), "not_found");
    // A lead may delete the messages of others.
    assert!(commands.delete_message(&ana.ctx, message).await.unwrap().state.is_deleted());
    assert_eq!(refusal(commands.edit_message(&bob.ctx, message, body("x")).await), "message_deleted");
});

each_engine!(reactions_come_and_go, |home| async move {
    let commands = server(&home).await;
    let (ana, eve) = (person(&commands, "ana").await, person(&commands, "eve").await);
    let us = group(&commands, &ana, &[]).await;
    let message = say(&commands, &ana, us, "hello").await;
    let reacted = commands.react(&ana.ctx, message, thumbs_up()).await.unwrap();
    assert!(reacted.state.reactions()[&thumbs_up()].contains(&ana.id));
    assert_eq!(commands.react(&ana.ctx, message, thumbs_up()).await.unwrap().receipt.position, None);
    assert!(commands.unreact(&ana.ctx, message, thumbs_up()).await.unwrap().state.reactions().is_empty());
    assert_eq!(refusal(commands.react(&eve.ctx, message, thumbs_up()).await), "not_found");
    assert_eq!(refusal(commands.unreact(&eve.ctx, message, thumbs_up()).await), "not_found");
});

each_engine!(a_hidden_message_is_not_found, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let eve = person(&commands, "eve").await;
    let us = group(&commands, &ana, &[&bob]).await;
    let message = say(&commands, &ana, us, "hello").await;
    commands.hide_message(&bob.ctx, message).await.unwrap();
    assert_eq!(refusal(commands.react(&bob.ctx, message, thumbs_up()).await), "not_found");
    assert_eq!(refusal(commands.hide_message(&eve.ctx, message).await), "not_found");
    commands.react(&ana.ctx, message, thumbs_up()).await.unwrap();
    let known = commands.message(message).await.unwrap();
    assert!(known.state.is_hidden_for(bob.id) && !known.state.is_hidden_for(ana.id));
    assert_eq!(known.version, 3);
});

each_engine!(of_many_messages_at_once_none_is_shed_and_others_do_not_wait_behind_them, |home| async move {
    let commands = server(&home).await;
    let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
    let (hers, his) = (group(&commands, &ana, &[]).await, group(&commands, &bob, &[]).await);
    let flood = (0..600).map(|n| {
        let (commands, ana) = (commands.clone(), ana.clone());
        tokio::spawn(async move { commands.send_message(&ana.ctx, draft(hers, &n.to_string())).await.map(drop) })
    });
    let flood: Vec<_> = flood.collect();
    say(&commands, &bob, his, "hi").await;
    assert!(!flood.last().unwrap().is_finished(), "he did not wait for all of hers");
    for sent in flood {
        sent.await.unwrap().unwrap();
    }
});
