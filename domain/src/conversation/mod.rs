//! Conversations: members, their roles, and settings.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
mod former;
mod invite;
#[cfg(test)]
mod invite_tests;
mod joining;
mod member;
#[cfg(test)]
mod member_tests;
#[cfg(test)]
mod tests;
mod upcast;

pub use aggregate::*;
pub use command::*;
pub use error::*;
pub use event::*;
pub use former::{ARRIVALS, INVITES, MAX_FORMER, PROMOTIONS, UPDATES};
pub use invite::*;
pub use joining::*;
pub use member::*;
