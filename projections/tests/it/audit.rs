//! The audit index finds the same as a scan of the log, however it is filled.

use super::support::DEADLINE;
use domain::{
    AggregateType, ConversationId, Event, Tier, Timestamp, UserId, conversation::ConversationEvent,
    message::MessageEvent, read_marker::ReadMarkerEvent,
};
use event_store::{
    Append, CommandKey, EventStore, Keys, NewEvent, Origin, Position, Record, Retention, Selection, Settings, StreamId,
};
use projections::{
    audit::{self, AuditDifference, AuditFilter, AuditIndex, Order, Running},
    migrator,
};
use sql::{Database, query};
use std::sync::atomic::{AtomicI64, Ordering};
use testkit::{Home, each_engine};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BASE: i64 = 1_700_000_000_000;

/// Several writers whose clocks differ: times rise, and sometimes fall back far.
fn clock() -> Timestamp {
    static NOW: AtomicI64 = AtomicI64::new(0);
    let n = NOW.fetch_add(1, Ordering::Relaxed);
    Timestamp::from_millis(BASE + n * 10 - (n % 7) * 45)
}

struct World {
    home: Home,
    store: EventStore,
    index: AuditIndex,
    next: u128,
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0000 | n)
}

impl World {
    async fn new(home: Home) -> Self {
        let store = Self::open(&home).await;
        let database = Database::connect(&home.read_models(), 4).await.unwrap();
        database.migrate(migrator(database.engine())).await.unwrap();
        Self { home, store, index: AuditIndex::new(database), next: 1_000 }
    }

    async fn open(home: &Home) -> EventStore {
        let keys = Keys { master: [7; 32] };
        let settings = Settings { location: home.log(), connections: 4, partitions: 4, keys, clock };
        EventStore::open(settings).await.unwrap().0
    }

    /// Actions of three people in two conversations.
    async fn append(&mut self, count: u128) {
        for _ in 0..count {
            self.next += 1;
            let n = self.next;
            let (user, conversation) = (UserId(id(n % 3)), ConversationId(id(10 + n % 2)));
            let (aggregate, event): (_, Event) = match n % 5 {
                0 => (AggregateType::Message, MessageEvent::Deleted { conversation, by: user }.into()),
                1 => {
                    (AggregateType::Conversation, ConversationEvent::MemberPromoted { user, by: user, at: None }.into())
                }
                _ => (AggregateType::ReadMarker, ReadMarkerEvent::Read { conversation, user, seq: 1 }.into()),
            };
            let append = Append {
                origin: Origin {
                    actor: (!n.is_multiple_of(4)).then_some(user.0),
                    correlation_id: (!n.is_multiple_of(6)).then(|| id(100 + n % 20)),
                    causation_id: n.is_multiple_of(9).then_some(3),
                },
                key: CommandKey { owner: "test".to_owned(), key: n.to_string() },
                request_hash: [0; 32],
                retention: Retention::Week,
                tier: Tier::High,
                guards: Vec::new(),
                claims: Vec::new(),
                secrets: Vec::new(),
                events: vec![NewEvent { stream: StreamId::new(aggregate, id(n)), sequence: 1, event }],
            };
            self.store.append(append).await.unwrap();
        }
    }

    async fn fill(&self) -> Running {
        let mut at = self.index.begin(&self.store).await.unwrap();
        loop {
            let next = self.index.advance(&self.store, at, 50).await.unwrap();
            if next == at {
                return at;
            }
            at = next;
        }
    }

    async fn records(&self) -> Vec<Record> {
        let events = self.store.read_after(0, &Selection::All, 10_000).await.unwrap();
        events.iter().map(|event| event.record.clone()).collect()
    }

    /// The positions of all pages of a search, and the number of pages.
    async fn pages(&self, index: &AuditIndex, filter: &AuditFilter, order: Order) -> (Vec<Position>, usize) {
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = index.search(filter, order, after, 7).await.unwrap();
            assert!(page.positions.len() <= 7);
            found.extend(page.positions);
            pages += 1;
            match page.next {
                Some(next) => after = Some(next),
                None => return (found, pages),
            }
        }
    }

    async fn differences(&self) -> Vec<AuditDifference> {
        let mut found = Vec::new();
        let token = CancellationToken::new();
        let mut note = |difference| found.push(difference);
        audit::verify(&self.index, &self.store, &token, &|_| (), &mut note).await.unwrap();
        found
    }
}

