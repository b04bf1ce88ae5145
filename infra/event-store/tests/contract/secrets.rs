//! The tables beside the events, and the sealing of personal values.

use crate::{audit::audit, support::*};
use domain::{AggregateType, Event, message::MessageEvent};
use event_store::{Append, AppendError, EventStore, Keys, OpenError, Secret, StreamId};
use testkit::each_engine;

fn with(key: &str, secret: Secret) -> Append {
    let mut append = append(key, Vec::new());
    append.secrets = vec![secret];
    append
}

/// The text of a stored message that was not opened yet.
async fn read_text(store: &EventStore, position: u64) -> Option<String> {
    let event = store.read_at(position).await.unwrap().unwrap();
    match store.open_event(&event).await.unwrap() {
        Event::Message(MessageEvent::Sent { content, .. }) => content.get().map(|content| content.body.to_string()),
        other => panic!("{other:?}"),
    }
}

each_engine!(personal_values_are_sealed_until_their_key_is_destroyed, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 2).await;
    let says = |n, text| sent(message(n), conversation(1), user(n), text);
    store.append(append("two", vec![says(1, "from ana"), says(2, "from ben")])).await.unwrap();
    let stored = store.read_at(1).await.unwrap().unwrap();
    assert!(!stored.record.payload.contains("from ana") && stored.record.payload.contains("$sealed"));

    let (other, _others) = open(&home).await;
    assert_eq!(read_text(&other, 1).await.as_deref(), Some("from ana"));
    store.destroy_data_key(user(1).0).await.unwrap();
    assert_eq!(read_text(&store, 1).await, None, "forgotten");
    assert_eq!(read_text(&store, 2).await.as_deref(), Some("from ben"));
    let (fresh, _batches) = open(&home).await;
    assert_eq!(read_text(&fresh, 1).await, None, "forgotten");
    // The erasure is permanent: no key is created for them again, and the log is valid.
    fresh.append(with("again", Secret::DataKey { subject: user(1).0 })).await.unwrap();
    let says_more = append("more", vec![says(1, "more")]);
    assert!(matches!(fresh.append(says_more).await, Err(AppendError::Forgotten(subject)) if subject == user(1).0));
    audit(&fresh).await;
});

each_engine!(a_sealed_value_opens_in_its_stream_only, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    store.append(append("one", vec![sent(message(1), conversation(1), user(1), "hi")])).await.unwrap();
    let mut record = store.read_at(1).await.unwrap().unwrap().record.clone();
    record.aggregate_id = message(2).0;
    let moved = event_store::RecordedEvent::sealed(record);
    assert!(matches!(store.open_event(&moved).await, Err(OpenError::Seal(subject)) if subject == user(1).0));
});

each_engine!(an_account_seals_its_first_event_with_its_new_key, |home| async move {
    let (one, _batches) = open(&home).await;
    let (two, _others) = open(&home).await;
    // Both processes create a key for the same person at once; one is stored, and both seal with it.
    let commands = (0..20_u128).map(|n| {
        let store = if n % 2 == 0 { one.clone() } else { two.clone() };
        let mut say = append(&format!("{n}"), vec![sent(message(n), conversation(1), user(9), "first words")]);
        say.secrets = vec![Secret::DataKey { subject: user(9).0 }];
        tokio::spawn(async move { store.append(say).await })
    });
    for command in commands.collect::<Vec<_>>() {
        command.await.unwrap().unwrap();
    }
    let (reader, _batches) = open(&home).await;
    for position in 1..=20 {
        for store in [&one, &two, &reader] {
            assert_eq!(read_text(store, position).await.as_deref(), Some("first words"));
        }
    }
    audit(&reader).await;
});

each_engine!(another_master_key_opens_nothing, |home| async move {
    let (_store, _batches) = open(&home).await;
    let mut other = settings(&home);
    other.keys = Keys { master: [8; 32] };
    let refused = EventStore::open(other).await.err().unwrap();
    assert!(refused.to_string().contains("another master key"), "{refused}");
});

each_engine!(the_last_password_counts, |home| async move {
    let (store, _batches) = open(&home).await;
    assert_eq!(store.password(user(1).0).await.unwrap(), None);
    for phc in ["$argon2id$1", "$argon2id$2"] {
        store.append(with(phc, Secret::Password { user: user(1).0, phc: phc.to_owned() })).await.unwrap();
    }
    assert_eq!(store.password(user(1).0).await.unwrap().as_deref(), Some("$argon2id$2"));
});

fn token(n: u8, replaces: Option<u8>) -> Secret {
    Secret::RefreshToken {
        session: SESSION,
        user: user(1).0,
        hash: [n; 32],
        replaces: replaces.map(|n| [n; 32]),
        expires_at: NOW + 1_000,
    }
}

const SESSION: uuid::Uuid = uuid::Uuid::from_u128(5);

