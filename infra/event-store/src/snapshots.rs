//! States of long streams as they were at some event, so that a load need not begin with the first one.
//!
//! The state of a stream in which something of people stands is sealed with a key of its own, of which each of them has a
//! share, sealed with their data key: once one of them is forgotten nobody can read it, and it is made anew.

use crate::{EventStore, OpenError, ReadError, StreamId, keyring::DataKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sql::query;
use uuid::Uuid;

/// People of whom something may stand in a state that is kept: more would cost more than they save.
const PEOPLE: usize = 256;
/// For how long snapshots of other builds are kept, in milliseconds: builds run beside each other for a while.
const OTHERS_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Rows purged in one statement.
const PORTION: u64 = 1_000;

/// A state as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The sequence of the last event in it.
    pub version: u64,
    /// What was given to be kept.
    pub state: Vec<u8>,
}

/// What somebody has of the key.
#[derive(Serialize, Deserialize)]
struct Share {
    subject: Uuid,
    sealed: String,
}

impl EventStore {
    /// The snapshot of a stream by the build whose fold is `fold`; `None` when there is none, or when somebody of whom
    /// something stood in it was forgotten.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn snapshot(&self, stream: StreamId, fold: i64) -> Result<Option<Snapshot>, ReadError> {
        let kept = query(
            "SELECT version, sealed_for, state FROM snapshots
             WHERE aggregate_type = $1 AND aggregate_id = $2 AND fold = $3",
        );
        let kept = kept.bind(stream.aggregate.as_str()).bind(stream.id.to_string()).bind(fold);
        let Some(row) = self.database().fetch_optional(kept).await? else { return Ok(None) };
        let (version, sealed) = (row.unsigned(0)?, row.get::<Vec<u8>>(2)?);
        let Ok(shares) = serde_json::from_str::<Vec<Share>>(&row.get::<String>(1)?) else { return Ok(None) };
        let mut key = [0; 32];
        for Share { subject, sealed } in shares {
            let data_key = match self.keyring().load(self.database(), subject).await {
                Ok(Some(Some(data_key))) => data_key,
                Ok(_) | Err(OpenError::Seal(_)) => return Ok(None),
                Err(OpenError::Read(error)) => return Err(error),
                Err(error) => return Err(ReadError::Damaged(error.to_string())),
            };
            let sealed = STANDARD.decode(sealed).ok();
            let share = sealed.and_then(|sealed| data_key.open(&sealed, &bound(stream, fold, version)));
            let Some(share) = share.filter(|share| share.len() == key.len()) else { return Ok(None) };
            key.iter_mut().zip(share).for_each(|(key, share)| *key ^= share);
        }
        let state = DataKey::from(key).open(&sealed, &bound(stream, fold, version));
        Ok(state.map(|state| Snapshot { version, state }))
    }

    /// Keeps the state of a stream at an event, in the place of an older one. `people` are all of whom something stands in
    /// it; when one of them was forgotten, or there are too many, nothing is kept.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn keep_snapshot(
        &self,
        stream: StreamId,
        fold: i64,
        snapshot: &Snapshot,
        people: &[Uuid],
    ) -> Result<(), OpenError> {
        let bound = bound(stream, fold, snapshot.version);
        let mut people = people.to_vec();
        people.sort_unstable();
        people.dedup();
        if people.len() > PEOPLE {
            return Ok(());
        }
        let mut key = [0; 32];
        let mut shares = Vec::with_capacity(people.len());
        for subject in people {
            let Some(Some(data_key)) = self.keyring().load(self.database(), subject).await? else { return Ok(()) };
            let mut share = [0; 32];
            getrandom::fill(&mut share).map_err(|_| OpenError::Seal(subject))?;
            key.iter_mut().zip(share).for_each(|(key, share)| *key ^= share);
            let sealed = data_key.seal(&share, &bound).ok_or(OpenError::Seal(subject))?;
            shares.push(Share { subject, sealed: STANDARD.encode(sealed) });
        }
        let sealed = DataKey::from(key).seal(&snapshot.state, &bound).ok_or(OpenError::Seal(stream.id))?;
        let keep = query(
            "INSERT INTO snapshots (aggregate_type, aggregate_id, fold, version, sealed_for, state, made_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (aggregate_type, aggregate_id, fold) DO UPDATE SET version = excluded.version,
             sealed_for = excluded.sealed_for, state = excluded.state, made_at = excluded.made_at
             WHERE snapshots.version <= excluded.version",
        );
        let keep = keep.bind(stream.aggregate.as_str()).bind(stream.id.to_string()).bind(fold).bind(snapshot.version);
        let keep = keep.bind(serde_json::to_string(&shares)?).bind(&sealed[..]).bind(self.now().millis());
        self.database().execute(keep).await.map_err(ReadError::from)?;
        Ok(())
    }

    /// Removes snapshots that no build has renewed for a week and whose fold is none of `folds`; answers how many.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn purge_snapshots(&self, folds: &[i64]) -> Result<u64, ReadError> {
        let marks = sql::placeholders(3, folds.len());
        let portion = format!(
            "DELETE FROM snapshots WHERE (aggregate_type, aggregate_id, fold) IN (
                SELECT aggregate_type, aggregate_id, fold FROM snapshots
                WHERE made_at < $1 AND fold NOT IN ({marks}) LIMIT $2)"
        );
        let mut purged = 0;
        loop {
            let delete = query(portion.clone()).bind(self.now().millis() - OTHERS_KEPT_MS).bind(PORTION);
            let rows = self.database().execute(delete.bind_all(folds.iter().copied())).await?;
            purged += rows;
            if rows < PORTION {
                return Ok(purged);
            }
        }
    }
}

/// Ties a snapshot to its stream and place, so that it opens nowhere else.
fn bound(stream: StreamId, fold: i64, version: u64) -> Vec<u8> {
    format!("snapshot {stream} {fold} {version}").into_bytes()
}
