//! In whatever order the lanes arrive, however the events are cut and doubled, the read models are the same.

use super::support::{DEADLINE, Dump, PARTITIONS, Story, World, dump, empty};
use broker::{Faults, Marks};
use domain::{Partition, Tier};
use event_store::RecordedEvent;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use testkit::each_engine;
use tokio_util::sync::CancellationToken;

/// Random choices by a seed (SplitMix64: Steele, Lea and Flood, 2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

/// The events in some order that keeps I12: each lane in position order, a medium event after the high ones of its
/// partition that precede it.
fn interleave(events: &[Arc<RecordedEvent>], chance: &mut Chance) -> Vec<Arc<RecordedEvent>> {
    let lane = |tier, partition| -> VecDeque<_> {
        let of = |event: &&Arc<RecordedEvent>| event.record.lane == domain::Lane { tier, partition };
        events.iter().filter(of).cloned().collect()
    };
    let mut lanes: Vec<_> = (0..PARTITIONS)
        .map(|partition| [lane(Tier::High, Partition(partition)), lane(Tier::Medium, Partition(partition))])
        .collect();
    let mut order = Vec::with_capacity(events.len());
    let patience = chance.below(8);
    while order.len() < events.len() {
        let [high, medium] = &mut lanes[chance.below(usize::from(PARTITIONS))];
        let first = high.front().map_or(u64::MAX, |event| event.record.position);
        let medium_may = medium.front().is_some_and(|event| event.record.position < first);
        let next = if medium_may && chance.below(8) > patience { medium.pop_front() } else { high.pop_front() };
        let next = next.or_else(|| medium.pop_front());
        order.extend(next);
    }
    order
}

async fn plainly(world: &World, events: &[Arc<RecordedEvent>]) -> Dump {
    empty(&world.database).await;
    let mut applier = world.applier().await;
    for event in events {
        applier.apply(std::slice::from_ref(event)).await.unwrap();
    }
    dump(&world.database).await
}

/// In batches of any size, some of them twice, some after a restart.
async fn somehow(world: &World, events: &[Arc<RecordedEvent>], chance: &mut Chance) -> Dump {
    empty(&world.database).await;
    let mut applier = world.applier().await;
    let mut at = 0;
    while at < events.len() {
        let end = (at + 1 + chance.below(20)).min(events.len());
        let begin = if chance.below(4) == 0 { at - chance.below(at + 1) } else { at };
        applier.apply(&events[begin..end]).await.unwrap();
        if chance.below(5) == 0 {
            applier = world.applier().await;
        }
        at = end;
    }
    dump(&world.database).await
}

each_engine!(any_interleaving_gives_the_same_tables, |home| async move {
    let world = World::new(home).await;
    let mut runner = TestRunner::new(ProptestConfig { cases: 24, failure_persistence: None, ..Default::default() });
    let seeds = AtomicU64::new(1);
    let steps = (vec(any::<[u8; 4]>(), 80..240), any::<u64>());
    let outcome = runner.run(&steps, |(steps, chance)| {
        let seed = seeds.fetch_add(1, Ordering::Relaxed);
        let same = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let mut story = Story::new(seed);
                story.register_all(4);
                steps.iter().for_each(|step| story.wander(*step));
                let before = world.store.head().await.unwrap().position;
                world.tell(&mut story).await;
                let events = world.events_after(before).await;
                let plain = plainly(&world, &events).await;
                let mut chance = Chance(chance);
                let order = interleave(&events, &mut chance);
                (plain, somehow(&world, &order, &mut chance).await)
            })
        });
        prop_assert_eq!(same.0, same.1);
        Ok(())
    });
    outcome.unwrap();
});

each_engine!(a_bad_broker_changes_nothing, |home| async move {
    let world = World::new(home).await;
    let broker = world.broker(Faults { loss: 20, doubling: 30, disorder: 30, seed: 7 });
    let token = CancellationToken::new();
    let worker = world.worker(&broker, &token);
    let mut chance = Chance(7);
    let mut position = 0;
    for seed in 0..12 {
        let mut story = Story::new(seed);
        story.register_all(4);
        for _ in 0..60 {
            story.wander([(); 4].map(|()| chance.below(256) as u8));
        }
        position = world.tell(&mut story).await;
    }
    assert!(worker.progress().wait(position, &projections::Projection::ALL, DEADLINE).await);
    token.cancel();
    worker.stopped().await;
    let live = dump(&world.database).await;
    let events = world.events_after(0).await;
    assert_eq!(plainly(&world, &events).await, live);
    let marks = world.applier().await.marks();
    let end = |tier| events.iter().filter(|event| event.record.lane.tier == tier).map(|e| e.record.position).max();
    let furthest = |mark: fn(&Marks) -> u64| marks.values().map(mark).max();
    assert_eq!([furthest(|m| m.high), furthest(|m| m.medium)], [end(Tier::High), end(Tier::Medium)]);
});
