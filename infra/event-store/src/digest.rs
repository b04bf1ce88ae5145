//! The digest of an event and the chain over digests (I6); `docs/adr/0003-hash-chain.md` has the shapes.
//!
//! A digest has two steps, because position and scope_seq are known only inside the append.

use crate::{Position, Record};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The name of the hashed format; a new format has another name.
const EVENT: &[u8] = b"chatchit.event.1";
const CHAIN: &[u8] = b"chatchit.chain.1";

impl Record {
    /// SHA-256 over everything stored of the event save `position`, `scope_seq` and the digest itself: each field
    /// preceded by its length, so that no two events hash the same bytes. An absent id has length 0.
    #[must_use]
    pub fn content_digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        let origin = &self.origin;
        let id = |id: Option<Uuid>| id.map(Uuid::into_bytes);
        field(EVENT);
        field(self.aggregate_type.as_bytes());
        field(self.aggregate_id.as_bytes());
        field(&self.sequence.to_be_bytes());
        field(self.event_type.as_bytes());
        field(&self.event_version.to_be_bytes());
        field(self.payload.as_bytes());
        field(self.metadata.as_bytes());
        field(self.scope.as_bytes());
        field(&[self.lane.tier.number()]);
        field(&self.lane.partition.0.to_be_bytes());
        field(id(origin.actor).as_ref().map_or(&[], |bytes| bytes));
        field(id(origin.correlation_id).as_ref().map_or(&[], |bytes| bytes));
        field(origin.causation_id.map(u64::to_be_bytes).as_ref().map_or(&[], |bytes| bytes));
        field(self.command_key.as_bytes());
        field(&self.recorded_at.millis().to_be_bytes());
        hash.finalize().into()
    }

    /// The correct value of [`Record::digest`].
    #[must_use]
    pub fn expected_digest(&self) -> [u8; 32] {
        event_digest(&self.content_digest(), self.position, self.scope_seq)
    }
}

/// The digest of an event with a position.
#[must_use]
pub(crate) fn event_digest(content: &[u8; 32], position: Position, scope_seq: u64) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(content);
    hash.update(position.to_be_bytes());
    hash.update(scope_seq.to_be_bytes());
    hash.finalize().into()
}

/// The chain of an empty log.
#[must_use]
pub fn first_chain(incarnation: Uuid) -> [u8; 32] {
    Sha256::new().chain_update(CHAIN).chain_update(incarnation.as_bytes()).finalize().into()
}

/// The chain after a batch: over the chain before it and the digests of its events in position order.
#[must_use]
pub fn next_chain<'d>(previous: &[u8; 32], digests: impl IntoIterator<Item = &'d [u8; 32]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    digests.into_iter().for_each(|digest| hash.update(digest));
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Origin;
    use domain::{Lane, Partition, Tier, Timestamp};

    fn record() -> Record {
        Record {
            position: 7,
            aggregate_type: "user".into(),
            aggregate_id: Uuid::from_u128(1),
            sequence: 2,
            event_type: "account.blocked".into(),
            event_version: 1,
            payload: r#"{"type":"account.blocked"}"#.into(),
            metadata: "{}".into(),
            scope: Uuid::from_u128(1),
            scope_seq: 3,
            lane: Lane { tier: Tier::High, partition: Partition(4) },
            origin: Origin { actor: Some(Uuid::from_u128(5)), correlation_id: None, causation_id: Some(6) },
            command_key: "key".into(),
            recorded_at: Timestamp::from_millis(8),
            digest: [0; 32],
        }
    }

    #[test]
    fn every_field_counts() {
        let changes: [fn(&mut Record); 17] = [
            |r| r.position += 1,
            |r| r.aggregate_type.push('x'),
            |r| r.aggregate_id = Uuid::from_u128(9),
            |r| r.sequence += 1,
            |r| r.event_type.push('x'),
            |r| r.event_version += 1,
            |r| r.payload.push(' '),
            |r| r.metadata.push(' '),
            |r| r.scope = Uuid::from_u128(9),
            |r| r.scope_seq += 1,
            |r| r.lane.tier = Tier::Medium,
            |r| r.lane.partition.0 += 1,
            |r| r.origin.actor = None,
            |r| r.origin.correlation_id = r.origin.actor.take(),
            |r| r.origin.causation_id = None,
            |r| r.command_key.push('x'),
            |r| r.recorded_at = Timestamp::from_millis(9),
        ];
        let digest = record().expected_digest();
        for (n, change) in changes.iter().enumerate() {
            let mut changed = record();
            change(&mut changed);
            assert_ne!(changed.expected_digest(), digest, "change {n}");
        }
    }

    /// Stored logs depend on the format: a new one needs a new name.
    #[test]
    fn the_format_never_changes() {
        let hex: String = record().expected_digest().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "88a677a98950b4388469c9662b48acb902644e76df17ace376965ce9b63412b0");
    }
}
