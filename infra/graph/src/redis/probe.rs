//! Tries whether a Redis can be used, without traces: for `chatchit doctor`.

use super::keys::Keys;
use crate::GraphError;
use ::redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, Value, aio::MultiplexedConnection, cmd};
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// How long all steps together may take.
const WITHIN: Duration = Duration::from_secs(5);
/// How long Redis keeps the key of the probe, should its removal fail, in seconds.
const KEPT: u64 = 60;

/// A Redis that can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probed {
    /// Its version, as far as it says.
    pub version: Option<String>,
    /// Its policy of eviction, as far as it says.
    pub eviction: Option<String>,
}

/// Connects; writes, reads and removes a key of the namespace that ends in `id`, and runs a script.
///
/// # Errors
/// [`GraphError`] after at most 5 s. It does not contain the URL.
pub async fn probe(url: &str, namespace: &str, id: Uuid) -> Result<Probed, GraphError> {
    let wrong = |error: RedisError| GraphError::Settings(error.category().to_owned());
    Keys::new(namespace.to_owned())?;
    let client = Client::open(url).map_err(wrong)?;
    let tried = timeout(WITHIN, tried(&client, &format!("{namespace}:doctor:{id}"))).await;
    tried.unwrap_or_else(|_| Err(GraphError::Unavailable(format!("no answer within {WITHIN:?}"))))
}

async fn tried(client: &Client, key: &str) -> Result<Probed, GraphError> {
    let config = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    let mut connection = connection.map_err(|error| failed("connect", &error))?;
    let set = cmd("SET").arg(key).arg("1").arg("EX").arg(KEPT).to_owned();
    let set: RedisResult<Value> = set.query_async(&mut connection).await;
    set.map_err(|error| failed("SET", &error))?;
    let get: RedisResult<String> = cmd("GET").arg(key).query_async(&mut connection).await;
    get.map_err(|error| failed("GET", &error))?;
    let ran: RedisResult<i64> = cmd("EVAL").arg("return 1").arg(0).query_async(&mut connection).await;
    ran.map_err(|error| failed("EVAL", &error))?;
    let removed: RedisResult<Value> = cmd("UNLINK").arg(key).query_async(&mut connection).await;
    removed.map_err(|error| failed("UNLINK", &error))?;
    let version = said(&mut connection, "server", "redis_version").await;
    let eviction = said(&mut connection, "memory", "maxmemory_policy").await;
    Ok(Probed { version, eviction })
}

/// A field of `INFO`; `None` if there is none, or the user may not ask.
async fn said(connection: &mut MultiplexedConnection, section: &str, field: &str) -> Option<String> {
    let info: String = cmd("INFO").arg(section).query_async(connection).await.ok()?;
    info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).map(|value| value.trim().to_owned())
}

fn failed(what: &str, error: &RedisError) -> GraphError {
    GraphError::Unavailable(format!("{what}: {error}"))
}
