//! Singleton jobs: one process does the work, and another one soon after it is gone.

use super::support::{DEADLINE, World};
use projections::SingletonJob;
use sql::{Database, Limits, Location, Transaction, query};
use std::{sync::Arc, time::Duration};
use testkit::{Cable, Home, each_engine};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The place of the work.
#[derive(Clone, Default)]
struct Site(Arc<watch::Sender<Workers>>);

#[derive(Default)]
struct Workers {
    /// The workers at work.
    now: Vec<u128>,
    /// Whether two ever worked at once.
    collided: bool,
}

/// A worker at work, until dropped.
struct AtWork(Site, u128);

impl Site {
    fn enter(&self, n: u128) -> AtWork {
        self.0.send_modify(|workers| {
            workers.now.push(n);
            workers.collided |= workers.now.len() > 1;
        });
        AtWork(self.clone(), n)
    }

    /// Worker `n` competes for the job, and ends its work when cancelled.
    fn send(&self, n: u128, database: &Database, lease: Duration, stop: &CancellationToken) -> JoinHandle<()> {
        let (site, stop) = (self.clone(), stop.clone());
        let job = SingletonJob { database: database.clone(), owner: Uuid::from_u128(n), lease };
        let work = move |token: CancellationToken| {
            let at_work = site.enter(n);
            async move {
                token.cancelled().await;
                drop(at_work);
            }
        };
        tokio::spawn(async move { job.hold("work", stop, work).await })
    }

    /// Waits until the workers are as wanted. Returns them.
    async fn until(&self, wanted: impl FnMut(&Workers) -> bool) -> Vec<u128> {
        let mut seen = self.0.subscribe();
        let workers = timeout(DEADLINE, seen.wait_for(wanted)).await.expect("in time").unwrap();
        assert!(!workers.collided);
        workers.now.clone()
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.0.send_modify(|workers| workers.now.retain(|n| *n != self.1));
    }
}

each_engine!(one_works_and_when_it_dies_the_other_one, |home| async move {
    let world = World::new(home).await;
    let (site, stop) = (Site::default(), CancellationToken::new());
    let mut tasks = [1, 2].map(|n| Some(site.send(n, &world.database, Duration::from_secs(1), &stop)));
    let first = site.until(|workers| !workers.now.is_empty()).await;
    let killed = tasks[usize::try_from(first[0] - 1).unwrap()].take().unwrap();
    killed.abort();
    site.until(|workers| !workers.now.is_empty() && workers.now != first).await;
    stop.cancel();
    site.until(|workers| workers.now.is_empty()).await;
    for task in tasks.into_iter().flatten() {
        task.await.unwrap();
    }
});

each_engine!(a_duty_given_up_is_free_at_once, |home| async move {
    let world = World::new(home).await;
    let (site, stop, other_stop) = (Site::default(), CancellationToken::new(), CancellationToken::new());
    let hour = Duration::from_secs(3_600);
    let first = site.send(1, &world.database, hour, &stop);
    site.until(|workers| workers.now == [1]).await;
    let second = site.send(2, &world.database, hour, &other_stop);
    stop.cancel();
    first.await.unwrap();
    site.until(|workers| workers.now == [2]).await;
    other_stop.cancel();
    second.await.unwrap();
});

each_engine!(work_ends_while_the_database_is_away, |home| async move {
    let world = World::new(home).await;
    let (site, stop) = (Site::default(), CancellationToken::new());
    let task = site.send(1, &world.database, Duration::from_millis(600), &stop);
    site.until(|workers| workers.now == [1]).await;

    let another = Database::connect(&world.home.read_models(), 1).await.unwrap();
    let mut tx = another.begin().await.unwrap();
    tx.set_limits(Limits::BULK).await.unwrap();
    if matches!(tx, Transaction::Postgres(_)) {
        tx.execute(query("LOCK TABLE duties IN ACCESS EXCLUSIVE MODE")).await.unwrap();
    }
    site.until(|workers| workers.now.is_empty()).await;
    tx.rollback().await.unwrap();
    site.until(|workers| workers.now == [1]).await;
    stop.cancel();
    task.await.unwrap();
});

each_engine!(work_that_ends_is_begun_again, |home| async move {
    let world = World::new(home).await;
    let job =
        SingletonJob { database: world.database.clone(), owner: Uuid::from_u128(1), lease: Duration::from_secs(1) };
    let (stop, begun) = (CancellationToken::new(), watch::Sender::new(0));
    let work = |_| {
        begun.send_modify(|times| *times += 1);
        let stubborn = *begun.borrow() == 2;
        async move {
            if stubborn {
                std::future::pending::<()>().await;
            }
        }
    };
    let mut seen = begun.subscribe();
    let stopping = async {
        seen.wait_for(|times| *times == 2).await.unwrap();
        stop.cancel();
    };
    let held = async { tokio::join!(job.hold("work", stop.clone(), work), stopping) };
    timeout(DEADLINE, held).await.expect("work that does not heed its token is dropped");
    assert_eq!(*begun.borrow(), 2);
});

/// The worker behind the cable cannot know the state of the database: it must have ended before the other begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_cut_off_ends_before_another_begins() {
    let world = World::new(Home::new(testkit::Engine::Postgres).await).await;
    let Location::Postgres { url, schema } = world.home.read_models() else { panic!("this is Postgres") };
    let (front, rest) = url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let cable = Cable::to(if server.contains(':') { server.to_owned() } else { format!("{server}:5432") }).await;
    let url = format!("{front}@{}/{name}", cable.address());
    let behind = Database::connect(&Location::Postgres { url, schema }, 2).await.unwrap();

    let (site, stop, lease) = (Site::default(), CancellationToken::new(), Duration::from_secs(3));
    let first = site.send(1, &behind, lease, &stop);
    site.until(|workers| workers.now == [1]).await;
    let second = site.send(2, &world.database, lease, &stop);
    cable.hang();
    site.until(|workers| workers.now == [2]).await;
    cable.mend();
    second.abort();
    site.until(|workers| workers.now == [1]).await;
    cable.cut();
    site.until(|workers| workers.now.is_empty()).await;
    cable.mend();
    site.until(|workers| workers.now == [1]).await;
    stop.cancel();
    first.await.unwrap();
}
