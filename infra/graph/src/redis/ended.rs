//! Ended relations, dropped when all events up to them were applied.

use super::{
    Redis,
    script::{Call, FORGET},
};
use crate::{Change, GraphError, Position, end::End};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{MutexGuard, PoisonError},
};
use uuid::Uuid;

/// The most ended relations this process remembers, of about 60 bytes each. Others stay in Redis until the next epoch.
const REMEMBERED: usize = 65_536;
/// The most relations dropped at a time.
const AT_ONCE: usize = 4_096;

/// Relations of one epoch that this process has ended and not dropped yet.
#[derive(Debug, Default)]
pub(super) struct Ended {
    epoch: u64,
    ends: BTreeSet<(Position, End, Uuid)>,
}

impl Ended {
    fn of(&mut self, epoch: u64) -> &mut BTreeSet<(Position, End, Uuid)> {
        if self.epoch != epoch {
            *self = Self { epoch, ends: BTreeSet::new() };
        }
        &mut self.ends
    }
}

impl Redis {
    /// Remembers the ended relations of applied changes.
    pub(super) fn note_ended(&self, epoch: u64, changes: &[(Position, Change)]) {
        let mut ended = self.ended();
        let ends = ended.of(epoch);
        for (position, change) in changes.iter().filter(|(_, change)| !change.holds) {
            ends.extend(change.ends().map(|(end, other)| (*position, end, other)));
        }
        while ends.len() > REMEMBERED {
            ends.pop_first();
        }
    }

    pub(crate) async fn forget_ended(&self, epoch: u64, floor: Position) -> Result<(), GraphError> {
        let due: Vec<_> = {
            let mut ended = self.ended();
            let due = ended.of(epoch).iter().take_while(|(position, ..)| *position <= floor);
            due.take(AT_ONCE).copied().collect()
        };
        let mut ends: BTreeMap<End, Vec<Vec<u8>>> = BTreeMap::new();
        for (position, end, other) in &due {
            let arguments = ends.entry(*end).or_insert_with(|| vec![floor.to_string().into()]);
            arguments.extend([other.as_bytes().to_vec(), position.to_string().into()]);
        }
        let calls: Vec<_> = ends
            .into_iter()
            .map(|(end, arguments)| {
                let [_, ended] = self.keys.end(epoch, end);
                Call { script: &FORGET, keys: vec![ended], arguments }
            })
            .collect();
        self.link.run_all(&calls).await?;
        let mut ended = self.ended();
        let ends = ended.of(epoch);
        for due in &due {
            ends.remove(due);
        }
        Ok(())
    }

    fn ended(&self) -> MutexGuard<'_, Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
