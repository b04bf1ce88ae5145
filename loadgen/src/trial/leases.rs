//! Which process holds which partitions and duties, as the read models have it: asked past any proxy.

use crate::{client::jittered, server::Server};
use anyhow::{Result, bail, ensure};
use domain::Partition;
use sql::{Database, Location, query};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};
use tokio::time::sleep;
use uuid::Uuid;

/// Partitions of a log that is made with the defaults.
const PARTITIONS: u16 = 16;
/// How long a worker may take to be known, and the partitions to be shared out.
const SOON: Duration = Duration::from_secs(45);
/// How often a process is stopped in the hope that it has a transaction open.
const TRIES: usize = 200;

/// The leases, and what is known of who holds them.
pub(super) struct Leases {
    read: Database,
    owners: RefCell<HashMap<Uuid, String>>,
    /// The rooms of a process as it was stopped or killed.
    rooms: RefCell<HashMap<String, Vec<usize>>>,
}

impl Leases {
    /// Of the read models there.
    pub(super) async fn open(read: &Location) -> Result<Self> {
        let read = Database::connect(read, 2).await?;
        Ok(Self { read, owners: RefCell::default(), rooms: RefCell::default() })
    }

    pub(super) async fn close(&self) {
        self.read.close().await;
    }

    /// Takes the worker that nobody knew for the one of this name, which has just started.
    pub(super) async fn learn(&self, name: &str) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            let known = self.owners.borrow().keys().copied().collect::<BTreeSet<_>>();
            let owners = self.owners_in("SELECT owner FROM workers").await?;
            if let Some(owner) = owners.into_iter().find(|owner| !known.contains(owner)) {
                self.owners.borrow_mut().insert(owner, name.to_owned());
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        bail!("{name} works for nobody after {SOON:?}")
    }

    /// Waits until each partition has a holder, and each worker has one.
    pub(super) async fn are_shared_out(&self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < SOON {
            let held = self.owners_in("SELECT owner FROM leases").await?;
            let holders: BTreeSet<_> = held.iter().collect();
            if held.len() == usize::from(PARTITIONS) && holders.len() == self.owners.borrow().len() {
                return Ok(());
            }
            sleep(Duration::from_millis(200)).await;
        }
        bail!("the partitions were not shared out after {SOON:?}")
    }

    /// The process that holds a duty now.
    pub(super) async fn holder(&self, duty: &str) -> Result<Option<String>> {
        let row = self.read.fetch_optional(query("SELECT owner FROM duties WHERE name = $1").bind(duty)).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(self.owners.borrow().get(&row.get::<Uuid>(0)?).cloned())
    }

    /// Notes which rooms are in the partitions that a process holds now.
    pub(super) async fn note_rooms(&self, process: &str, rooms: &[String]) -> Result<()> {
        let mut held = BTreeSet::new();
        for row in self.read.fetch_all(query("SELECT partition, owner FROM leases")).await? {
            let owner: Uuid = row.get(1)?;
            if self.owners.borrow().get(&owner).is_some_and(|name| name == process) {
                held.insert(row.unsigned(0)?);
            }
        }
        let mut of_process = Vec::new();
        for (number, room) in rooms.iter().enumerate() {
            let partition = Partition::of(Uuid::parse_str(room)?, PARTITIONS);
            if held.contains(&u64::from(partition.0)) {
                of_process.push(number);
            }
        }
        self.rooms.borrow_mut().insert(process.to_owned(), of_process);
        Ok(())
    }

    /// The rooms of a process as it was stopped or killed.
    pub(super) fn rooms_of(&self, process: &str) -> Vec<usize> {
        self.rooms.borrow().get(process).cloned().unwrap_or_default()
    }

    /// Stops a process again and again until it stands within a transaction; whether it does.
    pub(super) async fn stop_in_transaction(&self, server: &Server, process: &str) -> Result<bool> {
        let open =
            "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle in transaction'";
        for _ in 0..TRIES {
            server.stop_one(process).await?;
            // The statement under way ends, and its transaction stays.
            sleep(Duration::from_millis(30)).await;
            let row = self.read.fetch_optional(query(open).bind(process)).await?;
            let count = row.map(|row| row.unsigned(0)).transpose()?.unwrap_or_default();
            if count > 0 {
                return Ok(true);
            }
            server.go_on(process).await?;
            sleep(jittered(5, 60)).await;
        }
        server.stop_one(process).await?;
        Ok(false)
    }

    async fn owners_in(&self, sql: &'static str) -> Result<Vec<Uuid>> {
        let rows = self.read.fetch_all(query(sql)).await?;
        let owners: Result<Vec<_>, _> = rows.iter().map(|row| row.get::<Uuid>(0)).collect();
        let owners = owners?;
        ensure!(owners.len() <= 1_000, "more owners than any trial has");
        Ok(owners)
    }
}
