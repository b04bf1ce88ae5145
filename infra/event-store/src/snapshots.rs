//! Cached states of long streams, so that a load does not begin with the first event.
//!
//! A state with personal values is sealed with a key of its own. Each person in it has a share of the key, sealed with their
//! data key: once one of them is erased the state cannot be opened, and is folded again.

use crate::{EventStore, OpenError, ReadError, StreamId, keyring::DataKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use sql::query;
use uuid::Uuid;

/// The most people in a snapshot: with more it would cost more than it saves.
const PEOPLE: usize = 256;
/// How long snapshots of other builds are kept, in milliseconds: several builds may run side by side.
const OTHERS_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Rows purged in one statement.
const PORTION: u64 = 1_000;

/// A cached state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The sequence of its last event.
    pub version: u64,
    /// The serialised state.
    pub state: Vec<u8>,
}

/// A person's share of the key.
#[derive(Serialize, Deserialize)]
struct Share {
    subject: Uuid,
    sealed: String,
}

impl EventStore {
    /// The snapshot of a stream by builds with this `fold`; `None` when there is none, or when a person in it was erased.
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
        let (version, sealed) = (row.unsigned("version")?, row.get::<Vec<u8>>("state")?);
        let Ok(shares) = serde_json::from_str::<Vec<Share>>(&row.get::<String>("sealed_for")?) else { return Ok(None) };
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

    /// Stores the state of a stream at an event in place of an older one. `people` are all with values in it; if one of them was
    /// erased, or there are too many, no snapshot is stored.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn store_snapshot(
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

    /// Removes snapshots that are older than a week and whose fold is none of `folds`; returns their number.
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

/// Binds a snapshot to its stream, fold and version, so that it cannot be opened elsewhere.
fn bound(stream: StreamId, fold: i64, version: u64) -> Vec<u8> {
    format!("snapshot {stream} {fold} {version}").into_bytes()
}