fn fits(filter: &AuditFilter, record: &Record) -> bool {
    let origin = &record.origin;
    filter.actor.is_none_or(|actor| origin.actor == Some(actor))
        && filter.event_type.as_ref().is_none_or(|name| *name == record.event_type)
        && filter.aggregate_type.as_ref().is_none_or(|name| *name == record.aggregate_type)
        && filter.aggregate_id.is_none_or(|id| record.aggregate_id == id)
        && filter.scope.is_none_or(|scope| record.scope == scope)
        && filter.correlation_id.is_none_or(|id| origin.correlation_id == Some(id))
        && filter.from.is_none_or(|from| record.recorded_at >= from)
        && filter.to.is_none_or(|to| record.recorded_at <= to)
        && filter.from_position.is_none_or(|from| record.position >= from)
        && filter.to_position.is_none_or(|to| record.position <= to)
}

/// Every combination of some of the filters, with and without ranges.
fn filters(records: &[Record]) -> Vec<AuditFilter> {
    let times: Vec<_> = records.iter().map(|record| record.recorded_at).collect();
    let (early, late) = (times[times.len() / 4], times[times.len() * 3 / 4]);
    let mut all = vec![
        AuditFilter { aggregate_id: Some(records[5].aggregate_id), ..AuditFilter::default() },
        AuditFilter { actor: Some(id(999)), ..AuditFilter::default() },
        AuditFilter { from: Some(Timestamp::from_millis(i64::MAX)), ..AuditFilter::default() },
        AuditFilter { to: Some(Timestamp::from_millis(0)), ..AuditFilter::default() },
        AuditFilter { from_position: Some(9), to_position: Some(8), ..AuditFilter::default() },
    ];
    let aggregate = records.iter().find(|record| record.origin.correlation_id == Some(id(103))).unwrap().aggregate_id;
    for bits in 0..512_u32 {
        let on = |bit: u32| bits & (1 << bit) != 0;
        all.push(AuditFilter {
            actor: on(0).then(|| id(1)),
            event_type: on(1).then(|| "receipt.read".to_owned()),
            aggregate_type: on(2).then(|| "message".to_owned()),
            scope: on(3).then(|| id(10)),
            correlation_id: on(4).then(|| id(103)),
            from: on(5).then_some(early),
            to: on(6).then_some(late),
            from_position: on(7).then_some(20),
            to_position: on(7).then_some(110),
            aggregate_id: on(8).then_some(aggregate),
        });
    }
    all
}

each_engine!(what_is_found_is_what_a_look_at_the_whole_log_finds, |home| async move {
    let mut world = World::new(home).await;
    world.append(150).await;
    let at = world.fill().await;
    assert!(at.widest > 0, "times must not rise with positions here");
    assert_eq!(world.index.indexed_to(&world.store).await.unwrap(), 150);
    let records = world.records().await;
    // Few rows per page, so that a filter without an index of its own continues over several.
    let narrow = world.index.clone().scanning(16);
    let mut continued = 0;
    for filter in filters(&records) {
        let mut wanted: Vec<_> = records.iter().filter(|record| fits(&filter, record)).map(|r| r.position).collect();
        let (found, _) = world.pages(&world.index, &filter, Order::Oldest).await;
        assert_eq!(found, wanted, "{filter:?}");
        let (found, pages) = world.pages(&narrow, &filter, Order::Oldest).await;
        assert_eq!(found, wanted, "{filter:?}");
        continued += usize::from(pages > 1 + wanted.len() / 7);
        wanted.reverse();
        assert_eq!(world.pages(&world.index, &filter, Order::Newest).await.0, wanted, "{filter:?}");
        assert_eq!(world.pages(&narrow, &filter, Order::Newest).await.0, wanted, "{filter:?}");
    }
    assert!(continued > 0, "no page was short and went on");
    let caused: Vec<_> = records.iter().filter(|r| r.origin.causation_id == Some(3)).map(|r| r.position).collect();
    assert_eq!(world.index.caused_by(&[3, 4, 5], 100).await.unwrap(), caused);
    assert_eq!(world.index.caused_by(&[3], 2).await.unwrap(), caused[..2]);
    assert!(world.index.caused_by(&[], 2).await.unwrap().is_empty());
});

