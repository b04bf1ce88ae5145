//! The holders of partitions and of singleton jobs, read from the read models past any proxy.

use crate::{client::jittered, server::Process};
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
/// The time limit until a worker is known, and until partitions are shared out.
const SOON: Duration = Duration::from_secs(45);
/// Attempts to stop a process inside a transaction.
const TRIES: usize = 200;

pub(super) struct Leases {
    read: Database,
    owners: RefCell<HashMap<Uuid, String>>,
    /// The rooms of a process when it was stopped or killed.
    rooms: RefCell<HashMap<String, Vec<usize>>>,
}

impl Leases {
    pub(super) async fn open(read: &Location) -> Result<Self> {
        let read = Database::connect(read, 2).await?;
        Ok(Self { read, owners: RefCell::default(), rooms: RefCell::default() })
    }

    pub(super) async fn close(&self) {
        self.read.close().await;
    }

    /// Assigns the one unknown worker to the process that has just started.
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

    /// Waits until each partition has a holder, and each worker a partition.
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

    /// The process that holds a singleton job.
    pub(super) async fn holder(&self, duty: &str) -> Result<Option<String>> {
        let row = self.read.fetch_optional(query("SELECT owner FROM duties WHERE name = $1").bind(duty)).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(self.owners.borrow().get(&row.get::<Uuid>("owner")?).cloned())
    }

    /// Notes the rooms in the partitions that a process holds.
    pub(super) async fn note_rooms(&self, process: &str, rooms: &[String]) -> Result<()> {
        let mut held = BTreeSet::new();
        for row in self.read.fetch_all(query("SELECT partition, owner FROM leases")).await? {
            let owner: Uuid = row.get("owner")?;
            if self.owners.borrow().get(&owner).is_some_and(|name| name == process) {
                held.insert(row.unsigned("partition")?);
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

    pub(super) fn rooms_of(&self, process: &str) -> Vec<usize> {
        self.rooms.borrow().get(process).cloned().unwrap_or_default()
    }

    /// Stops a process repeatedly until it has an open transaction. False: it never had.
    pub(super) async fn stop_in_transaction(&self, process: &Process) -> Result<bool> {
        let open = "SELECT COUNT(*) AS open FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle in transaction'";
        for _ in 0..TRIES {
            process.stop().await?;
            // The statement under way ends, and its transaction stays.
            sleep(Duration::from_millis(30)).await;
            let row = self.read.fetch_optional(query(open).bind(process.name.as_str())).await?;
            let count = row.map(|row| row.unsigned("open")).transpose()?.unwrap_or_default();
            if count > 0 {
                return Ok(true);
            }
            process.go_on().await?;
            sleep(jittered(5, 60)).await;
        }
        process.stop().await?;
        Ok(false)
    }

    async fn owners_in(&self, sql: &'static str) -> Result<Vec<Uuid>> {
        let rows = self.read.fetch_all(query(sql)).await?;
        let owners: Result<Vec<_>, _> = rows.iter().map(|row| row.get::<Uuid>("owner")).collect();
        let owners = owners?;
        ensure!(owners.len() <= 1_000, "more owners than any trial has");
        Ok(owners)
    }
}
