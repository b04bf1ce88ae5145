//! Garbage collection: removes unreferenced files and orphaned blobs. Two processes may run it at once.
//!
//! A file is removed in three steps, each repeatable after a crash. It is *collected*: from that position on no event
//! can refer to it, since a reference guards the file's stream. Read models that have passed that position know every
//! reference: a file with one is *restored*. Otherwise its bytes are removed, and then it is *deleted*.

use crate::Periodic;
use blobs::{BlobError, BlobKey, BlobKind, Blobs};
use commands::{CommandError, Commands};
use config::FileSettings;
use domain::{FileId, Timestamp, UserId};
use event_store::{EventStore, Position, ReadError};
use futures_util::{StreamExt as _, TryStreamExt as _};
use projections::{
    Progress, Projection, Queries,
    queries::{AgedFileRow, CollectedFileRow, QueryError},
};
use std::time::Duration;
use uuid::Uuid;

/// Rows of one statement.
const PAGE: u32 = 256;
/// The longest wait for the read models, before the round fails.
const WAIT: Duration = Duration::from_secs(30);
/// Every this many rounds, orphaned blobs are removed, too.
const SWEEP: u32 = 24;

/// Removes unreferenced files and orphaned blobs.
#[derive(Clone)]
pub struct FileGc {
    pub blobs: Blobs,
    pub settings: FileSettings,
    pub clock: fn() -> Timestamp,
    pub queries: Queries,
    pub progress: Progress,
    pub commands: Commands,
    pub store: EventStore,
}

/// A round failed.
#[derive(Debug, thiserror::Error)]
pub enum FileGcError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The read models lack events of the log.
    #[error("the read models are behind, or events are parked")]
    Behind,
}

impl Periodic for FileGc {
    const LEASE: &'static str = "files.keep";
    /// The completed rounds.
    type Memory = u32;
    type Error = FileGcError;

    fn pause(&self) -> Duration {
        self.settings.look
    }

    async fn round(&self, rounds: &mut u32) -> Result<(), FileGcError> {
        let now = (self.clock)();
        self.collect(now).await?;
        if rounds.is_multiple_of(SWEEP) {
            self.sweep(now).await?;
        }
        *rounds = rounds.wrapping_add(1);
        Ok(())
    }
}

impl FileGc {
    /// Removes unreferenced files older than the grace; returns how many.
    ///
    /// # Errors
    /// [`FileGcError`]; the next call does what is left.
    pub async fn collect(&self, now: Timestamp) -> Result<u64, FileGcError> {
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

    /// Removes blobs older than the grace that the log does not know: of uploads cut off before their event, and of
    /// deleted files. Returns how many.
    ///
    /// # Errors
    /// [`FileGcError`]; the next call does what is left.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, FileGcError> {
        let until = self.aged(now).millis();
        let blobs = &self.blobs;
        let mut removed = blobs.sweep_parts(until).await? as u64;
        let mut all = blobs.list().try_chunks(PAGE as usize);
        while let Some(keys) = all.next().await {
            let mut keys: Vec<BlobKey> = keys.map_err(|error| error.1)?;
            keys.retain(|key| key.made_at().is_some_and(|made_at| made_at < until));
            let ids: Vec<Uuid> = keys.iter().map(|key| key.id).collect();
            let known = self.queries.files_among(&ids).await?;
            for key in keys.into_iter().filter(|key| !known.contains(&key.id)) {
                // The read models may be behind; the log decides.
                if !self.commands.file(FileId(key.id)).await?.state.is_stored() {
                    blobs.delete(key).await?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Removes all files of an erased person, referenced or not; returns how many. Call it once the read models have
    /// passed the erasure, after which no upload follows. A repetition removes what is left.
    ///
    /// # Errors
    /// [`FileGcError`]; call it again.
    pub async fn forget(&self, user: UserId) -> Result<u64, FileGcError> {
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

    async fn remove_collected(&self) -> Result<u64, FileGcError> {
        let (mut after, mut removed) = (CollectedFileRow::default(), 0);
        loop {
            let page = self.queries.collected_files(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(removed) };
            self.passed(last.position).await?;
            for row in &page {
                if self.queries.is_file_referenced(row.id).await? {
                    self.commands.restore_file(row.id).await?;
                } else {
                    self.remove(row.id).await?;
                    removed += 1;
                }
            }
            after = *last;
        }
    }

    /// Removes the bytes first: as long as the log has the file, the next round finds it again.
    async fn remove(&self, file: FileId) -> Result<(), FileGcError> {
        for kind in BlobKind::ALL {
            self.blobs.delete(BlobKey { id: file.0, kind }).await?;
        }
        self.commands.delete_file(file).await?;
        tracing::info!(file.id = %file, "a file was removed");
        Ok(())
    }

    /// Waits until the read models have applied all events up to `position`.
    async fn passed(&self, position: Position) -> Result<(), FileGcError> {
        let there = self.progress.wait(position, &Projection::ALL, WAIT).await;
        if there && !self.queries.has_parked_events().await? { Ok(()) } else { Err(FileGcError::Behind) }
    }

    /// Files from before this time are older than the grace.
    fn aged(&self, now: Timestamp) -> Timestamp {
        let grace = i64::try_from(self.settings.grace.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(now.millis().saturating_sub(grace))
    }
}
