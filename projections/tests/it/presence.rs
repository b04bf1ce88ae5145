//! Stored presence, on both engines.

use super::support::{Story, World, clock};
use domain::{SessionId, Timestamp, UserId, text::StatusText};
use projections::{
    Chosen, PresenceStore, Projection,
    presence::{Choice, Kept},
    rebuild::{RebuildOptions, rebuild},
};
use std::collections::{BTreeMap, BTreeSet};
use testkit::each_engine;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn session(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(n))
}

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn busy() -> Choice {
    let text = Some(StatusText::parse("in a meeting").unwrap());
    Choice { chosen: Some(Chosen::Busy), text, until: Some(at(5_000)), hidden_seen: None }
}

async fn kept(store: &PresenceStore, of: UserId) -> Kept {
    store.load(&[of]).await.unwrap().remove(&of).unwrap_or_default()
}

each_engine!(a_choice_holds_until_the_next_one, |home| async move {
    let world = World::new(home).await;
    let store = PresenceStore::new(world.database.clone());
    let (ana, ben) = (user(1), user(2));
    assert_eq!(store.load(&[ana, ben]).await.unwrap(), BTreeMap::new());
    store.choose(ana, &busy()).await.unwrap();
    assert_eq!(kept(&store, ana).await, Kept { choice: busy(), ..Kept::default() });
    let invisible = Choice { chosen: Some(Chosen::Invisible), hidden_seen: Some(at(3)), ..Choice::default() };
    store.choose(ana, &invisible).await.unwrap();
    assert_eq!(kept(&store, ana).await.choice, invisible);
    store.choose(ana, &Choice::default()).await.unwrap();
    assert_eq!(store.load(&[ben, ana]).await.unwrap(), BTreeMap::from([(ana, Kept::default())]));
});

each_engine!(devices_are_left_and_returned_to_one_by_one, |home| async move {
    let world = World::new(home).await;
    let store = PresenceStore::new(world.database.clone());
    let ana = user(1);
    for _ in 0..2 {
        store.leave(ana, session(1)).await.unwrap();
        store.leave(ana, session(2)).await.unwrap();
    }
    store.leave(user(2), session(3)).await.unwrap();
    assert_eq!(kept(&store, ana).await.away, BTreeSet::from([session(1), session(2)]));
    store.return_to(ana, session(1)).await.unwrap();
    store.return_to(ana, session(3)).await.unwrap();
    assert_eq!(kept(&store, ana).await.away, BTreeSet::from([session(2)]));
    assert_eq!(kept(&store, user(2)).await.away, BTreeSet::from([session(3)]), "another's device");
});

each_engine!(the_latest_time_somebody_was_here_stays, |home| async move {
    let world = World::new(home).await;
    let store = PresenceStore::new(world.database.clone());
    store.choose(user(7), &busy()).await.unwrap();
    let everybody: BTreeMap<_, _> = (1..=1_030).map(|n| (user(n), at(1_000))).collect();
    store.seen(&everybody).await.unwrap();
    store.seen(&BTreeMap::from([(user(1), at(999)), (user(2), at(1_001))])).await.unwrap();
    store.seen(&BTreeMap::new()).await.unwrap();
    let all = store.load(&everybody.keys().copied().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(all.len(), 1_030);
    assert_eq!([1, 2, 7].map(|n| all[&user(n)].last_seen.unwrap().millis()), [1_000, 1_001, 1_000]);
    assert_eq!(all[&user(7)].choice, busy(), "what was chosen is another matter");
});

each_engine!(a_rebuild_leaves_it_alone, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::default();
    story.register(1);
    world.tell(&mut story).await;
    world.catch_up().await;
    let store = PresenceStore::new(world.database.clone());
    store.choose(user(1), &busy()).await.unwrap();
    store.leave(user(1), session(1)).await.unwrap();
    let before = kept(&store, user(1)).await;
    let options = RebuildOptions::new(clock);
    let live = world.home.read_models();
    rebuild(&world.store, &live, &Projection::ALL, options, CancellationToken::new()).await.unwrap();
    assert_eq!(kept(&store, user(1)).await, before);
});
