//! The graph's feeder: whatever happens to the graph, it comes to agree with the log.

use super::support::{PARTITIONS, Story, World, clock};
use broker::{Broker, Faults};
use domain::{ConversationId, UserId, conversation::ConversationCommand};
use event_store::Position;
use graph::{Graph, GraphError, RedisSettings, changes};
use projections::{
    Worker,
    graph_feed::{GraphFeedSettings, run},
};
use std::collections::BTreeSet;
use testkit::{Cable, Home, each_engine, until};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use uuid::Uuid;

/// A graph in Redis, whose keys are removed after the test.
struct Place {
    namespace: String,
}

impl Place {
    fn new() -> Self {
        Self { namespace: testkit::namespace() }
    }

    fn graph(&self, world: &World) -> Graph {
        self.graph_at(&testkit::redis_url(), world.store.incarnation())
    }

    fn graph_at(&self, url: &str, log: Uuid) -> Graph {
        Graph::redis(RedisSettings { url: url.to_owned(), namespace: self.namespace.clone(), log }).unwrap()
    }

    fn keys(&self, connection: &mut redis::Connection) -> Vec<String> {
        redis::cmd("KEYS").arg(format!("{}:*", self.namespace)).query(connection).unwrap()
    }

    /// The effect of FLUSHALL on it.
    fn flush(&self) {
        let mut connection = connection();
        for keys in self.keys(&mut connection).chunks(1_000) {
            redis::cmd("DEL").arg(keys).exec(&mut connection).unwrap();
        }
    }
}

fn connection() -> redis::Connection {
    redis::Client::open(testkit::redis_url()).unwrap().get_connection().unwrap()
}

impl Drop for Place {
    fn drop(&mut self) {
        self.flush();
    }
}

/// A log, its worker and its broker.
struct Running {
    world: World,
    broker: Broker,
    story: Story,
    chance: u64,
    _worker: Worker,
}

impl Running {
    async fn new(home: Home) -> Self {
        Self::with(home, Faults::NONE).await
    }

    async fn with(home: Home, faults: Faults) -> Self {
        let world = World::new(home).await;
        let broker = world.broker(faults);
        let worker = world.worker(&broker, &CancellationToken::new());
        let mut story = Story::new(1);
        story.register_all(3);
        (0..3).for_each(|n| {
            story.open_group(n, n, &[], false);
        });
        world.tell(&mut story).await;
        Self { world, broker, story, chance: 7, _worker: worker }
    }

    fn feed(&self, graph: &Graph) -> AbortOnDropHandle<()> {
        let settings = GraphFeedSettings {
            store: self.world.store.clone(),
            broker: self.broker.clone(),
            database: self.world.database.clone(),
            graph: graph.clone(),
            clock,
            build: "test".into(),
        };
        AbortOnDropHandle::new(tokio::spawn(run(settings, CancellationToken::new())))
    }

    /// Issues a few commands of all kinds. Returns the log's last position.
    async fn wander(&mut self, steps: usize) -> Position {
        for _ in 0..steps {
            // Knuth's MMIX generator: the same steps in every run.
            self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let [.., a, b, c, d] = (self.chance >> 16).to_be_bytes();
            self.story.wander([a, b, c, d]);
            let events = self.story.take();
            if !events.is_empty() {
                self.world.append(events).await;
            }
        }
        self.world.store.head().await.unwrap().position
    }

    /// The relations in a graph in memory to which the whole log was applied.
    async fn truth(&self) -> Picture {
        let graph = Graph::in_memory();
        let epoch = graph.begin(clock()).await.unwrap();
        for event in self.world.events_after(0).await {
            let opened = self.world.store.open_event(&event).await.unwrap();
            let updates: Vec<_> = changes(opened, event.record.aggregate_id)
                .into_iter()
                .map(|change| (event.record.position, change))
                .collect();
            epoch.apply_all(&updates).await.unwrap();
        }
        assert!(epoch.publish().await.unwrap());
        self.picture(&graph).await.unwrap()
    }

    /// Waits until the graph has reached a position, and compares.
    async fn is_fed_to(&self, graph: &Graph, position: Position) {
        let mut picture = None;
        until("one graph that has come so far was looked at", async || {
            let before = settled_epoch(graph, position).await;
            picture = self.picture(graph).await.ok();
            before.is_some() && before == settled_epoch(graph, position).await
        })
        .await;
        assert_eq!(picture, Some(self.truth().await));
    }

