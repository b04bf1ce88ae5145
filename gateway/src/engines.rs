//! The engines that the configuration chooses: what carries events, what keeps the graph, and where files lie.

use blobs::{Place, S3};
use broker::{Broker, BrokerError, RabbitSettings};
use config::{Bucket, Config};
use event_store::EventStore;
use graph::{Graph, GraphError, RedisSettings};

/// Runs that may wait for a consumer of this process.
const RUNS: usize = 4_096;

/// Lanes within this process, or over RabbitMQ; one that is away is waited for in the background.
pub(crate) fn broker(config: &Config, store: &EventStore) -> Result<Broker, BrokerError> {
    let Some(url) = &config.rabbitmq_url else { return Ok(Broker::in_process(RUNS)) };
    Broker::rabbitmq(RabbitSettings {
        url: url.clone(),
        namespace: config.namespace.clone(),
        log: store.incarnation(),
        partitions: store.partitions(),
        capacity: RUNS,
        clock: config.clock,
    })
}

/// A graph in memory, or in Redis; one that is away is waited for in the background.
pub(crate) fn graph(config: &Config, store: &EventStore) -> Result<Graph, GraphError> {
    let Some(url) = &config.redis_url else { return Ok(Graph::in_memory()) };
    Graph::redis(RedisSettings { url: url.clone(), namespace: config.namespace.clone(), log: store.incarnation() })
}

/// The bucket of files, or a folder beside the embedded databases.
pub(crate) fn files(config: &Config) -> Place {
    let Some(bucket) = &config.files.bucket else { return Place::Folder(config.files_folder()) };
    let Bucket { name, prefix, endpoint, region, access_key, secret_key } = bucket.clone();
    let secret_key = String::from_utf8_lossy(secret_key.bytes()).into_owned();
    Place::S3(S3 { bucket: name, prefix, endpoint, region, access_key, secret_key })
}
