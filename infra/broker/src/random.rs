//! Randomness without secrecy: unique names, and pauses that differ between processes.

use std::hash::{BuildHasher, RandomState};
use uuid::Uuid;

/// 64 bits from the hasher's keys, which the system seeds.
pub(crate) fn bits() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// A unique id.
pub(crate) fn id() -> Uuid {
    uuid::Builder::from_u128(u128::from(bits()) << 64 | u128::from(bits()))
        .with_version(uuid::Version::Random)
        .with_variant(uuid::Variant::RFC4122)
        .into_uuid()
}
