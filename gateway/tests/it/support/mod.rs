//! Support of the tests: one server, one person, and their clients over REST, `/ws`, Socket.IO and plain TCP.

mod document;
mod person;
mod process;
mod program;
pub(crate) mod raw;
mod reply;
mod server;
pub(crate) mod sio;
pub(crate) mod witness;
mod ws;

pub(crate) use document::document;
pub(crate) use person::{PASSWORD, Person, registration};
pub(crate) use process::{HURRY, Process, SECRET, low_port};
pub(crate) use program::{Program, chatchit, lines_of, run, texts};
pub(crate) use reply::Reply;
pub(crate) use server::{Door, Server, config, log_of, roomy};
pub(crate) use testkit::{DEADLINE, soon, until};
pub(crate) use ws::{Client, End, Said, WITNESS, essence, in_order, names, position};
