//! The write side. Each use case is a file in the folder of its aggregate: it authorizes on the write side's own state,
//! decides, appends and returns a receipt. Permission is decided here, once, for every door (I9). The machinery that
//! runs use cases is in `engine/`.
#![expect(missing_docs, reason = "most names say what they mean; docs state units, failures and surprises")]

mod account;
mod administration;
mod audit;
mod call;
mod conduct;
mod conversation;
mod engine;
mod file;
mod friendship;
mod invite;
mod message;
mod own_settings;
mod read_marker;
mod report;
mod session;
mod story;

pub use account::{AccountChange, Register};
pub use call::{CallRef, Cause, InitiateCall, Initiated};
pub use conversation::{CreateConversation, Created};
pub use engine::{Actor, CommandError, CommandSettings, Commands, Context, Done, EntryPermit, FieldError, Versioned};
pub use file::UploadFile;
pub use invite::InviteLimits;
pub use message::SendMessage;
pub use passwords::{MAX_PASSWORD, MIN_PASSWORD, Password, PasswordCost};
pub use read_marker::UpTo;
pub use report::{FileReport, FiledReport, Reported, Verdict};
pub use session::{MAX_SESSIONS, SignIn, SignedIn};
pub use story::{PostStory, ShowTo};
