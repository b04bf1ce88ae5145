//! One verdict for each command.

use crate::{audit::audit, support::*};
use domain::{AggregateType, conversation::ConversationEvent, message::MessageEvent};
use event_store::{AppendError, Claim, ClaimChange, ClaimKind, Guard, Receipt, Retention, Secret, StreamId};
use testkit::each_engine;

each_engine!(a_command_is_appended_once_and_read_back, |home| async move {
    let (store, mut batches) = open(&home).await;
    people(&store, 1).await;
    let room = conversation(1);
    let first = append("create", vec![created(room, &[user(1)]), sent(message(1), room, user(1), "hello")]);
    let receipt = store.append(first.clone()).await.unwrap();
    assert_eq!((receipt.position, receipt.version, receipt.seq, receipt.repeated), (Some(2), 1, 1, false));
    assert_eq!(receipt.stream, Some(StreamId::new(AggregateType::Message, message(1))));

    let batch = batches.recv().await.unwrap();
    assert_eq!(batch.events.len(), 2);
    let again = store.append(first.clone()).await.unwrap();
    assert_eq!(again, Receipt { repeated: true, ..receipt });
    assert_eq!(store.first_result(&first.key, &first.request_hash).await.unwrap(), Some(again));

    for published in &batch.events {
        let read = store.read_at(published.event.record.position).await.unwrap().unwrap();
        assert_eq!(read.record, published.event.record);
        assert_eq!(store.open_event(&read).await.unwrap(), store.open_event(&published.event).await.unwrap());
    }
    audit(&store).await;
});

each_engine!(a_key_belongs_to_one_request_of_its_owner, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let nothing = append("nothing", Vec::new());
    let receipt = store.append(nothing.clone()).await.unwrap();
    assert_eq!((receipt.position, receipt.repeated), (None, false));
    assert_eq!(store.append(nothing.clone()).await.unwrap(), Receipt { repeated: true, ..receipt });

    // A command without effect the first time stays without effect, whatever the state is now.
    let mut other = nothing.clone();
    other.request_hash = hash("something else");
    other.events = vec![created(conversation(1), &[user(1)])];
    assert!(matches!(store.append(other.clone()).await, Err(AppendError::KeyReused)));
    assert!(matches!(store.first_result(&other.key, &other.request_hash).await, Err(AppendError::KeyReused)));
    other.key.owner = "somebody else".to_owned();
    assert_eq!(store.append(other).await.unwrap().position, Some(1));
    assert_eq!(store.first_result(&append("unused", Vec::new()).key, &[0; 32]).await.unwrap(), None);
});

each_engine!(guards_are_checked_in_the_append, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let room = StreamId::new(AggregateType::Conversation, conversation(1));
    let post = |key: &str, version| {
        let mut post = append(key, vec![sent(message(key.len() as u128), conversation(1), user(1), "hi")]);
        post.guards = vec![Guard { stream: room, version }];
        post
    };
    let stale =
        |result: Result<Receipt, AppendError>| matches!(result, Err(AppendError::Stale(stream)) if stream == room);
    assert!(stale(store.append(post("too early", 1)).await));
    store.append(append("create", vec![created(conversation(1), &[user(1)])])).await.unwrap();
    store.append(post("in time", 1)).await.unwrap();
    let kick = ConversationEvent::MemberKicked { user: user(2), by: user(1) };
    store.append(append("kick", vec![in_conversation(conversation(1), 2, kick.clone())])).await.unwrap();
    // A refusal is not stored: the same key may be used again.
    assert!(stale(store.append(post("late", 1)).await));
    assert_eq!(store.append(post("late", 2)).await.unwrap().position, Some(4));
    assert!(stale(store.append(append("kick again", vec![in_conversation(conversation(1), 2, kick)])).await));
    audit(&store).await;
});

each_engine!(commands_in_flight_together_get_verdicts_of_their_own, |home| async move {
    let (store, mut batches) = open(&home).await;
    people(&store, 1).await;
    store.append(append("create", vec![created(conversation(1), &[user(1)])])).await.unwrap();
    let edit = |sequence| {
        let event = MessageEvent::Deleted { conversation: conversation(1), by: user(1) };
        of_message(message(1), sequence, event)
    };
    // The same stream, the same key, and unrelated commands.
    let mut commands = vec![append("send", vec![sent(message(1), conversation(1), user(1), "hi")])];
    commands.extend((0..10).map(|n| append(&format!("delete {n}"), vec![edit(2)])));
    commands.extend((0..10).map(|_| append("same", vec![sent(message(2), conversation(1), user(1), "once")])));
    commands.extend((3..50).map(|n| append(&format!("{n}"), vec![sent(message(n), conversation(1), user(1), "x")])));
    let answers = all_at_once(&store, commands).await;

    let count = |range: std::ops::Range<usize>, matching: fn(&Result<Receipt, AppendError>) -> bool| {
        answers[range].iter().filter(|answer| matching(answer)).count()
    };
    let appended = |answer: &Result<Receipt, AppendError>| answer.as_ref().is_ok_and(|receipt| !receipt.repeated);
    assert_eq!(count(0..1, appended), 1);
    assert_eq!(count(1..11, appended), 1);
    assert_eq!(count(1..11, |answer| matches!(answer, Err(AppendError::Stale(_)))), 9);
    assert_eq!(count(11..21, appended), 1);
    assert_eq!(count(11..21, |answer| answer.as_ref().is_ok_and(|receipt| receipt.repeated)), 9);
    assert_eq!(count(21..68, appended), 47);
    let log = audit(&store).await;
    assert_eq!(log.len(), 1 + 1 + 1 + 1 + 47);
    assert_eq!(store.scope_seq(conversation(1).0).await.unwrap(), 49);
    crate::audit::audit_published(&drain(&mut batches), &log);
});

