//! The graph in Redis, shared by processes. See `docs/adr/0009-the-graph-in-redis-has-epochs.md`.
//!
//! Redis must not evict keys that have no expiry (`maxmemory-policy` `noeviction` or one of `volatile-*`): a
//! relation that is missing reads as one that does not hold.

mod ended;
mod epochs;
mod grants;
mod info;
mod keys;
mod leases;
mod link;
mod probe;
mod script;

pub use probe::{Probed, probe};

use crate::{GraphError, Health, Stats};
use ::redis::{Client, IntoConnectionInfo, io::tcp::TcpSettings};
use ended::Ended;
use keys::Keys;
use link::Link;
use std::{
    fmt,
    sync::{Mutex, atomic::AtomicU64},
};
use supervisor::Supervisor;
use uuid::Uuid;

/// The address of Redis, and the names of the graph there.
#[derive(Clone)]
pub struct RedisSettings {
    /// `redis://user:password@host:port/database`.
    pub url: String,
    /// The prefix of all keys, such as `chatchit`: letters, digits, `.`, `_` and `-`.
    pub namespace: String,
    /// The log's incarnation: a graph of another log is ignored.
    pub log: Uuid,
}

/// The graph in Redis.
#[derive(Debug)]
pub struct Redis {
    link: Link,
    keys: Keys,
    log: Uuid,
    /// The epoch that was read last; 0 for none.
    epoch: AtomicU64,
    /// Relations that this process has ended.
    ended: Mutex<Ended>,
}

impl Redis {
    pub(crate) fn connect(settings: RedisSettings) -> Result<Self, GraphError> {
        let keys = Keys::new(settings.namespace)?;
        let wrong = |error: ::redis::RedisError| GraphError::Settings(error.category().to_owned());
        let info = settings.url.into_connection_info().map_err(wrong)?;
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let link = Link::new(Client::open(info).map_err(wrong)?);
        Ok(Self { link, keys, log: settings.log, epoch: AtomicU64::new(0), ended: Mutex::default() })
    }

    pub(crate) fn health(&self) -> Health {
        self.link.health()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.link.stats()
    }

    pub(crate) const fn supervisor(&self) -> &Supervisor {
        self.link.supervisor()
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings").field("namespace", &self.namespace).field("log", &self.log).finish()
    }
}

/// Decodes an answer of Redis.
fn parse<T: ::redis::FromRedisValue>(value: ::redis::Value) -> Result<T, GraphError> {
    ::redis::from_redis_value(value).map_err(|error| strange(&error))
}

/// A value in Redis that no ChatChit process wrote.
fn strange(what: &impl fmt::Display) -> GraphError {
    GraphError::Unavailable(format!("unexpected answer from Redis: {what}"))
}
