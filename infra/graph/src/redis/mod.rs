//! The graph in Redis, shared by processes. See `docs/adr/0009-the-graph-in-redis-has-epochs.md`.
//!
//! Redis must not evict keys that have no expiry (`maxmemory-policy` `noeviction` or one of `volatile-*`): a
//! relation that is missing reads as one that does not hold.

mod epochs;
mod grants;
mod keys;
mod leases;
mod link;
mod script;

use crate::{GraphError, Health, Stats};
use ::redis::{Client, IntoConnectionInfo, io::tcp::TcpSettings};
use keys::Keys;
use link::Link;
use std::{fmt, sync::atomic::AtomicU64};
use uuid::Uuid;

/// Where the graph is.
#[derive(Clone)]
pub struct RedisSettings {
    /// `redis://user:password@host:port/database`.
    pub url: String,
    /// What all keys begin with, such as `chatchit`: letters, digits, `.`, `_` and `-`.
    pub namespace: String,
    /// The log's incarnation: the graph of another log is none.
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
}

impl Redis {
    pub(crate) fn connect(settings: RedisSettings) -> Result<Self, GraphError> {
        let keys = Keys::new(settings.namespace)?;
        let wrong = |error: ::redis::RedisError| GraphError::Settings(error.category().to_owned());
        let info = settings.url.into_connection_info().map_err(wrong)?;
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let link = Link::new(Client::open(info).map_err(wrong)?);
        Ok(Self { link, keys, log: settings.log, epoch: AtomicU64::new(0) })
    }

    pub(crate) fn health(&self) -> Health {
        self.link.health()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.link.stats()
    }
}

/// Without the URL, which may hold a password.
impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings").field("namespace", &self.namespace).field("log", &self.log).finish()
    }
}

/// An answer of Redis as a value.
fn parse<T: ::redis::FromRedisValue>(value: ::redis::Value) -> Result<T, GraphError> {
    ::redis::from_redis_value(value).map_err(|error| strange(&error))
}

/// Redis holds or says something that none of ours wrote.
fn strange(what: &impl fmt::Display) -> GraphError {
    GraphError::Unavailable(format!("Redis answered strangely: {what}"))
}
