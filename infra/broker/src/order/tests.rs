//! Any interleaving of commits, deliveries, losses and reads yields each event once, in an order that keeps I12.

use super::*;
use domain::Timestamp;
use event_store::{Heads, Origin, Record};
use proptest::prelude::*;
use uuid::Uuid;

const PARTITIONS: u16 = 3;
const PAGE: usize = 4;

fn lane(tier: Tier, partition: u16) -> Lane {
    Lane { tier, partition: Partition(partition) }
}

fn event(position: Position, lane: Lane) -> Arc<RecordedEvent> {
    Arc::new(RecordedEvent::sealed(Record {
        position,
        aggregate_type: "message".to_owned(),
        aggregate_id: Uuid::nil(),
        sequence: position,
        event_type: "message.sent".to_owned(),
        event_version: 1,
        payload: "{}".to_owned(),
        metadata: "{}".to_owned(),
        scope: Uuid::nil(),
        scope_seq: 0,
        lane,
        origin: Origin::default(),
        command_key: String::new(),
        recorded_at: Timestamp::default(),
        digest: [0; 32],
    }))
}

type Placed = (Position, Lane);

/// A log that grows, and notifications on their way.
struct Log {
    lanes: Vec<Lane>,
    committed: Vec<Linked>,
    heads: Heads,
    flying: Vec<Vec<Linked>>,
}

impl Log {
    fn new(lanes: Vec<Lane>) -> Self {
        Self { lanes, committed: vec![], heads: Heads::new(PARTITIONS), flying: vec![] }
    }

    /// Commits a batch of `count` events, and sends its runs on their way.
    fn commit(&mut self, count: usize) {
        let from = self.committed.len();
        let mut runs: BTreeMap<Lane, Vec<Linked>> = BTreeMap::new();
        for lane in self.lanes.iter().skip(from).take(count) {
            let position = self.committed.len() as Position + 1;
            let linked = Linked { event: event(position, *lane), link: self.heads.advance(*lane, position) };
            runs.entry(*lane).or_default().push(linked.clone());
            self.committed.push(linked);
        }
        self.flying.extend(runs.into_values());
    }

    fn head(&self) -> Head {
        Head { position: self.committed.len() as Position, chain: [0; 32], heads: self.heads.clone() }
    }

    /// Reads one page of the missing events; returns whether any was missing.
    fn read_into(&self, order: &mut Order) -> bool {
        let head = self.head();
        let Some(range) = order.missing_range(&head) else { return false };
        let wanted = |linked: &&Linked| {
            let record = &linked.event.record;
            record.position > range.after
                && range.partitions.as_ref().is_none_or(|some| some.contains(&record.lane.partition))
        };
        let page: Vec<_> =
            self.committed.iter().filter(wanted).take(PAGE).map(|linked| Arc::clone(&linked.event)).collect();
        let until = if page.len() < PAGE { head.position } else { page[PAGE - 1].record.position };
        order.add_range(&range, page, until, Instant::now());
        true
    }
}

#[derive(Clone, Debug)]
enum Step {
    Commit(usize),
    Deliver(prop::sample::Index, bool),
    Lose(prop::sample::Index),
    Read,
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..6_usize).prop_map(Step::Commit),
        6 => any::<(prop::sample::Index, bool)>().prop_map(|(run, twice)| Step::Deliver(run, twice)),
        1 => any::<prop::sample::Index>().prop_map(Step::Lose),
        1 => Just(Step::Read),
        3 => (1..5_usize).prop_map(Step::Take),
    ]
}

fn lanes() -> impl Strategy<Value = Vec<Lane>> {
    let lane = (any::<bool>(), 0..PARTITIONS)
        .prop_map(|(high, partition)| lane(if high { Tier::High } else { Tier::Medium }, partition));
    prop::collection::vec(lane, 1..60)
}

/// Marks as a consumer can have them: no further in the medium tier than in the high one.
fn marks() -> impl Strategy<Value = Marks> {
    (0..20_u64, 0..20_u64).prop_map(|(a, b)| Marks { high: a.max(b), medium: a.min(b) })
}

/// Plays the steps, then catches up with the store; returns the yielded events in order.
fn play(order: &mut Order, log: &mut Log, steps: Vec<Step>) -> Vec<Placed> {
    let mut yielded = Vec::new();
    for step in steps {
        match step {
            Step::Commit(count) => log.commit(count),
            Step::Deliver(run, twice) if !log.flying.is_empty() => {
                let run = run.index(log.flying.len());
                let events = if twice { log.flying[run].clone() } else { log.flying.swap_remove(run) };
                events.iter().for_each(|linked| order.add(linked, Instant::now()));
            }
            Step::Lose(run) if !log.flying.is_empty() => {
                log.flying.swap_remove(run.index(log.flying.len()));
            }
            Step::Deliver(..) | Step::Lose(_) => {}
            Step::Read => {
                log.read_into(order);
            }
            Step::Take(max) => {
                let ready = order.is_ready();
                let taken = order.take(max);
                assert!(taken.len() <= max && ready != taken.is_empty());
                yielded.extend(taken);
            }
        }
    }
    log.commit(log.lanes.len());
    while log.read_into(order) {}
    yielded.extend(order.take(usize::MAX));
    assert_eq!(order.waiting(), 0);
    assert_eq!(order.gap_since(), None);
    yielded.iter().map(|event| (event.record.position, event.record.lane)).collect()
}

