//! The server: REST, `/ws`, auth and the composition of everything behind them.
//!
//! Both doors decode into the same typed requests and call the same [`operations`].

pub mod app;
pub mod application;
pub mod asyncapi;
pub mod auth;
pub mod config;
pub mod cursor;
pub mod hub;
pub mod operations;
pub mod problem;
pub mod push;
pub mod resource;
pub mod rest;
pub mod session;
pub mod ws;

pub use app::App;
pub use application::Application;
pub use config::Config;
pub use problem::Problem;