    async fn picture(&self, graph: &Graph) -> Result<Picture, GraphError> {
        let mut picture = Picture::new();
        for n in 0..3 {
            let (user, group) = (self.story.user(n), self.story.group(n));
            picture.push((
                graph.friends(user).await?,
                graph.blocked_by(user).await?,
                graph.conversations(user).await?,
                graph.members(group).await?,
            ));
        }
        Ok(picture)
    }
}

type Picture = Vec<(BTreeSet<UserId>, BTreeSet<UserId>, BTreeSet<ConversationId>, BTreeSet<UserId>)>;

/// The published epoch, if it has reached a position.
async fn settled_epoch(graph: &Graph, position: Position) -> Option<u64> {
    let epoch = graph.epoch().await.ok()??;
    epoch.marks().await.is_ok_and(|marks| marks.settled >= position).then(|| epoch.number())
}

async fn settled(graph: &Graph, position: Position) {
    until("the graph has come so far", async || settled_epoch(graph, position).await.is_some()).await;
}

each_engine!(both_graphs_follow_the_log_from_before_and_after_they_began, |home| async move {
    let mut running = Running::with(home, Faults { loss: 20, doubling: 20, disorder: 20, seed: 3 }).await;
    running.wander(120).await;
    let place = Place::new();
    let graphs = [Graph::in_memory(), place.graph(&running.world)];
    let feeds = graphs.each_ref().map(|graph| running.feed(graph));
    for _ in 0..3 {
        let position = running.wander(60).await;
        for graph in &graphs {
            running.is_fed_to(graph, position).await;
        }
    }
    drop(feeds);
});

each_engine!(a_flush_under_traffic_is_healed, |home| async move {
    let mut running = Running::new(home).await;
    let place = Place::new();
    let graph = place.graph(&running.world);
    let _feed = running.feed(&graph);
    for _ in 0..3 {
        let position = running.wander(40).await;
        settled(&graph, position).await;
        let before = graph.epoch().await.unwrap().unwrap().number();
        running.wander(20).await;
        place.flush();
        let position = running.wander(20).await;
        running.is_fed_to(&graph, position).await;
        assert!(graph.epoch().await.unwrap().unwrap().number() > before);
    }
});

each_engine!(a_flush_is_noticed_without_events, |home| async move {
    let mut running = Running::new(home).await;
    let place = Place::new();
    let graph = place.graph(&running.world);
    let _feed = running.feed(&graph);
    let position = running.wander(40).await;
    settled(&graph, position).await;
    place.flush();
    running.is_fed_to(&graph, position).await;
});

each_engine!(two_feeders_do_no_harm, |home| async move {
    let mut running = Running::new(home).await;
    let place = Place::new();
    let graphs = [place.graph(&running.world), place.graph(&running.world)];
    let _feeds = graphs.each_ref().map(|graph| running.feed(graph));
    for _ in 0..3 {
        let position = running.wander(40).await;
        running.is_fed_to(&graphs[0], position).await;
        running.is_fed_to(&graphs[1], position).await;
        place.flush();
    }
    let position = running.wander(40).await;
    running.is_fed_to(&graphs[1], position).await;
});

each_engine!(a_feeder_goes_on_where_the_last_one_stopped, |home| async move {
    let mut running = Running::new(home).await;
    let place = Place::new();
    let graph = place.graph(&running.world);
    let mut epochs = BTreeSet::new();
    for _ in 0..3 {
        let feed = running.feed(&graph);
        let position = running.wander(40).await;
        running.is_fed_to(&graph, position).await;
        epochs.insert(graph.epoch().await.unwrap().unwrap().number());
        drop(feed);
        running.wander(20).await;
    }
    assert_eq!(epochs.len(), 1, "nothing was lost, so nothing was filled again");
});

