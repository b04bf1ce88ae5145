//! The configuration: read once at start, every fault named in one message.

mod files;
mod live;
mod network;
mod parse;
pub mod secrets;
mod settings;
mod sources;
mod values;
pub mod variables;

#[cfg(test)]
mod tests;

pub use live::{Live, LiveSettings};
pub use network::{Network, is_private};
pub use secrets::Secret;
pub use settings::{
    AlertThreshold, AlertWebhook, Bucket, CallSettings, FileSettings, MonitoringSettings, PasswordCost, SocketSettings,
    TraceSettings,
};
pub use sources::{InForce, Origin, Sources};

use domain::{Timestamp, link::LinkHosts, user::Reach};
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
    /// Where other gateways reach this one.
    pub advertise: Advertise,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether accounts, addresses and sockets are limited in how much they do, and spam is filtered.
    pub rate_limits: bool,
    /// Who reaches those who have not said who may: the default of the preference `reachableBy`.
    pub reachable_by: Reach,
    /// Where the links that people write may lead, besides files of this server.
    pub link_hosts: LinkHosts,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// Servers that help the media of calls through: `stun:`, `turn:` and their like.
    pub turn_urls: Vec<String>,
    /// What those with credentials share with this server.
    pub turn_secret: Option<Secret>,
    /// Who shows it may read the metrics from elsewhere.
    pub metrics_token: Option<Secret>,
    /// Where traces are exported; `None`: nothing is traced.
    pub traces: Option<TraceSettings>,
    /// How the processes watch themselves.
    pub monitoring: MonitoringSettings,
    /// Where alerts are posted.
    pub alert_webhook: Option<AlertWebhook>,
    /// Thresholds of alert rules, in place of their own.
    pub alert_thresholds: Vec<AlertThreshold>,
    /// Which log lines are written.
    pub log: String,
    /// Whether log lines are JSON.
    pub log_json: bool,
    /// What sockets and the hub may take up.
    pub sockets: SocketSettings,
    /// How long things may take in a call.
    pub calls: CallSettings,
    /// Where files are kept, and how many.
    pub files: FileSettings,
    /// By which clock events are recorded, and what has a deadline in the log is over.
    pub clock: fn() -> Timestamp,
    /// What hashing a password costs.
    pub password_cost: PasswordCost,
    /// How long an answer waits for the read models.
    pub wait: Duration,
    /// How long a request's head and then its body may take to arrive; an idle connection is closed after as long.
    pub patience: Duration,
}

/// Where other gateways reach this one, to pass requests on to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Advertise {
    /// Where it listens, or from where it reaches the database.
    #[default]
    Found,
    /// There: an address of this machine or of a private network.
    At(std::net::SocketAddr),
    /// Nowhere.
    No,
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
            advertise: Advertise::Found,
            trusted_proxies: Vec::new(),
            rate_limits: true,
            reachable_by: Reach::default(),
            link_hosts: LinkHosts::default(),
            connections: ConnectionLimits::default(),
            turn_urls: Vec::new(),
            turn_secret: None,
            metrics_token: None,
            traces: None,
            monitoring: MonitoringSettings::default(),
            alert_webhook: None,
            alert_thresholds: Vec::new(),
            log: "info".to_owned(),
            log_json: false,
            sockets: SocketSettings::default(),
            calls: CallSettings::default(),
            files: FileSettings::default(),
            clock: clock::now,
            password_cost: PasswordCost::default(),
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
        Self::from_sources(&Sources::here())
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

    /// Where the database is, for messages: the variable and its value without the password.
    #[must_use]
    pub fn database_place(&self) -> String {
        match &self.database_url {
            Some(url) => format!("DATABASE_URL {}", secrets::without_password(url)),
            None => format!("CHATCHIT_DATA {}", self.data.display()),
        }
    }

    fn location(&self, file: &str, schema: &str, durability: Durability) -> Location {
        match &self.database_url {
            Some(url) => Location::Postgres { url: url.clone(), schema: schema.to_owned() },
            None => Location::Sqlite { path: self.data.join(file), durability },
        }
    }

    /// The folder of uploaded files, unless they are in a bucket.
    #[must_use]
    pub fn files_folder(&self) -> PathBuf {
        self.data.join("files")
    }

    /// The key that wraps the data keys: the configured one, or the one kept in the data folder.
    ///
    /// # Errors
    /// When the data folder cannot be used.
    pub fn master_key(&self) -> std::io::Result<MasterKey> {
        match self.master_key {
            Some(key) => Ok(key),
            None => secrets::kept(&self.data, secrets::MASTER_KEY).map(MasterKey),
        }
    }

    /// The key that signs heads: the configured one, or the one kept in the data folder.
    ///
    /// # Errors
    /// When the data folder cannot be used.
    pub fn audit_key(&self) -> std::io::Result<AuditKey> {
        match self.audit_key {
            Some(key) => Ok(key),
            None => secrets::kept(&self.data, secrets::AUDIT_KEY).map(AuditKey),
        }
    }

    /// The secret that signs access tokens: the configured one, or the one kept in the data folder.
    ///
    /// # Errors
    /// When the data folder cannot be used.
    pub fn access_secret(&self) -> std::io::Result<Secret> {
        match &self.access_secret {
            Some(secret) => Ok(secret.clone()),
            None => secrets::kept(&self.data, secrets::ACCESS_SECRET).map(|bytes| Secret::new(bytes.to_vec())),
        }
    }
}
