//! A person's own account, and its administration.

mod address;
mod bootstrap;
mod change;
mod change_password;
mod confirm;
mod deactivate;
mod erase;
mod register;
mod set_password;
mod update_profile;

pub use change::AccountChange;
pub(crate) use change_password::Comparison;
pub(crate) use confirm::Confirmation;
pub use register::Register;
pub(crate) use register::own_words;
