//! Conversations and their members.

mod access;
mod create;
mod delete;
mod join;
mod leave;
mod leave_erased;
mod member;
mod remove;
mod settle_lead;
mod signal;
mod update;

pub(crate) use access::not_reachable;
pub use create::{CreateConversation, Created};
