//! What Redis says of itself.

use super::{Redis, parse};
use crate::{GraphError, RedisInfo};
use redis::cmd;
use std::time::Instant;

impl Redis {
    /// Asks Redis for its memory, its hits and misses, and its keys.
    pub(crate) async fn info(&self) -> Result<RedisInfo, GraphError> {
        let asked = Instant::now();
        let text: String = parse(self.link.ask_one(cmd("INFO")).await?)?;
        Ok(read(&text, asked.elapsed().as_secs_f64()))
    }
}

fn read(text: &str, latency_seconds: f64) -> RedisInfo {
    let lines = text.lines().filter_map(|line| line.trim_end().split_once(':'));
    let mut info = RedisInfo { latency_seconds, ..RedisInfo::default() };
    for (name, value) in lines {
        let number = value.parse().unwrap_or_default();
        match name {
            "used_memory" => info.used_memory_bytes = number,
            "maxmemory" => info.max_memory_bytes = number,
            "keyspace_hits" => info.hits = number,
            "keyspace_misses" => info.misses = number,
            "evicted_keys" => info.evicted = number,
            "connected_clients" => info.clients = number,
            "redis_version" => info.version = value.to_owned(),
            // db0:keys=5,expires=2,avg_ttl=0
            _ if name.starts_with("db") => {
                let keys = value.split(',').find_map(|part| part.strip_prefix("keys="));
                info.keys += keys.and_then(|keys| keys.parse::<u64>().ok()).unwrap_or_default();
            }
            _ => (),
        }
    }
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_redis_says_is_read() {
        let text = "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nused_memory:1024\r\nmaxmemory:0\r\n\
                    keyspace_hits:3\r\nkeyspace_misses:4\r\nevicted_keys:0\r\nconnected_clients:2\r\n\
                    # Keyspace\r\ndb0:keys=5,expires=2,avg_ttl=0\r\ndb1:keys=2,expires=0,avg_ttl=0\r\n";
        let info = read(text, 0.5);
        assert_eq!((info.version.as_str(), info.used_memory_bytes, info.clients), ("7.0.15", 1024, 2));
        assert_eq!((info.hits, info.misses, info.keys, info.evicted), (3, 4, 7, 0));
    }
}
