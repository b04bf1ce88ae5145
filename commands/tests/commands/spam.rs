//! The spam check: accepted and refused texts, and the verdicts in the log.

use commands::{CommandError, CommandSettings, Commands, CreateConversation, PostStory, SendMessage, ShowTo};
use commands_testkit::*;
use domain::{
    AggregateType, Event, MessageId, StoryId,
    conduct::{ConductEvent, FORMULA},
    conversation::SettingsChange,
    story::{StoryChange, StoryContent},
    text::{CommentText, MessageBody, StoryText, Title},
};
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
    assert_eq!((*user, *conversation, *formula, inputs.identical, *points), (ana.id, room, FORMULA, 101, 100));
    say(&commands, &ana, room, "something else").await;
});

each_engine!(a_resent_message_is_no_repetition_and_a_refused_one_stays_refused, |home| async move {
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

each_engine!(a_message_of_another_process_returns_its_first_result, |home| async move {
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

each_engine!(
    strangers_are_put_into_groups_a_few_times_a_day_and_people_one_knows_as_often_as_need_be,
    |home| async move {
        let commands = Commands::new(open(&home).await, CommandSettings { limits: true, ..settings() });
        let (ana, bob) = (person(&commands, "ana").await, person(&commands, "bob").await);
        let titled = |n: u32, other: &Person| {
            let title = Title::parse(&format!("buy http://evil.example {n}")).ok();
            CreateConversation { title, ..group_of(&[other]) }
        };
        let mut made = 0;
        for n in 0..20 {
            match commands.create_conversation(&ana.with_key(&format!("k{n}")), titled(n, &bob)).await {
                Ok(_) => made += 1,
                Err(CommandError::Spam { wait_ms }) => assert!(wait_ms > 60_000),
                Err(error) => panic!("{error:?}"),
            }
        }
        assert!((1..=3).contains(&made), "{made}");
        // The same again is the same, and no further contact.
        commands.create_conversation(&ana.with_key("k0"), titled(0, &bob)).await.unwrap();
        let refused = commands.create_conversation(&ana.ctx, titled(99, &bob)).await;
        assert!(matches!(refused, Err(CommandError::Spam { .. })), "{refused:?}");

        let (cleo, dan, eve) =
            (person(&commands, "cleo").await, person(&commands, "dan").await, person(&commands, "eve").await);
        for n in 0..4 {
            let made = commands.create_conversation(&cleo.ctx, group_of(&[&dan])).await;
            assert_eq!(made.is_ok(), n < 3, "{made:?}");
        }
        let room = group(&commands, &cleo, &[]).await;
        assert!(matches!(commands.add(&cleo.ctx, room, dan.id).await, Err(CommandError::Spam { .. })));
        // Another member added both, or they are friends.
        group(&commands, &eve, &[&cleo, &dan]).await;
        for _ in 0..4 {
            group(&commands, &cleo, &[&dan]).await;
        }
        befriend(&commands, &cleo, &bob).await;
        for _ in 0..6 {
            group(&commands, &cleo, &[&bob]).await;
        }
    }
);

each_engine!(an_edit_is_judged_as_the_message_it_becomes, |home| async move {
    let store = open(&home).await;
    let commands = Commands::new(store.clone(), CommandSettings { limits: true, ..settings() });
    let ana = person(&commands, "ana").await;
    let room = group(&commands, &ana, &[]).await;
    let message = say(&commands, &ana, room, "hello").await;
    let body = |text: &str| MessageBody::parse(text).unwrap();
    let first = commands.edit_message(&ana.with_key("once"), message, body("buy now")).await.unwrap();
    for n in 0..99 {
        let edit = body(if n % 2 == 0 { "buy  NOW" } else { "Buy now" });
        commands.edit_message(&ana.ctx, message, edit).await.unwrap();
    }
    let refused = commands.edit_message(&ana.ctx, message, body("BUY now")).await;
    assert!(matches!(refused, Err(CommandError::Spam { wait_ms: 60_000 })), "{refused:?}");
    let refused = commands.send_message(&ana.ctx, draft(room, "buy now")).await;
    assert!(matches!(refused, Err(CommandError::Spam { .. })), "edits and messages count together: {refused:?}");
    let again = commands.edit_message(&ana.with_key("once"), message, body("buy now")).await.unwrap();
    assert_eq!(again.receipt.position, first.receipt.position, "resent, it is the first message");
    let links = body(&"www.a.example ".repeat(60));
    let refused = commands.edit_message(&ana.ctx, message, links).await;
    assert!(matches!(refused, Err(CommandError::Spam { .. })), "{refused:?}");
    let verdicts = store.load(StreamId::new(AggregateType::Conduct, ana.id), 0).await.unwrap();
    let Event::Conduct(ConductEvent::Judged { conversation, .. }) = store.open_event(&verdicts[0]).await.unwrap()
    else {
        panic!("another event")
    };
    assert_eq!(*conversation, room);
    commands.edit_message(&ana.ctx, message, body("hello again")).await.unwrap();
});

each_engine!(whatever_one_says_is_judged, |home| async move {
    let commands = Commands::new(open(&home).await, CommandSettings { limits: true, ..settings() });
    let ana = person(&commands, "ana").await;
    let many = "www.a.example ".repeat(60);
    let is_spam =
        |refused: Option<CommandError>| assert!(matches!(refused, Some(CommandError::Spam { .. })), "{refused:?}");
    let content = StoryContent { text: StoryText::parse(&many).unwrap(), media_url: None };
    let story = PostStory { content, show_to: ShowTo::Friends, friends: vec![] };
    is_spam(commands.post_story(&ana.ctx, story).await.err());
    let harmless = StoryContent { text: StoryText::parse("a day").unwrap(), media_url: None };
    let story = PostStory { content: harmless, show_to: ShowTo::Friends, friends: vec![] };
    let story = StoryId(commands.post_story(&ana.ctx, story).await.unwrap().id);
    is_spam(commands.comment_on_story(&ana.ctx, story, CommentText::parse(&many).unwrap()).await.err());
    let change = StoryChange { text: StoryText::parse(&many).ok(), media_url: None };
    is_spam(commands.edit_story(&ana.ctx, story, change).await.err());
    is_spam(commands.check_status(&ana.ctx, &many).await.err());
    let ben = person(&commands, "ben").await;
    let theirs = group(&commands, &ben, &[]).await;
    let mut refused = None;
    for n in 0..30 {
        let title = Title::parse(&format!("{} {n}", "www.a.example ".repeat(10))).ok();
        let change = SettingsChange { title: Some(title), ..SettingsChange::default() };
        refused = refused.or(commands.update_conversation(&ben.ctx, theirs, change).await.err());
    }
    is_spam(refused);
});

each_engine!(a_title_is_said_to_each_stranger_in_the_group, |home| async move {
    let commands = Commands::new(open(&home).await, CommandSettings { limits: true, ..settings() });
    let spam = |n: u32| Title::parse(&format!("BUY http://evil.example now {n}")).ok();
    let is_spam = |refused: Result<(), CommandError>| match refused {
        Ok(()) => false,
        Err(CommandError::Spam { .. }) => true,
        Err(error) => panic!("{error:?}"),
    };
    let mut strangers = Vec::new();
    for n in 0..8 {
        strangers.push(person(&commands, &format!("s{n}")).await);
    }
    let all: Vec<_> = strangers.iter().collect();
    let [one, two, three] =
        [person(&commands, "one").await, person(&commands, "two").await, person(&commands, "three").await];
    // In one command.
    let titled = CreateConversation { title: spam(0), ..group_of(&all) };
    assert!(is_spam(commands.create_conversation(&one.ctx, titled).await.map(drop)));
    group(&commands, &one, &all).await;
    // One after another.
    let titled = CreateConversation { title: spam(1), ..group_of(&[]) };
    let room = commands.create_conversation(&two.ctx, titled).await.unwrap().done.id.into();
    let mut added = 0;
    for stranger in &strangers {
        added += u32::from(!is_spam(commands.add(&two.ctx, room, stranger.id).await.map(drop)));
    }
    assert_eq!(added, 4);
    // First a harmless title.
    let mut retitled = 0;
    for (n, stranger) in (10..).zip(&strangers) {
        let room = group(&commands, &three, &[stranger]).await;
        let change = SettingsChange { title: Some(spam(n)), ..SettingsChange::default() };
        retitled += u32::from(!is_spam(commands.update_conversation(&three.ctx, room, change).await.map(drop)));
    }
    assert_eq!(retitled, 4);
    // Titles to friends are not checked.
    befriend(&commands, &three, &one).await;
    let titled = CreateConversation { title: spam(99), ..group_of(&[&one]) };
    commands.create_conversation(&three.ctx, titled).await.unwrap();
});
