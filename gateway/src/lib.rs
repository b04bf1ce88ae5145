//! The server: the composition of both doors and everything behind them.

pub mod application;
mod background;
mod build;
pub mod cli;
mod engines;
mod requirements;
pub mod routes;
pub mod start_error;

pub use application::Application;
pub use config::{self, Config};
