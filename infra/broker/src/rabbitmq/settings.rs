//! The address of RabbitMQ, and the names this server uses there.

use domain::Timestamp;
use lapin::uri::AMQPUri;
use std::fmt;
use uuid::Uuid;

/// Seconds between heartbeats, unless the URL says fewer: a connection silent for twice as long counts as lost.
const HEARTBEAT: u16 = 5;

/// The address of RabbitMQ, and the names this server uses there.
#[derive(Clone)]
pub struct RabbitSettings {
    /// `amqp://user:password@host:5672/vhost`, or `amqps`.
    pub url: String,
    /// The prefix of exchanges and queues: `chatchit`. Letters, digits, `-`, `_` and `.`.
    pub namespace: String,
    /// The log's incarnation: messages of another log are ignored.
    pub log: Uuid,
    /// The number of partitions of the log.
    pub partitions: u16,
    /// The most runs that wait in each tier, for RabbitMQ and for each subscription.
    pub capacity: usize,
    /// The clock by which signals expire.
    pub clock: fn() -> Timestamp,
}

/// Settings that are invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// The URL is invalid. The message does not quote it, since it contains a password.
    #[error("the RabbitMQ URL is not of the form amqp://user:password@host:5672/vhost")]
    Url,
    /// The namespace has other characters than allowed, none, or more than 64.
    #[error("the RabbitMQ namespace must be 1 to 64 letters, digits, '-', '_' or '.'")]
    Namespace,
}

impl RabbitSettings {
    /// The address to connect to.
    pub(crate) fn address(&self) -> Result<AMQPUri, BrokerError> {
        address_of(&self.url)
    }

    pub(crate) fn check_namespace(&self) -> Result<(), BrokerError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let good = (1..=64).contains(&self.namespace.len()) && self.namespace.chars().all(fits);
        good.then_some(()).ok_or(BrokerError::Namespace)
    }
}

/// The address in a URL.
pub(crate) fn address_of(url: &str) -> Result<AMQPUri, BrokerError> {
    let mut address: AMQPUri = url.parse().map_err(|_| BrokerError::Url)?;
    let heartbeat = address.query.heartbeat.filter(|seconds| *seconds > 0).unwrap_or(HEARTBEAT);
    address.query.heartbeat = Some(heartbeat.min(HEARTBEAT));
    Ok(address)
}

/// Without the URL, which contains a password.
impl fmt::Debug for RabbitSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, log, partitions, capacity, .. } = self;
        let mut debug = f.debug_struct("RabbitSettings");
        debug.field("namespace", namespace).field("log", log).field("partitions", partitions);
        debug.field("capacity", capacity).finish_non_exhaustive()
    }
}
