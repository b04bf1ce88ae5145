//! Scenarios with access to internals. Those of the public surface are in `tests/it/`, whose histories these share.

#[path = "../../tests/it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the scenarios in tests/it use the rest")]
mod support;

mod blocked;
mod leases;
mod parked;
mod shadow;