each_engine!(nothing_is_lost_while_redis_is_away, |home| async move {
    let mut running = Running::new(home).await;
    let place = Place::new();
    let direct = place.graph(&running.world);
    let url = testkit::redis_url();
    let server = url.split_once("://").unwrap().1.split('/').next().unwrap().rsplit('@').next().unwrap().to_owned();
    let cable = Cable::to(server.clone()).await;
    let url = url.replace(&server, &cable.address().to_string());
    let graph = place.graph_at(&url, running.world.store.incarnation());
    let _feed = running.feed(&graph);
    let position = running.wander(40).await;
    settled(&direct, position).await;
    let epoch = direct.epoch().await.unwrap().unwrap().number();
    cable.cut();
    until("away", async || !graph.health().is_up()).await;
    let position = running.wander(60).await;
    cable.mend();
    running.is_fed_to(&direct, position).await;
    assert_eq!(direct.epoch().await.unwrap().unwrap().number(), epoch, "it went on from its marks");
    cable.cut();
    place.flush();
    let position = running.wander(20).await;
    cable.mend();
    running.is_fed_to(&direct, position).await;
});

each_engine!(a_graph_that_fell_back_is_fed_again, |home| async move {
    let mut running = Running::new(home).await;
    let place = Place::new();
    let graph = place.graph(&running.world);
    let feed = running.feed(&graph);
    let position = running.wander(40).await;
    settled(&graph, position).await;
    drop(feed);
    let mut connection = connection();
    let mut saved = Vec::new();
    for key in place.keys(&mut connection) {
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&key).query(&mut connection).unwrap();
        saved.push((key, dump));
    }

    let _feed = running.feed(&graph);
    let position = running.wander(60).await;
    settled(&graph, position).await;
    // As a lagging replica, or a snapshot, would have it.
    let mut back = redis::pipe();
    back.atomic().cmd("DEL").arg(place.keys(&mut connection));
    for (key, dump) in saved {
        back.cmd("RESTORE").arg(key).arg(0).arg(dump).arg("REPLACE");
    }
    back.exec(&mut connection).unwrap();
    running.is_fed_to(&graph, position).await;
    let position = running.wander(20).await;
    running.is_fed_to(&graph, position).await;
});

each_engine!(the_graph_of_another_log_is_replaced, |home| async move {
    let mut running = Running::new(home).await;
    let place = Place::new();
    let theirs = place.graph_at(&testkit::redis_url(), Uuid::from_u128(1));
    let epoch = theirs.begin(clock()).await.unwrap();
    let relation = graph::Relation::friends(running.story.user(0), running.story.user(1));
    epoch.apply_all(&[(1_000_000, graph::Change { relation, holds: true })]).await.unwrap();
    assert!(epoch.publish().await.unwrap());
    let graph = place.graph(&running.world);
    let _feed = running.feed(&graph);
    let position = running.wander(40).await;
    running.is_fed_to(&graph, position).await;
});

each_engine!(a_graph_that_knows_the_future_is_replaced, |home| async move {
    let mut running = Running::new(home).await;
    let place = Place::new();
    let graph = place.graph(&running.world);
    let epoch = graph.begin(clock()).await.unwrap();
    let lane = domain::Lane { tier: domain::Tier::High, partition: domain::Partition(PARTITIONS - 1) };
    let marks = graph::Marks { lanes: [(lane, 1_000_000)].into(), settled: 0 };
    epoch.save_marks(&marks).await.unwrap();
    assert!(epoch.publish().await.unwrap());
    let _feed = running.feed(&graph);
    let position = running.wander(40).await;
    running.is_fed_to(&graph, position).await;
    assert!(graph.epoch().await.unwrap().unwrap().number() > epoch.number());
});

each_engine!(a_graph_is_filled_while_the_read_models_lag, |home| async move {
    let world = World::new(home).await;
    let mut story = Story::new(1);
    story.register_all(3);
    let group = story.open_group(0, 0, &[1], false);
    world.tell(&mut story).await;
    world.catch_up().await;
    story.conversation(
        group,
        ConversationCommand::Add {
            by: story.user(0),
            user: story.user(2),
            known_as: Default::default(),
            now: Default::default(),
        },
    );
    story.conversation(group, ConversationCommand::Kick { by: story.user(0), user: story.user(1) });
    let position = world.tell(&mut story).await;
    let graph = Graph::in_memory();
    let settings = GraphFeedSettings {
        store: world.store.clone(),
        broker: world.broker(Faults::NONE),
        database: world.database.clone(),
        graph: graph.clone(),
        clock,
        build: "test".into(),
    };
    let _feed = AbortOnDropHandle::new(tokio::spawn(run(settings, CancellationToken::new())));
    settled(&graph, position).await;
    assert_eq!(graph.members(group).await.unwrap(), BTreeSet::from([story.user(0), story.user(2)]));
});
