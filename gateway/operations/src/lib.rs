//! The commands of signed-in clients, for all doors. Each is a type that implements [`Operation`] and has a line in
//! [`Operations`]. Beside them: authentication, limits and origins, which all doors check first.

pub mod account;
mod administration;
mod admission;
mod answer;
pub mod app;
pub mod auth;
mod call_rates;
pub mod calls;
mod can_ring;
pub mod connection;
pub mod conversations;
mod counted;
pub mod export;
pub mod friends;
pub mod invites;
pub mod members;
pub mod messages;
mod operation;
mod origin;
pub mod own_settings;
pub mod presence;
pub mod profile;
pub mod receipts;
mod registry;
pub mod reports;
mod request;
pub mod schemas;
mod sessions;
pub mod signals;
mod stalled;
pub mod stories;
pub mod suggestions;
pub mod texts;
pub mod typing;
pub mod upkeep;

pub use administration::{
    AccountUpdate, change_account, rebuild, release, remove_conversation, remove_message, remove_story,
};
pub use answer::Answer;
pub use app::App;
pub use call_rates::SignalRates;
pub use counted::{DONE, count_command, run};
pub use invites::{accept_invite, revoke_invite};
pub use members::{MemberChange, appoint};
pub use operation::{Operation, Order, Route, Target};
pub use origin::{Origins, check_origin, is_token, pairs, token_in_query};
pub use presence::{PEOPLE_PER_READ, distinct};
pub use registry::{Operations, Registry, Visitor};
pub use reports::{Decision, NewVerdict, decide_report};
pub use request::{LONGEST_KEY, Request, SocketContext, check_key, invalid_key};
pub use sessions::{end_session, sign_out};
pub use signals::CustomSignal;
pub use stalled::{StallWatcher, Stalled, log_lost_its_end};
pub use stories::{NewAudience, delete_comment};
