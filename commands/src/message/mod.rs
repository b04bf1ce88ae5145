//! Messages.

mod access;
mod delete;
mod edit;
mod hide;
mod pin;
mod react;
mod remove;
mod send;
mod unpin;
mod unreact;

pub use send::SendMessage;
