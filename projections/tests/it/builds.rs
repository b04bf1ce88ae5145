//! Several builds on one log: an event that one cannot apply waits for another, and none is skipped.

use super::support::{DEADLINE, Story, World, both, clock, cure, dump, empty, groups, poisoned, running, until};
use broker::{Broker, Faults};
use domain::conversation::ConversationCommand;
use event_store::Selection;
use graph::Graph;
use projections::{
    Parked, ParkedCount, ParkedState, Worker, WorkerSettings,
    graph_feed::{GraphFeedSettings, run},
    list_parked,
};
use std::time::Duration;
use testkit::{Newer, each_engine};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use uuid::Uuid;

/// A worker of a build, with the log opened anew: nothing is cached from before.
async fn worker(world: &World, broker: &Broker, build: &str, token: &CancellationToken) -> Worker {
    let settings = WorkerSettings {
        store: world.open_store().await,
        broker: broker.clone(),
        database: world.database.clone(),
        leases_in: None,
        owner: Uuid::from_u128(build.len() as u128),
        lease: Duration::from_secs(1),
        clock: running,
        build: build.into(),
    };
    Worker::start_with(settings, [Duration::from_millis(20); 3], token.clone())
}

each_engine!(what_a_newer_build_wrote_is_parked_until_the_build_changes, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(4);
    let (group, other) = (story.open_group(0, 0, &[1], false), story.open_group(1, 0, &[1], false));
    story.conversation(group, ConversationCommand::Join { user: story.user(2), now: Default::default() });
    story.conversation(group, ConversationCommand::Join { user: story.user(3), now: Default::default() });
    story.conversation(other, ConversationCommand::Join { user: story.user(2), now: Default::default() });
    story.send(0, 0, group, "another stream");
    world.tell(&mut story).await;
    let events = world.events_after(0).await;
    let joined = events.iter().find(|event| event.record.event_type == "member.joined").unwrap().record.clone();
    let newer = Newer::open(&world.home).await;
    for (event_type, version) in [("member.joined", 99), ("member.knighted", 1)] {
        newer.learn(joined.position, event_type, version).await;
        empty(&world.database).await;

        let (broker, token) = (Broker::in_process_with(64, Faults::NONE), CancellationToken::new());
        let older = worker(&world, &broker, "older", &token).await;
        let waiting = until(&world, |parked| parked.len() == 2).await;
        assert_eq!([waiting[0].state, waiting[1].state], [ParkedState::Unreadable, ParkedState::Behind]);
        assert_eq!((waiting[0].id.position, waiting[0].retry_at), (joined.position, None));
        let reached = older.progress().wait(events.len() as u64, &projections::Projection::ALL, DEADLINE).await;
        assert!(reached, "the lanes go on");
        testkit::until("it to be counted", async || older.progress().parking().unreadable == 1).await;
        let counted = older.progress().parked().await.unwrap();
        let sums = |of: fn(&ParkedCount) -> u64| counted.iter().map(of).sum::<u64>();
        let sums = [sums(|count| count.parked), sums(|count| count.unreadable), sums(|count| count.given_up)];
        assert_eq!(sums, [2, 1, 0]);
        let tables = dump(&world.database).await;
        assert_eq!((tables["messages"].len(), tables["conversations"].len()), (1, 2), "and so do other streams");
        // Another worker of the same build does not retry it.
        token.cancel();
        older.stopped().await;
        let token = CancellationToken::new();
        let same = worker(&world, &broker, "older", &token).await;
        assert!(same.progress().wait(events.len() as u64, &projections::Projection::ALL, DEADLINE).await);
        assert_eq!(list_parked(&world.database).await.unwrap(), waiting);
        token.cancel();
        same.stopped().await;

        newer.learn(joined.position, "member.joined", joined.event_version).await;
        let token = CancellationToken::new();
        let knowing = worker(&world, &broker, "newer", &token).await;
        until(&world, <[Parked]>::is_empty).await;
        token.cancel();
        knowing.stopped().await;
        let healed = dump(&world.database).await;
        empty(&world.database).await;
        world.catch_up().await;
        assert_eq!(dump(&world.database).await, healed);
    }
});

each_engine!(what_was_given_up_is_tried_again_by_another_build, |home| async move {
    let world = World::new(home).await;
    let (story, history) = poisoned();
    world.append(history).await;
    let (broker, token) = (Broker::in_process_with(64, Faults::NONE), CancellationToken::new());
    let first = worker(&world, &broker, "older", &token).await;
    let is_given_up = |parked: &[Parked]| parked.first().is_some_and(|poison| poison.state == ParkedState::GivenUp);
    until(&world, is_given_up).await;
    token.cancel();
    first.stopped().await;

    // Another build that cannot apply it gives it up in turn.
    let token = CancellationToken::new();
    let second = worker(&world, &broker, "another", &token).await;
    let again = until(&world, |parked| is_given_up(parked) && parked[0].attempts >= 10).await;
    assert_eq!(again.len(), 3);
    token.cancel();
    second.stopped().await;

    cure(&world, story.group(0)).await;
    let token = CancellationToken::new();
    let third = worker(&world, &broker, "yet another", &token).await;
    until(&world, <[Parked]>::is_empty).await;
    assert_eq!(groups(&world).await, both(("Behind", 3)));
    token.cancel();
    third.stopped().await;
});

each_engine!(the_graph_is_given_what_another_build_could_not_read, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(3);
    let group = story.open_group(0, 0, &[1], false);
    world.tell(&mut story).await;
    world.catch_up().await;
    story.conversation(group, ConversationCommand::Join { user: story.user(2), now: Default::default() });
    let last = world.tell(&mut story).await;
    let joined = world.store.read_at(last).await.unwrap().unwrap().record.clone();
    let newer = Newer::open(&world.home).await;
    newer.learn(last, "member.knighted", 1).await;
    let graph = Graph::in_memory();
    let feed = |build: &str, store| {
        let settings = GraphFeedSettings {
            store,
            broker: Broker::in_process_with(64, Faults::NONE),
            database: world.database.clone(),
            graph: graph.clone(),
            clock,
            build: build.into(),
        };
        AbortOnDropHandle::new(tokio::spawn(run(settings, CancellationToken::new())))
    };
    let settled = async |wanted: usize| {
        let is_settled = async || {
            let members = graph.members(group).await.map_or(0, |members| members.len());
            let gaps = sql::query("SELECT COUNT(*) AS gaps FROM graph_gaps");
            let gaps: i64 = world.database.fetch_optional(gaps).await.unwrap().unwrap().get("gaps").unwrap();
            members == wanted && gaps == 3 - i64::try_from(wanted).unwrap()
        };
        testkit::until("the members in the graph", is_settled).await;
    };
    let older = feed("older", world.open_store().await);
    settled(2).await;
    drop(older);
    newer.learn(last, "member.joined", joined.event_version).await;
    let _knowing = feed("newer", world.open_store().await);
    settled(3).await;
    let after = world.store.read_after(last, &Selection::All, 1).await.unwrap();
    assert!(after.is_empty(), "nothing else had to happen");
});
