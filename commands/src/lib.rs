//! The write side: one file per use case. Each authorises on the write side's own state, decides, appends and
//! answers a receipt. Permission is decided here, once, for every way in (I9).

mod add;
mod approve;
mod block_account;
mod commands;
mod context;
mod create_conversation;
mod delete_conversation;
mod delete_message;
mod demote;
mod edit_message;
mod end_session;
mod error;
mod execute;
mod facts;
mod friendship;
mod hide_message;
mod join;
mod kick;
mod leave;
mod mark;
mod password;
mod promote;
mod react;
pub mod reactor;
mod refresh;
mod register;
mod reject;
mod send_message;
mod sign_in;
mod sign_out;
mod state;
mod token;
mod unreact;
mod update_conversation;
mod update_profile;

pub use commands::{CommandSettings, Commands};
pub use context::{Actor, Context, Done};
pub use create_conversation::{CreateConversation, Created};
pub use error::{CommandError, FieldError};
pub use mark::UpTo;
pub use password::{Password, PasswordCost};
pub use register::Register;
pub use send_message::SendMessage;
pub use sign_in::{SignIn, SignedIn};
pub use state::Versioned;
