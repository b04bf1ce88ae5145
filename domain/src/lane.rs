//! Lanes: the (tier, partition) pairs on which committed events travel.

use crate::UserId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The urgency of an event, a property of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Messages, calls, and changes of an audience or a right.
    High,
    /// Edits, receipts, reactions, settings.
    Medium,
    /// Signals, which are never events.
    Low,
}

impl Tier {
    /// The tiers that carry events, most urgent first.
    pub const DURABLE: [Self; 2] = [Self::High, Self::Medium];

    /// The number stored beside an event: 0 high, 1 medium, 2 low.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::High => 0,
            Self::Medium => 1,
            Self::Low => 2,
        }
    }

    /// The tier of a stored number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::High),
            1 => Some(Self::Medium),
            2 => Some(Self::Low),
            _ => None,
        }
    }

    /// The word used in routing keys and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// One of the log's partitions, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(pub u16);

impl Partition {
    /// The partition of a scope in a log of `count` partitions: FNV-1a (64 bit) of the scope's bytes,
    /// modulo `count`. Stored events depend on it: it never changes.
    #[must_use]
    pub fn of(scope: Uuid, count: u16) -> Self {
        let hash = scope.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let count = u64::from(count.max(1));
        Self((hash % count) as u16)
    }
}

/// All events of a tier and a partition, in position order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of the other fields say what they hold")]
pub struct Lane {
    pub tier: Tier,
    pub partition: Partition,
}

impl Lane {
    /// The index of this lane in an array of the durable lanes: all high ones, then all medium ones.
    /// `None` for the low tier, which carries no events.
    #[must_use]
    pub fn index(self, partitions: u16) -> Option<usize> {
        let base = match self.tier {
            Tier::High => 0,
            Tier::Medium => usize::from(partitions),
            Tier::Low => return None,
        };
        Some(base + usize::from(self.partition.0))
    }
}

/// The scope of events about one person.
#[must_use]
pub const fn personal_scope(user: UserId) -> Uuid {
    user.0
}
