//! RabbitMQ, Redis, and the bucket of files.

use super::check::Check;
use crate::{
    engines,
    requirements::{OLDEST_RABBITMQ, OLDEST_REDIS},
};
use blobs::{BlobError, BlobKey, Blobs};
use config::{Config, secrets::without_password};

pub(super) async fn rabbitmq(config: &Config, url: &str) -> Vec<Check> {
    let place = without_password(url);
    match broker::probe(url, &config.namespace).await {
        Ok(found) => {
            vec![
                Check::ok("rabbitmq.reach", place),
                version("rabbitmq.version", found.as_deref(), OLDEST_RABBITMQ),
                Check::ok("rabbitmq.rights", "exchanges and queues can be declared, bound and published to"),
            ]
        }
        Err(error) if ["URL", "connect", "sign in"].contains(&error.what) => {
            let remedy = "start it, or mend RABBITMQ_URL (host, user, password, virtual host)";
            vec![Check::fail("rabbitmq.reach", format!("{place}: {error}"), remedy)]
        }
        Err(error) => {
            let remedy = format!(
                "give the user the rights to configure, write and read names that begin with {}: rabbitmqctl set_permissions",
                config.namespace
            );
            vec![Check::ok("rabbitmq.reach", place), Check::fail("rabbitmq.rights", error.to_string(), remedy)]
        }
    }
}

pub(super) async fn redis(config: &Config, url: &str) -> Vec<Check> {
    let place = without_password(url);
    let probed = match graph::probe(url, &config.namespace, clock::new_id()).await {
        Ok(probed) => probed,
        Err(error) => {
            let remedy = "start it, or mend REDIS_URL (host, password, database) and the user's rights";
            return vec![Check::fail("redis.reach", format!("{place}: {error}"), remedy)];
        }
    };
    vec![
        Check::ok("redis.reach", place),
        version("redis.version", probed.version.as_deref(), OLDEST_REDIS),
        eviction(probed.eviction.as_deref()),
    ]
}

fn eviction(policy: Option<&str>) -> Check {
    let remedy = "set maxmemory-policy noeviction: an evicted relation reads as one that does not hold";
    match policy {
        Some("noeviction") => Check::ok("redis.eviction", "noeviction"),
        // Keys without an expiry stay.
        Some(policy) if policy.starts_with("volatile-") => Check::warn("redis.eviction", policy, remedy),
        Some(policy) => Check::fail("redis.eviction", policy, remedy),
        None => Check::warn("redis.eviction", "Redis does not say its policy of eviction", remedy),
    }
}

pub(super) async fn bucket(config: &Config) -> Vec<Check> {
    let remedy = "mend FILES_URL, AWS_ENDPOINT_URL, AWS_REGION and the credentials, and let them read and write";
    let tried = async {
        let blobs = Blobs::connect(&engines::files(config))?;
        let key = BlobKey::content(clock::new_id());
        match blobs.download(key, None).await {
            Err(BlobError::NotFound) | Ok(_) => (),
            Err(error) => return Err(error),
        }
        blobs.delete(key).await
    };
    vec![match tried.await {
        Ok(()) => Check::ok("files", "the bucket answers"),
        Err(error) => Check::fail("files", error.to_string(), remedy),
    }]
}

fn version(name: &'static str, found: Option<&str>, oldest: (u32, u32)) -> Check {
    let least = format!("{}.{}", oldest.0, oldest.1);
    match found.and_then(|text| Some((text, parsed(text)?))) {
        Some((text, version)) if version >= oldest => Check::ok(name, format!("version {text}")),
        Some((text, _)) => Check::fail(name, format!("version {text}"), format!("upgrade it to {least} or later")),
        None => Check::warn(name, "its version is unknown", format!("make sure that it is {least} or later")),
    }
}

/// The first two numbers of a version.
fn parsed(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::{super::check::Verdict, *};

    #[test]
    fn a_version_is_compared_by_its_numbers() {
        for (found, verdict) in [
            (Some("3.10.8"), Verdict::Ok),
            (Some("4.0.5"), Verdict::Ok),
            (Some("3.9.27"), Verdict::Fail),
            (Some("3.10"), Verdict::Ok),
            (Some("?"), Verdict::Warn),
            (None, Verdict::Warn),
        ] {
            assert_eq!(version("rabbitmq.version", found, OLDEST_RABBITMQ).verdict, verdict, "{found:?}");
        }
    }

    #[test]
    fn a_redis_that_evicts_fails() {
        let verdicts = [Some("noeviction"), Some("volatile-lru"), Some("allkeys-lru"), None];
        let verdicts = verdicts.map(|policy| eviction(policy).verdict);
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Warn, Verdict::Fail, Verdict::Warn]);
    }
}
