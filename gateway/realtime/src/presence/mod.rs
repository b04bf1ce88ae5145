//! Presence: leases of sessions, preferences, what others see and when it is published, and where signals go.
//! The files: `docs/architecture/presence.md`; the decision: ADR 13.

mod effective;
mod hidden_cache;
mod maintain_leases;
mod online;
mod preference;
mod publish_schedule;
mod publisher;
mod recheck_watches;
mod service;
mod shared_clock;
mod signal_router;
mod visibility;

pub use effective::EffectivePresence;
pub use maintain_leases::maintain_leases;
pub use online::{ConnectionRegistry, Found};
pub use preference::{PreferredStatus, PresencePreference};
pub use publisher::PresencePublisher;
pub use recheck_watches::settle_doubts;
pub use service::{ONLINE, Presences};
pub use signal_router::Signals;
pub use visibility::{CLOSE, PresenceAudience};