each_engine!(a_name_has_one_owner, |home| async move {
    let (store, _batches) = open(&home).await;
    let hash = store.claim_hash(ClaimKind::Email, "ana@example.org");
    for other in [ClaimKind::Bootstrap, ClaimKind::ActiveCall, ClaimKind::Invite] {
        assert_ne!(hash, store.claim_hash(other, "ana@example.org"));
        let nobodys = store.claimed_by(other, &store.claim_hash(other, "ana@example.org")).await.unwrap();
        assert_eq!(nobodys, None);
    }
    let claim = |n: u128, change| {
        let mut claim = append(&format!("{n} {change:?}"), Vec::new());
        claim.claims = vec![Claim { kind: ClaimKind::Email, hash, change, owner: user(n).0 }];
        claim
    };
    let answers = all_at_once(&store, (1..=20).map(|n| claim(n, ClaimChange::Take)).collect()).await;
    let winner = answers.iter().position(Result::is_ok).unwrap() as u128 + 1;
    let taken =
        |answer: &Result<Receipt, AppendError>| matches!(answer, Err(AppendError::ClaimTaken(ClaimKind::Email)));
    assert_eq!(answers.iter().filter(|answer| taken(answer)).count(), 19);
    assert_eq!(store.claimed_by(ClaimKind::Email, &hash).await.unwrap(), Some(user(winner).0));

    store.append(claim(99, ClaimChange::Release)).await.unwrap();
    assert_eq!(store.claimed_by(ClaimKind::Email, &hash).await.unwrap(), Some(user(winner).0), "not theirs to release");
    store.append(claim(winner, ClaimChange::Release)).await.unwrap();
    assert_eq!(store.claimed_by(ClaimKind::Email, &hash).await.unwrap(), None);
    store.append(claim(98, ClaimChange::Take)).await.unwrap();
});

each_engine!(a_command_the_engine_refuses_affects_no_other, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let mut commands: Vec<_> =
        (1..=30).map(|n| append(&format!("{n}"), vec![sent(message(n), conversation(1), user(1), "x")])).collect();
    // Postgres refuses text with a zero byte; SQLite accepts it.
    commands[7].secrets = vec![Secret::Password { user: user(1).0, phc: "zero\0byte".to_owned() }];
    let answers = all_at_once(&store, commands).await;
    let refused: Vec<_> = (0..30).filter(|n| answers[*n].is_err()).collect();
    let expected = if home.database_url().is_some() { vec![7] } else { Vec::new() };
    assert_eq!(refused, expected);
    assert_eq!(audit(&store).await.len(), 30 - expected.len());
});

each_engine!(malformed_commands_never_reach_the_writer, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let say = |n, sequence| {
        new(
            StreamId::new(AggregateType::Message, message(n)),
            sequence,
            sent(message(n), conversation(1), user(1), "x").event,
        )
    };
    let elsewhere = new(StreamId::new(AggregateType::User, message(1)), 1, say(1, 1).event);
    let keyless = sent(message(1), conversation(1), user(77), "no data key");
    for (key, events) in [
        ("sequence 0", vec![say(1, 0)]),
        ("a gap", vec![say(1, 1), say(1, 3)]),
        ("twice", vec![say(1, 1), say(1, 1)]),
        ("another aggregate's stream", vec![elsewhere]),
        ("a subject without a key", vec![keyless]),
    ] {
        assert!(matches!(store.append(append(key, events)).await, Err(AppendError::Broken(_))), "{key}");
    }
    assert!(matches!(store.append(append("zero\0byte", Vec::new())).await, Err(AppendError::Broken(_))));
    assert_eq!(store.head().await.unwrap().position, 0);
});

each_engine!(a_key_is_kept_for_a_week_or_forever, |home| async move {
    let (store, _batches) = open(&home).await;
    let week = append("week", Vec::new());
    let mut forever = append("forever", Vec::new());
    forever.retention = Retention::Forever;
    for command in [&week, &forever] {
        store.append(command.clone()).await.unwrap();
    }
    assert_eq!(store.purge_keys().await.unwrap(), 0);
    let mut later = settings(&home);
    later.clock = || domain::Timestamp::from_millis(NOW + 7 * 24 * 3_600_000 + 1);
    let (later, _batches) = event_store::EventStore::open(later).await.unwrap();
    assert_eq!(later.purge_keys().await.unwrap(), 1);
    assert!(!later.append(week).await.unwrap().repeated);
    assert!(later.append(forever).await.unwrap().repeated);
});

each_engine!(a_server_key_is_kept_for_an_hour, |home| async move {
    let (store, _batches) = open(&home).await;
    let keys = ["server:1", "server:2", "the client's"].map(|key| append(key, Vec::new()));
    for command in &keys {
        store.append(command.clone()).await.unwrap();
    }
    assert!(store.purge_server_keys(0).await.unwrap() < NOW);
    let mut later = settings(&home);
    later.clock = || domain::Timestamp::from_millis(NOW + 3_600_000 + 1);
    let (later, _batches) = event_store::EventStore::open(later).await.unwrap();
    assert!(later.append(keys[0].clone()).await.unwrap().repeated);
    assert_eq!(later.purge_server_keys(0).await.unwrap(), NOW + 1);
    let [one, two, client] = keys;
    assert!(!later.append(one).await.unwrap().repeated && !later.append(two).await.unwrap().repeated);
    assert!(later.append(client).await.unwrap().repeated);
});
