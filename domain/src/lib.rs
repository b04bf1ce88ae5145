//! The rules of ChatChit: aggregates, commands, events, refusals and value types.
//!
//! Everything here is pure. A decision is a synchronous function of a state and a command; time, ids,
//! randomness and look-ups are facts that the caller puts into the command first.

pub mod administration;
pub mod aggregate;
pub mod audit;
pub mod call;
pub mod catalogue;
pub mod conduct;
pub mod conversation;
pub mod event;
pub mod file;
pub mod fold;
pub mod friendship;
pub mod id;
pub mod lane;
pub mod message;
pub mod own_settings;
pub mod pace;
pub mod personal;
pub mod read_marker;
pub mod refusal;
pub mod report;
pub mod session;
pub mod story;
#[cfg(test)]
mod testing;
pub mod time;
pub mod user;

pub use aggregate::Aggregate;
pub use catalogue::{Audience, EventType};
pub use event::{AggregateType, AudienceChange, DecodeError, Event, Recipient};
pub use id::{CallId, CommentId, ConversationId, FileId, MessageId, ReportId, SessionId, StoryId, UserId};
pub use lane::{Lane, Partition, Tier};
pub use pace::{Pace, Spent};
pub use personal::Personal;
pub use refusal::{Refusal, RefusalKind};
pub use text::{self, hex, link};
pub use time::Timestamp;
