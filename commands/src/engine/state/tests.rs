use super::*;
use domain::{
    Aggregate, ConversationId, Tier, Timestamp, fold,
    own_settings::{OwnSettingsAct, OwnSettingsCommand},
};
use event_store::{Append, CommandKey, Keys, NewEvent, Origin, Retention, Settings};
use testkit::{Home, each_engine};

async fn open(home: &Home) -> EventStore {
    let (location, keys) = (home.log(), Keys { master: [7; 32] });
    let clock = || Timestamp::from_millis(1_795_460_818_000);
    EventStore::open(Settings { location, connections: 2, partitions: 4, keys, clock }).await.unwrap().0
}

fn applied<A: Aggregate>(mut state: A, event: A::Event) -> A {
    state.apply(event);
    state
}

/// Mutes and unmutes, so that the stream grows; answers the state that follows.
async fn toggle(store: &EventStore, id: Uuid, before: Versioned<OwnSettings>) -> Versioned<OwnSettings> {
    let act = match before.state.muted() {
        Some(_) => OwnSettingsAct::Unmute,
        None => OwnSettingsAct::Mute { until: None },
    };
    let (conversation, user) = (ConversationId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
    let event = before.state.decide(OwnSettingsCommand { conversation, user, head: 0, act }).unwrap().remove(0);
    let (stream, sequence) = (StreamId::new(AggregateType::OwnSettings, id), before.version + 1);
    let state = applied(Arc::unwrap_or_clone(before.state), event.clone());
    let append = Append {
        origin: Origin::default(),
        key: CommandKey { owner: "owner".to_owned(), key: format!("{id} {sequence}") },
        request_hash: [0; 32],
        retention: Retention::Week,
        tier: Tier::Medium,
        guards: Vec::new(),
        claims: Vec::new(),
        secrets: Vec::new(),
        events: vec![NewEvent { stream, sequence, event: event.into() }],
    };
    store.append(append).await.unwrap();
    Versioned { version: sequence, state: Arc::new(state) }
}

async fn observe_all(store: &EventStore, states: &States, id: Uuid) {
    for event in store.load(StreamId::new(AggregateType::OwnSettings, id), 0).await.unwrap() {
        states.observe(&event);
    }
}

each_engine!(an_observed_event_makes_a_state_stale_and_the_rest_is_read, |home| async move {
    let (store, states, id) = (open(&home).await, States::new(), Uuid::from_u128(7));
    let first = toggle(&store, id, Versioned::default()).await;
    states.load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
    let second = toggle(&store, id, first).await;
    observe_all(&store, &states, id).await;
    assert_eq!(states.known::<OwnSettings>(id).unwrap().version, 1, "what was folded is kept");
    assert!(states.current::<OwnSettings>(id).is_none());
    let many = states.load_many::<OwnSettings>(&store, &[id], Freshness::Cached).await.unwrap();
    assert_eq!(many[&id].version, 2);
    let (known, from_cache) = states.load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
    assert_eq!((known.version, from_cache), (2, true));
    assert_eq!(*known.state, *second.state);
});

each_engine!(an_own_event_observed_before_its_append_returns_costs_no_read, |home| async move {
    let (store, states, id) = (open(&home).await, States::new(), Uuid::from_u128(7));
    let mut now = Versioned::default();
    for _ in 0..3 {
        now = toggle(&store, id, now).await;
        observe_all(&store, &states, id).await;
        states.advance(&store, id, &now);
        assert_eq!(states.current::<OwnSettings>(id).unwrap().version, now.version);
    }
});

each_engine!(of_concurrent_loads_of_a_stream_one_reads, |home| async move {
    let (store, states, id) = (open(&home).await, States::new(), Uuid::from_u128(7));
    toggle(&store, id, Versioned::default()).await;
    let load = || states.load::<OwnSettings>(&store, id, Freshness::Fresh);
    let loads = futures_util::future::join_all((0..50).map(|_| load())).await;
    assert!(loads.into_iter().all(|load| load.unwrap().0.version == 1));
    // Each load ticks once, each read once more. A load does not share a read that began before it, so that there is
    // more than one read when the task yields between two loads.
    let reads = states.tick() - 1 - 50;
    assert!((1..25).contains(&reads), "{reads} reads");
    assert!(!states.loads.is_locked(StreamId::new(AggregateType::OwnSettings, id)));
});

each_engine!(long_streams_are_read_in_pages, |home| async move {
    let (store, states) = (open(&home).await, States::new());
    let ids: Vec<_> = (1..=3).map(Uuid::from_u128).collect();
    for id in &ids {
        let mut now = Versioned::default();
        for _ in 0..500 {
            now = toggle(&store, *id, now).await;
        }
    }
    let many = states.load_many::<OwnSettings>(&store, &ids, Freshness::Fresh).await.unwrap();
    assert!(ids.iter().all(|id| many[id].version == 500 && many[id].state.muted().is_none()));
});

each_engine!(a_long_stream_is_loaded_from_its_snapshot, |home| async move {
    let (store, states, id) = (open(&home).await, States::new(), Uuid::from_u128(7));
    let stream = StreamId::new(AggregateType::OwnSettings, id);
    let mut now = Versioned::default();
    for _ in 0..SNAPSHOT_EVERY + 3 {
        now = toggle(&store, id, now).await;
    }
    states.load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
    let kept = async || store.snapshot(stream, fold::OWN_SETTINGS).await.unwrap();
    testkit::until("the snapshot to be written", async || kept().await.is_some()).await;
    assert_eq!(kept().await.unwrap().version, now.version);
    now = toggle(&store, id, now).await;

    let events = store.load_some(stream, 0, OwnSettings::FOLD, PAGE).await.unwrap();
    assert_eq!(events.len(), 2, "the last event in it, and what follows");
    let fresh = States::new();
    let (known, _) = fresh.load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
    assert_eq!((known.version, &known.state), (now.version, &now.state));
    let many = States::new().load_many::<OwnSettings>(&store, &[id], Freshness::Cached).await.unwrap();
    assert_eq!((many[&id].version, &many[&id].state), (now.version, &now.state));

    let damaged = Snapshot { version: now.version, state: b"no state".to_vec() };
    store.store_snapshot(stream, fold::OWN_SETTINGS, &damaged, &[]).await.unwrap();
    let (known, _) = States::new().load::<OwnSettings>(&store, id, Freshness::Cached).await.unwrap();
    assert_eq!((known.version, &known.state), (now.version, &now.state), "it is folded anew");
});
