//! The server: REST, `/ws`, auth and the composition of everything behind them.
//!
//! Both doors decode into the same typed requests and call the same [`operations`].

mod answers;
pub mod app;
pub mod application;
pub mod asyncapi;
pub mod audit;
pub mod auth;
mod background;
pub mod bootstrap;
mod build;
pub mod calls;
pub mod cli;
mod clock;
pub mod compute;
pub mod config;
mod crowd;
pub mod cursor;
mod engines;
pub mod export;
pub mod files;
mod forgetting;
pub mod hub;
pub mod limits;
pub mod operations;
mod pace;
pub mod presence;
pub mod problem;
mod purge;
pub mod push;
pub mod request;
pub mod resource;
pub mod rest;
mod serve;
pub mod session;
pub mod sio;
pub mod standing;
mod stories;
mod suggestions;
pub mod supervisor;
mod turns;
pub mod typing;
pub mod upkeep;
pub mod vocabulary;
pub mod ws;

pub use app::App;
pub use application::Application;
pub use config::Config;
pub use problem::Problem;
