//! Keeping house: what nothing refers to goes, and what nobody knows of. One process at a time does it; should two, nothing
//! happens twice.
//!
//! A file goes in three steps, each of which can be done again after a crash. It is *collected*: from that position on
//! nothing can refer to it, since whatever refers to a file guards its stream. When the read models have passed that
//! position they know all that ever referred to it: if something does, it is *restored*. Else its bytes are removed, and
//! when they are gone it is *deleted*.

use super::Files;
use blobs::{BlobError, BlobKey};
use commands::{CommandError, Commands};
use domain::{FileId, Timestamp, UserId};
use event_store::{EventStore, Position, ReadError};
use futures_util::{StreamExt as _, TryStreamExt as _};
use projections::{
    Progress, Projection, Queries,
    queries::{AgedFileRow, CollectedFileRow, QueryError},
};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Rows of one statement.
const PAGE: u32 = 256;
/// How long it waits for the read models; otherwise it comes back at the next look.
const WAIT: Duration = Duration::from_secs(30);
/// Of how many looks one looks through all the bytes, too.
const SWEEP: u32 = 24;

/// Who keeps house, and what they need.
#[derive(Clone)]
pub struct House {
    /// The files.
    pub files: Files,
    /// The read side.
    pub queries: Queries,
    /// How far it has come.
    pub progress: Progress,
    /// The write side.
    pub commands: Commands,
    /// The log.
    pub store: EventStore,
}

/// Why the work could not be done; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum HouseError {
    /// The read models are away.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A command was refused.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The log is away.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The bytes cannot be reached.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The read models do not know all that the log says.
    #[error("the read models are behind, or events are parked")]
    Behind,
}

impl House {
    /// Looks round now and then, until `stop`.
    pub(crate) async fn keep(self, stop: CancellationToken) {
        let mut looks = interval(self.files.0.settings.look);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = 0;
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            let now = (self.files.0.clock)();
            let swept = async {
                self.collect(now).await?;
                if look % SWEEP == 0 { self.sweep(now).await } else { Ok(0) }
            };
            match stop.run_until_cancelled(swept).await {
                Some(Err(error)) => tracing::info!(error.cause = %error, "files are not looked through this time"),
                Some(Ok(_)) => look += 1,
                None => return,
            }
        }
    }

    /// Removes the files that have lain for longer than the grace and to which nothing refers; answers how many.
    ///
    /// # Errors
    /// [`HouseError`]; what was not done is done the next time.
    pub async fn collect(&self, now: Timestamp) -> Result<u64, HouseError> {
        self.passed(self.store.head().await?.position).await?;
        let (until, mut after) = (self.aged(now), AgedFileRow::default());
        let mut last = 0;
        loop {
            let page = self.queries.aged_files(until, after, PAGE).await?;
            for row in page.iter().filter(|row| !row.carried) {
                last = self.commands.collect_file(row.id).await?.receipt.position.map_or(last, |at| at.max(last));
            }
            match page.last() {
                Some(row) if page.len() >= PAGE as usize => after = *row,
                _ => break,
            }
        }
        self.passed(last).await?;
        self.remove_collected().await
    }

    /// Removes the bytes that have lain for longer than the grace and of which the log knows nothing: of uploads that
    /// were cut off between the bytes and the event, and of files that were deleted. Answers how many.
    ///
    /// # Errors
    /// [`HouseError`]; what was not done is done the next time.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, HouseError> {
        let until = self.aged(now).millis();
        let blobs = self.files.blobs();
        let mut removed = blobs.sweep_parts(until).await? as u64;
        let mut all = blobs.list().try_chunks(PAGE as usize);
        while let Some(keys) = all.next().await {
            let mut keys: Vec<BlobKey> = keys.map_err(|error| error.1)?;
            keys.retain(|key| key.made_at().is_some_and(|made_at| made_at < until));
            let ids: Vec<Uuid> = keys.iter().map(|key| key.id).collect();
            let known = self.queries.files_among(&ids).await?;
            for key in keys.into_iter().filter(|key| !known.contains(&key.id)) {
                // The log decides: the read models may be behind.
                if !self.commands.file(FileId(key.id)).await?.state.is_stored() {
                    blobs.delete(key).await?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Removes all that `user` brought, whatever refers to it; answers how many files. For whoever forgets a person:
    /// to be called when the read models have passed the event that forbids them to bring more. May be called again.
    ///
    /// # Errors
    /// [`HouseError`]; what was not done is to be tried again.
    pub async fn forget(&self, user: UserId) -> Result<u64, HouseError> {
        let (mut after, mut removed) = (FileId::default(), 0);
        loop {
            let page = self.queries.files_of(user, after, PAGE).await?;
            for file in &page {
                self.remove(*file).await?;
                removed += 1;
            }
            match page.last() {
                Some(last) => after = *last,
                None => return Ok(removed),
            }
        }
    }

    async fn remove_collected(&self) -> Result<u64, HouseError> {
        let (mut after, mut removed) = (CollectedFileRow::default(), 0);
        loop {
            let page = self.queries.collected_files(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(removed) };
            self.passed(last.position).await?;
            for row in &page {
                if self.queries.file_is_carried(row.id).await? {
                    self.commands.restore_file(row.id).await?;
                } else {
                    self.remove(row.id).await?;
                    removed += 1;
                }
            }
            after = *last;
        }
    }

    /// The bytes first: as long as the log says that there is a file, somebody will come back for them.
    async fn remove(&self, file: FileId) -> Result<(), HouseError> {
        self.files.remove(file).await?;
        self.commands.delete_file(file).await?;
        tracing::info!(file.id = %file, "a file was removed");
        Ok(())
    }

    /// The read models know all that the log says up to this position.
    async fn passed(&self, position: Position) -> Result<(), HouseError> {
        let there = self.progress.wait(position, &Projection::ALL, WAIT).await;
        if there && !self.queries.lacks_events().await? { Ok(()) } else { Err(HouseError::Behind) }
    }

    /// What came before has lain for longer than the grace.
    fn aged(&self, now: Timestamp) -> Timestamp {
        let grace = i64::try_from(self.files.0.settings.grace.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(now.millis().saturating_sub(grace))
    }
}
