//! Why the server does not start.

use crate::requirements::OLDEST_POSTGRES;
use broker::BrokerError;
use event_store::ReadError;
use graph::GraphError;
use std::{io, path::PathBuf};

/// Why the server did not start: each with the variable, the place, and the remedy; without secrets.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0} (HOST, PORT): {1}{remedy}", remedy = of_address(.1))]
    Bind(String, io::Error),
    /// The data folder cannot be used.
    #[error("the data folder {path} (CHATCHIT_DATA) cannot be used: {1}; the user of this process must own it", path = .0.display())]
    Data(PathBuf, io::Error),
    /// Another process serves from the data folder.
    #[error(
        "another chatchit serves from the data folder {path} (CHATCHIT_DATA): stop it, or name another folder; \
         several processes need Postgres (DATABASE_URL)",
        path = .0.display()
    )]
    Taken(PathBuf),
    /// Postgres cannot be reached.
    #[error("{0} cannot be reached: {1}; is Postgres running there, and does it admit this user?")]
    Postgres(String, sql::Error),
    /// Postgres is too old.
    #[error("{0} is Postgres {1}: the oldest supported version is {OLDEST_POSTGRES}; upgrade it")]
    Old(String, i64),
    /// The log cannot be opened.
    #[error("the log cannot be opened ({0}): {1}")]
    Log(String, ReadError),
    /// The read models cannot be opened.
    #[error("the read models cannot be opened ({0}): {1}")]
    ReadModels(String, sql::Error),
    /// The hub or the presence cannot begin.
    #[error("the log or the read models cannot be read: {0}")]
    Read(#[from] ReadError),
    /// A connection to the read models was lost during the start.
    #[error("the database was lost during the start: {0}")]
    Database(#[from] sql::Error),
    /// `RABBITMQ_URL` cannot be used.
    #[error("RABBITMQ_URL: {0}")]
    Broker(#[from] BrokerError),
    /// The place of files cannot be used.
    #[error("FILES_URL, or the folder files in CHATCHIT_DATA: {0}")]
    Files(#[from] blobs::BlobError),
    /// Another recorder of metrics was installed in this process.
    #[error("metrics cannot be gathered: {0}")]
    Metrics(#[from] telemetry::BuildError),
    /// `ALERT_WEBHOOK_URL` cannot be used.
    #[error("alerts cannot be posted: {0}")]
    Webhook(reqwest::Error),
    /// `REDIS_URL` cannot be used.
    #[error("REDIS_URL: {0}")]
    Graph(#[from] GraphError),
}

/// The remedy for an address that cannot be listened on.
pub(crate) fn of_address(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another process listens there: stop it, or set another PORT",
        io::ErrorKind::AddrNotAvailable => "; HOST must be an address of this machine",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege: set PORT to a higher one",
        _ => "",
    }
}
