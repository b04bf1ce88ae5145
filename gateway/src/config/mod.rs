//! The configuration: read once at start, every fault named in one message.

mod files;
mod network;
mod parse;
pub mod secrets;
mod sources;
pub mod variables;

pub use network::Network;
pub use secrets::Secret;
pub use sources::Sources;

use crate::{calls::CallSettings, files::FileSettings, hub::HubSettings};
use blobs::Place;
use domain::Timestamp;
use sql::{Durability, Location};
use std::{path::PathBuf, time::Duration};

/// What was configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address to listen on.
    pub host: String,
    /// The port to listen on; 0 takes a free one.
    pub port: u16,
    /// The folder of the embedded databases and of the secrets made here.
    pub data: PathBuf,
    /// Postgres, instead of the embedded databases.
    pub database_url: Option<String>,
    /// RabbitMQ, instead of lanes within this process.
    pub rabbitmq_url: Option<String>,
    /// Redis, instead of a graph in this process's memory.
    pub redis_url: Option<String>,
    /// Begins the names of queues and keys.
    pub namespace: String,
    /// Whether this is a production server: nothing is made up, no API explorer.
    pub production: bool,
    /// Which parts of the server run in this process.
    pub role: Role,
    /// Signs access tokens; `None`: made and kept in the data folder.
    pub access_secret: Option<Secret>,
    /// Earlier signing secrets that are still accepted.
    pub previous_secrets: Vec<Secret>,
    /// How long an access token is good.
    pub access_expired: Duration,
    /// How long a refresh token is good.
    pub refresh_expired: Duration,
    /// How long a replaced refresh token still works, for a client that lost the answer.
    pub refresh_grace: Duration,
    /// Wraps the data keys; `None`: made and kept in the data folder.
    pub master_key: Option<MasterKey>,
    /// Signs heads of the log; `None`: made and kept in the data folder.
    pub audit_key: Option<AuditKey>,
    /// Web origins that may call; `*` for any.
    pub allowed_origins: Vec<String>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether accounts, addresses and sockets are limited in how much they do, and spam is filtered.
    pub rate_limits: bool,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// Servers that help the media of calls through: `stun:`, `turn:` and their like.
    pub turn_urls: Vec<String>,
    /// What those with credentials share with this server.
    pub turn_secret: Option<Secret>,
    /// Which log lines are written.
    pub log: String,
    /// Whether log lines are JSON.
    pub log_json: bool,
    /// What sockets and the hub may take up.
    pub hub: HubSettings,
    /// How long things may take in a call.
    pub calls: CallSettings,
    /// Where files are kept, and how many.
    pub files: FileSettings,
    /// By which clock events are recorded, and what has a deadline in the log is over.
    pub clock: fn() -> Timestamp,
    /// What hashing a password costs.
    pub password_cost: commands::PasswordCost,
    /// How long an answer waits for the read models.
    pub wait: Duration,
    /// How long a request's head and then its body may take to arrive; an idle connection is closed after as long.
    pub patience: Duration,
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In all.
    pub total: usize,
    /// From one address; those of trusted proxies and of this machine are not counted.
    pub per_address: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { total: 50_000, per_address: 2_000 }
    }
}

/// Which parts of the server run in a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// All of them.
    #[default]
    All,
    /// The doors; the read models are kept by others.
    Gateway,
    /// The read models and reactors; no doors but the health checks.
    Worker,
}

/// 32 bytes that never show in a log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterKey(pub [u8; 32]);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// 32 bytes that never show in a log: the seed of the key that signs heads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuditKey(pub [u8; 32]);

impl std::fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditKey(..)")
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("the configuration does not hold:{}", .0.iter().map(|fault| format!("\n  - {fault}")).collect::<String>())]
pub struct Faults(pub Vec<String>);

impl Default for Config {
    /// What holds when nothing is set.
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8080,
            data: PathBuf::from("./data"),
            database_url: None,
            rabbitmq_url: None,
            redis_url: None,
            namespace: "chatchit".to_owned(),
            production: false,
            role: Role::All,
            access_secret: None,
            previous_secrets: Vec::new(),
            access_expired: Duration::from_secs(7 * 24 * 3_600),
            refresh_expired: Duration::from_secs(30 * 24 * 3_600),
            refresh_grace: Duration::from_secs(30),
            master_key: None,
            audit_key: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            rate_limits: true,
            connections: ConnectionLimits::default(),
            turn_urls: Vec::new(),
            turn_secret: None,
            log: "info".to_owned(),
            log_json: false,
            hub: HubSettings::default(),
            calls: CallSettings::default(),
            files: FileSettings::default(),
            clock: crate::application::clock,
            password_cost: commands::PasswordCost::default(),
            wait: Duration::from_secs(2),
            patience: Duration::from_secs(60),
        }
    }
}

impl Config {
    /// From the environment and the files of the working folder.
    ///
    /// # Errors
    /// [`Faults`], all of them.
    pub fn load() -> Result<Self, Faults> {
        Self::from_sources(&Sources::read(std::env::vars(), &PathBuf::from(".")))
    }

    /// Whether this process can tell who is here: by a graph that all share, or because there is no other process.
    #[must_use]
    pub fn knows_who_is_here(&self) -> bool {
        self.redis_url.is_some() || (self.rabbitmq_url.is_none() && self.role == Role::All)
    }

    /// Where the log lives.
    #[must_use]
    pub fn log_location(&self) -> Location {
        self.location("log.db", "chatchit_log", Durability::Full)
    }

    /// Where the read models live.
    #[must_use]
    pub fn read_location(&self) -> Location {
        self.location("read.db", "chatchit_read", Durability::Normal)
    }

    /// Where the bytes of files lie.
    #[must_use]
    pub fn files_place(&self) -> Place {
        self.files.bucket.clone().map_or_else(|| Place::Folder(self.data.join("files")), Place::S3)
    }

    fn location(&self, file: &str, schema: &str, durability: Durability) -> Location {
        match &self.database_url {
            Some(url) => Location::Postgres { url: url.clone(), schema: schema.to_owned() },
            None => Location::Sqlite { path: self.data.join(file), durability },
        }
    }

    /// The key that wraps the data keys: the configured one, or the one kept in the data folder.
    ///
    /// # Errors
    /// When the data folder cannot be used.
    pub fn master_key(&self) -> std::io::Result<MasterKey> {
        match self.master_key {
            Some(key) => Ok(key),
            None => secrets::kept(&self.data, "master.key").map(MasterKey),
        }
    }

    /// The key that signs heads: the configured one, or the one kept in the data folder.
    ///
    /// # Errors
    /// When the data folder cannot be used.
    pub fn audit_key(&self) -> std::io::Result<AuditKey> {
        match self.audit_key {
            Some(key) => Ok(key),
            None => secrets::kept(&self.data, "audit.key").map(AuditKey),
        }
    }

    /// The secret that signs access tokens: the configured one, or the one kept in the data folder.
    ///
    /// # Errors
    /// When the data folder cannot be used.
    pub fn access_secret(&self) -> std::io::Result<Secret> {
        match &self.access_secret {
            Some(secret) => Ok(secret.clone()),
            None => secrets::kept(&self.data, "access.secret").map(|bytes| Secret::new(bytes.to_vec())),
        }
    }
}