/// Each event after the marks exactly once, and no event before one it waits for.
fn check(log: &Log, from: &BTreeMap<Partition, Marks>, ordering: Ordering, yielded: &[Placed]) {
    let mut seen: Vec<Placed> = Vec::new();
    let after = |lane: Lane| {
        from.get(&lane.partition).map(|marks| if lane.tier == Tier::High { marks.high } else { marks.medium })
    };
    let expected: Vec<Placed> = log
        .committed
        .iter()
        .map(|linked| (linked.event.record.position, linked.event.record.lane))
        .filter(|(position, lane)| after(*lane).is_some_and(|after| *position > after))
        .collect();
    for (position, lane) in yielded {
        let waits_for = |(other, of): &&Placed| {
            let near = ordering == Ordering::Global || of.partition == lane.partition;
            let urgent = of.tier == Tier::High || of.tier == lane.tier || ordering == Ordering::Global;
            let overtaken = lane.tier == Tier::High && of.tier == Tier::Medium;
            other < position && near && urgent && !overtaken
        };
        for before in expected.iter().filter(waits_for) {
            assert!(seen.contains(before), "{position} of {lane:?} came before {before:?}");
        }
        seen.push((*position, *lane));
    }
    seen.sort_unstable();
    assert_eq!(seen, expected, "each event once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_worker_gets_each_event_once_and_in_order(
        lanes in lanes(),
        marks in prop::collection::vec(marks(), 1..=usize::from(PARTITIONS)),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let from: BTreeMap<_, _> = (0..).map(Partition).zip(marks).collect();
        let (mut log, mut order) = (Log::new(lanes), Order::new(Ordering::Partition, from.clone()));
        let yielded = play(&mut order, &mut log, steps);
        check(&log, &from, Ordering::Partition, &yielded);
    }

    #[test]
    fn a_gateway_gets_each_event_once_and_in_order(
        lanes in lanes(),
        marks in marks(),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let from: BTreeMap<_, _> = (0..PARTITIONS).map(|partition| (Partition(partition), marks)).collect();
        let (mut log, mut order) = (Log::new(lanes), Order::new(Ordering::Global, from.clone()));
        let yielded = play(&mut order, &mut log, steps);
        check(&log, &from, Ordering::Global, &yielded);
    }
}

#[test]
fn a_high_event_overtakes_a_medium_one_and_is_never_overtaken() {
    let (high, medium) = (lane(Tier::High, 0), lane(Tier::Medium, 0));
    let mut log = Log::new(vec![high, medium, high]);
    log.commit(3);
    let mut order = Order::new(Ordering::Partition, BTreeMap::from([(Partition(0), Marks::default())]));
    let receive = |order: &mut Order, position: usize| order.add(&log.committed[position - 1], Instant::now());
    let take = |order: &mut Order| order.take(9).iter().map(|event| event.record.position).collect::<Vec<_>>();
    receive(&mut order, 2);
    assert!(take(&mut order).is_empty(), "2 waits for 1");
    assert!(order.gap_since().is_some());
    receive(&mut order, 3);
    assert!(take(&mut order).is_empty(), "3 waits for 1");
    receive(&mut order, 1);
    assert_eq!(take(&mut order), [1, 3, 2]);
    assert_eq!(order.marks()[&Partition(0)], Marks { high: 3, medium: 2 });
    assert_eq!(order.gap_since(), None);
}

#[test]
fn partitions_far_from_the_head_do_not_delay_those_near_it() {
    let far = lane(Tier::High, 0);
    let near = lane(Tier::High, 1);
    let mut heads = Heads::new(PARTITIONS);
    heads.advance(far, 10_000);
    heads.advance(near, 10_001);
    let head = Head { position: 10_001, chain: [0; 32], heads };
    let near_marks = Marks { high: 9_999, medium: 9_999 };
    let from = BTreeMap::from([(far.partition, Marks::default()), (near.partition, near_marks)]);
    let mut order = Order::new(Ordering::Partition, from);
    let range = order.missing_range(&head).unwrap();
    assert_eq!(range, LogRange { after: 9_999, partitions: Some(vec![near.partition]) });
    order.add_range(&range, vec![event(10_001, near)], 10_001, Instant::now());
    assert_eq!(order.missing_range(&head), Some(LogRange { after: 0, partitions: Some(vec![far.partition]) }));
}
