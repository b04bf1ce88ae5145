//! Invites into groups.

mod accept;
mod code;
mod create;
mod revoke;

pub(crate) use code::new_code;
pub use create::InviteLimits;