each_engine!(a_refresh_token_is_replaced_once, |home| async move {
    let (store, _batches) = open(&home).await;
    store.append(with("first", token(1, None))).await.unwrap();
    assert_eq!(store.current_refresh_token(SESSION).await.unwrap(), Some([1; 32]));
    let rotations = (2..12).map(|n| with(&format!("{n}"), token(n, Some(1)))).collect();
    let answers = all_at_once(&store, rotations).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let replaced = |answer: &Result<_, AppendError>| matches!(answer, Err(AppendError::TokenReplaced));
    assert_eq!(answers.iter().filter(|answer| replaced(answer)).count(), 9);

    let current = store.current_refresh_token(SESSION).await.unwrap().unwrap();
    assert!((2..12).contains(&current[0]));
    let first = store.refresh_token(&[1; 32]).await.unwrap();
    let (session, who, expires_at, replaced_ago) = first.unwrap();
    assert_eq!((session, who, expires_at), (SESSION, user(1).0, NOW + 1_000));
    // By the clock of the engine, whatever that of the process.
    assert!((0..60_000).contains(&replaced_ago.unwrap()), "{replaced_ago:?}");
    assert_eq!(store.refresh_token(&current).await.unwrap(), Some((SESSION, user(1).0, NOW + 1_000, None)));
    assert_eq!(store.refresh_token(&[99; 32]).await.unwrap(), None);
    assert_eq!(store.current_refresh_token(user(1).0).await.unwrap(), None);
});

each_engine!(a_person_is_erased_in_an_append_and_no_value_is_sealed_for_them_again, |home| async move {
    let (store, _batches) = open(&home).await;
    let (other, _others) = open(&home).await;
    people(&store, 2).await;
    let says = |n, who, text| sent(message(n), conversation(1), user(who), text);
    // The other process caches both keys.
    other.append(append("two", vec![says(1, 1, "from ana"), says(2, 2, "from ben")])).await.unwrap();
    store.append(with("password", Secret::Password { user: user(1).0, phc: "$argon2id$1".to_owned() })).await.unwrap();
    store.append(with("token", token(1, None))).await.unwrap();

    let mut lost = append("stale", vec![says(1, 1, "of a stream that has moved on")]);
    lost.secrets = vec![Secret::Forget { subject: user(1).0 }];
    assert!(matches!(store.append(lost).await, Err(AppendError::Stale(_))));
    assert!(store.password(user(1).0).await.unwrap().is_some(), "a refused append has no effect");

    let forget = with("forget", Secret::Forget { subject: user(1).0 });
    store.append(forget.clone()).await.unwrap();
    assert!(store.append(forget).await.unwrap().repeated);
    assert_eq!(store.password(user(1).0).await.unwrap(), None);
    assert_eq!(store.refresh_token(&[1; 32]).await.unwrap(), None);
    assert_eq!(read_text(&store, 1).await, None, "forgotten");

    let both = append("both", vec![says(3, 2, "mine"), says(4, 1, "hers")]);
    assert!(matches!(other.append(both).await, Err(AppendError::Forgotten(subject)) if subject == user(1).0));
    assert_eq!(read_text(&other, 1).await, None, "the refusal dropped the cached key");
    other.append(append("ben", vec![says(3, 2, "mine")])).await.unwrap();
    assert_eq!(read_text(&store, 3).await.as_deref(), Some("mine"));
    audit(&store).await;
});

each_engine!(sealing_and_erasing_at_once_keep_their_order, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 1).await;
    let mut commands: Vec<_> =
        (1..=40).map(|n| append(&format!("{n}"), vec![sent(message(n), conversation(1), user(1), "words")])).collect();
    let mut forget = append("forget", vec![sent(message(99), conversation(2), user(1), "the last ones")]);
    forget.secrets = vec![Secret::Forget { subject: user(1).0 }];
    commands.insert(20, forget);
    let answers = all_at_once(&store, commands).await;
    let forgotten = answers[20].as_ref().unwrap().position.unwrap();
    for answer in &answers {
        match answer {
            Ok(receipt) => assert!(receipt.position.unwrap() <= forgotten),
            Err(error) => assert!(matches!(error, AppendError::Forgotten(_)), "{error}"),
        }
    }
    audit(&store).await;
});

each_engine!(a_snapshot_is_sealed_for_all_people_in_it, |home| async move {
    let (store, _batches) = open(&home).await;
    people(&store, 2).await;
    let (stream, fold) = (StreamId::new(AggregateType::Conversation, conversation(1)), 7);
    let snapshot = event_store::Snapshot { version: 300, state: b"a title".to_vec() };
    let both = [user(1).0, user(2).0];
    store.store_snapshot(stream, fold, &snapshot, &both).await.unwrap();
    let kept = async |fold| store.snapshot(stream, fold).await.unwrap();
    assert_eq!(kept(fold).await, Some(snapshot.clone()));
    assert_eq!(kept(8).await, None, "another fold has its own");
    let row = "SELECT state FROM snapshots";
    let stored = sql::Database::connect(&home.log(), 1).await.unwrap().fetch_all(sql::query(row)).await.unwrap();
    assert!(stored.iter().all(|row| !row.get::<Vec<u8>>("state").unwrap().windows(7).any(|part| part == b"a title")));

    store.destroy_data_key(user(2).0).await.unwrap();
    assert_eq!(kept(fold).await, None, "it cannot be opened");
    store.store_snapshot(stream, fold, &snapshot, &both).await.unwrap();
    assert_eq!(kept(fold).await, None, "no value of theirs is stored again");
    store.store_snapshot(stream, fold, &snapshot, &[user(1).0]).await.unwrap();
    assert_eq!(kept(fold).await, Some(snapshot));
    assert_eq!(store.purge_snapshots(&[8]).await.unwrap(), 0, "it is recent");
});
