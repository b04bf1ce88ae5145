//! The cache: never older than the observed changes, however far the graph is behind.

use super::{
    redis::{address, behind},
    relations::change,
    support::{Arm, at, conversation, friends, until, user},
};
use domain::UserId;
use graph::{CacheSettings, Cached, Change, Epoch, GraphError, Marks, Others, Position, Relation};
use proptest::{prelude::*, test_runner::TestRunner};
use std::collections::BTreeSet;
use testkit::Cable;

const SMALL: CacheSettings = CacheSettings { ids: 10_000, recent: 4 };

async fn settle(epoch: &Epoch, settled: Position) {
    epoch.save_marks(&Marks { settled, ..Marks::default() }).await.unwrap();
}

fn set(others: &Others<UserId>) -> BTreeSet<UserId> {
    others.iter().collect()
}

#[tokio::test]
async fn repeated_reads_are_cached_and_follow_the_events() {
    for (arm, epoch) in Arm::each_published().await {
        epoch.apply_all(&[friends(1, true)]).await.unwrap();
        settle(&epoch, 1).await;
        let cached = Cached::new(arm.graph.clone(), CacheSettings::default(), 1);
        for _ in 0..3 {
            let friends = cached.friends(user(1)).await.unwrap();
            assert!(friends.contains(user(2)) && friends.len() == 1);
        }
        let (position, ended) = friends(2, false);
        cached.observe(position, &ended);
        assert!(cached.friends(user(1)).await.unwrap().is_empty());
        let stats = cached.stats();
        assert_eq!((stats.hits, stats.misses, stats.size, stats.ids), (3, 1, 1, 1));
    }
}

#[tokio::test]
async fn a_graph_that_lags_is_corrected_by_observed_changes() {
    for (arm, epoch) in Arm::each_published().await {
        epoch.apply_all(&[friends(1, true)]).await.unwrap();
        settle(&epoch, 1).await;
        let cached = Cached::new(arm.graph.clone(), SMALL, 1);
        let (position, ended) = friends(2, false);
        cached.observe(position, &ended);
        assert!(cached.friends(user(1)).await.unwrap().is_empty(), "the feeder has not applied it");
        epoch.apply_all(&[(position, ended), friends(3, true)]).await.unwrap();
        settle(&epoch, 3).await;
        let (position, again) = friends(3, true);
        cached.observe(position, &again);
        assert_eq!(set(&cached.friends(user(1)).await.unwrap()), BTreeSet::from([user(2)]));
    }
}