each_engine!(each_filter_is_read_by_an_index, |home| async move {
    let mut world = World::new(home).await;
    world.append(150).await;
    world.fill().await;
    let none = AuditFilter::default;
    let word = || Some("receipt.read".to_owned());
    for (filter, index) in [
        (AuditFilter { actor: Some(id(1)), ..none() }, "audit_actor"),
        (AuditFilter { event_type: word(), ..none() }, "audit_type"),
        (AuditFilter { scope: Some(id(10)), event_type: word(), ..none() }, "audit_scope_type"),
        (AuditFilter { actor: Some(id(1)), scope: Some(id(10)), ..none() }, "audit_actor_scope"),
    ] {
        let plan = world.index.explain(&filter, 50).await.unwrap().join("\n");
        // Postgres scans a table of one page; its index use on large tables is for the benchmark.
        let expected = if world.index.database().engine() == sql::Engine::Sqlite { index } else { "audit_events" };
        assert!(plan.contains(expected), "{filter:?}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
    }
});

each_engine!(two_who_fill_it_do_no_harm, |home| async move {
    let mut world = World::new(home).await;
    let stop = CancellationToken::new();
    let run = || tokio::spawn(audit::run(world.index.clone(), world.store.reserved(), stop.clone()));
    let running = [run(), run(), run()];
    world.append(120).await;
    assert_eq!(world.index.wait(&world.store, 120, DEADLINE).await.unwrap(), 120);
    stop.cancel();
    for task in running {
        timeout(DEADLINE, task).await.unwrap().unwrap();
    }
    assert_eq!(world.differences().await, []);
});

each_engine!(what_differs_is_found_and_a_rebuild_mends_it_while_it_is_filled, |home| async move {
    let mut world = World::new(home).await;
    world.append(60).await;
    world.fill().await;
    assert_eq!(world.differences().await, []);
    let meddle = async |sql: &'static str| world.index.database().execute(query(sql)).await.unwrap();
    meddle("UPDATE audit_events SET event_type = 'message.sent' WHERE position = 7").await;
    meddle("DELETE FROM audit_events WHERE position = 9").await;
    let column = AuditDifference::Column {
        position: 7,
        name: "event_type",
        wanted: world.records().await[6].event_type.clone(),
        found: "message.sent".to_owned(),
    };
    assert_eq!(world.differences().await, [column, AuditDifference::Missing(9)]);

    let (token, stop) = (CancellationToken::new(), CancellationToken::new());
    let filling = tokio::spawn(audit::run(world.index.clone(), world.store.reserved(), stop.clone()));
    let (store, place) = (world.store.clone(), world.home.read_models());
    audit::rebuild(&store, &place, false, &token, &|_| ()).await.unwrap();
    assert!(world.differences().await.len() >= 2, "aside, it changes nothing");
    let rebuild = tokio::spawn(async move { audit::rebuild(&store, &place, true, &token, &|_| ()).await });
    world.append(60).await;
    assert!(timeout(DEADLINE, rebuild).await.unwrap().unwrap().unwrap() >= 60);
    assert_eq!(world.index.wait(&world.store, 120, DEADLINE).await.unwrap(), 120);
    stop.cancel();
    filling.await.unwrap();
    assert_eq!(world.differences().await, []);
    let filter = AuditFilter { event_type: Some("receipt.read".to_owned()), ..AuditFilter::default() };
    let wanted = world.records().await.iter().filter(|record| fits(&filter, record)).count();
    assert_eq!(world.pages(&world.index, &filter, Order::Oldest).await.0.len(), wanted, "its indexes came along");
});

each_engine!(an_index_of_another_log_is_made_anew, |home| async move {
    let mut world = World::new(home).await;
    world.append(20).await;
    world.fill().await;
    let alien = "UPDATE audit_source SET version = 0";
    world.index.database().execute(query(alien)).await.unwrap();
    assert_eq!(world.index.indexed_to(&world.store).await.unwrap(), 0);
    assert_eq!(world.differences().await, [AuditDifference::Alien]);
    assert_eq!(world.index.begin(&world.store).await.unwrap(), Running::default());
    world.fill().await;
    assert_eq!(world.index.indexed_to(&world.store).await.unwrap(), 20);
    assert_eq!(world.differences().await, []);
});