#[tokio::test]
async fn a_change_during_a_read_is_in_the_answer() {
    let cable = Cable::to(address()).await;
    let (arm, graph) = behind(&cable).await;
    let epoch = arm.epoch().await.unwrap().unwrap();
    epoch.apply_all(&[friends(1, true)]).await.unwrap();
    settle(&epoch, 1).await;
    let cached = Cached::new(graph, SMALL, 1);
    assert!(cached.members(conversation(1)).await.unwrap().is_empty());
    cable.hang();
    let reading = tokio::spawn({
        let cached = cached.clone();
        async move { cached.friends(user(1)).await }
    });
    until("the read is under way", async || cached.stats().misses >= 2).await;
    let (position, ended) = friends(2, false);
    cached.observe(position, &ended);
    cable.mend();
    if let Ok(friends) = reading.await.unwrap() {
        assert!(friends.is_empty());
    }
    until("it is read", async || cached.friends(user(1)).await.is_ok()).await;
    assert!(cached.friends(user(1)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_graph_too_far_behind_gives_no_answer() {
    for (arm, epoch) in Arm::each_published().await {
        let cached = Cached::new(arm.graph.clone(), SMALL, 0);
        assert!(cached.friends(user(1)).await.unwrap().is_empty());
        let changes: Vec<_> = (1..=5).map(member).collect();
        changes.iter().for_each(|(position, change)| cached.observe(*position, change));
        assert_eq!(cached.members(conversation(1)).await.unwrap_err(), GraphError::Rebuilding);
        assert!(cached.friends(user(1)).await.is_ok(), "the cached entry was updated");
        epoch.apply_all(&changes).await.unwrap();
        settle(&epoch, 5).await;
        assert_eq!(cached.members(conversation(1)).await.unwrap().len(), 5);
        assert_eq!(cached.stats().behind, 1);
        let late = Cached::new(arm.graph.clone(), SMALL, 6);
        assert_eq!(late.friends(user(1)).await.unwrap_err(), GraphError::Rebuilding, "earlier changes are missing");
    }
}

#[tokio::test]
async fn a_cache_keeps_within_its_bound() {
    for (arm, epoch) in Arm::each_published().await {
        let changes: Vec<_> = (1..=500).map(member).collect();
        epoch.apply_all(&changes).await.unwrap();
        settle(&epoch, 500).await;
        let cached = Cached::new(arm.graph.clone(), CacheSettings { ids: 200, recent: 4 }, 500);
        for n in 1..=500 {
            assert_eq!(cached.conversations(user(n)).await.unwrap().len(), 1);
        }
        assert_eq!(cached.members(conversation(1)).await.unwrap().len(), 500, "too large to be cached");
        let stats = cached.stats();
        assert!(stats.ids <= 200 && stats.evictions > 0, "{stats:?}");
    }
}

fn member(position: u64) -> (Position, Change) {
    let relation = Relation::Member { conversation: conversation(1), user: user(u128::from(position)) };
    (position, Change { relation, holds: true })
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The feeder applies this many changes.
    Feed(usize),
    /// The process observes this many changes.
    Observe(usize),
    /// All relations are read.
    Ask,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![(0..4_usize).prop_map(Step::Feed), (0..4_usize).prop_map(Step::Observe), Just(Step::Ask)]
}

/// A schedule of changes, with the graph, the cache and the expected relations.
struct Schedule {
    changes: Vec<(Position, Change)>,
    epoch: Epoch,
    cached: Cached,
    fed: usize,
    observed: usize,
}

impl Schedule {
    async fn new(changes: Vec<Change>) -> Self {
        let arm = Arm::memory();
        let epoch = arm.begin(at(0)).await.unwrap();
        assert!(epoch.publish().await.unwrap());
        let settings = CacheSettings { ids: 20, recent: 6 };
        let cached = Cached::new(arm.graph.clone(), settings, 0);
        Self { changes: (1..).zip(changes).collect(), epoch, cached, fed: 0, observed: 0 }
    }

    async fn feed(&mut self, count: usize) {
        let until = (self.fed + count).min(self.changes.len());
        self.epoch.apply_all(&self.changes[self.fed..until]).await.unwrap();
        settle(&self.epoch, until as u64).await;
        self.fed = until;
    }

    fn observe(&mut self, count: usize) {
        let until = (self.observed + count).min(self.changes.len());
        self.changes[self.observed..until].iter().for_each(|(position, change)| self.cached.observe(*position, change));
        self.observed = until;
    }

    /// Each answer reflects the observed changes. Where the feeder is ahead, it may be newer.
    async fn ask(&self) -> usize {
        let truth = Arm::memory();
        let epoch = truth.begin(at(0)).await.unwrap();
        epoch.apply_all(&self.changes[..self.observed]).await.unwrap();
        assert!(epoch.publish().await.unwrap());
        let mut answers = 0;
        for n in 0..4 {
            let friends = self.cached.friends(user(n)).await.ok();
            let members = self.cached.members(conversation(n)).await.ok();
            answers += friends.iter().len() + members.iter().len();
            if self.fed <= self.observed {
                let want = truth.friends(user(n)).await.unwrap();
                assert!(friends.is_none_or(|friends| set(&friends) == want), "friends of {n}");
                let want = truth.members(conversation(n)).await.unwrap();
                assert!(members.is_none_or(|members| set(&members) == want), "members of {n}");
            }
        }
        answers
    }
}

#[test]
fn no_schedule_makes_the_cache_older_than_what_was_observed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let inputs = (prop::collection::vec(change(), 1..40), prop::collection::vec(step(), 1..60));
    let scenario = |(changes, steps): (Vec<Change>, Vec<Step>)| {
        runtime.block_on(async {
            let mut schedule = Schedule::new(changes).await;
            for step in steps {
                match step {
                    Step::Feed(count) => schedule.feed(count).await,
                    Step::Observe(count) => schedule.observe(count),
                    Step::Ask => drop(schedule.ask().await),
                }
            }
            schedule.feed(usize::MAX >> 1).await;
            schedule.observe(usize::MAX >> 1);
            assert_eq!(schedule.ask().await, 8, "with all changes applied, all reads succeed");
        });
        Ok(())
    };
    TestRunner::new(config).run(&inputs, scenario).unwrap();
}
