//! From raw settings to a [`Config`], naming every fault.

use super::{
    AlertThreshold, AlertWebhook, AuditKey, Config, ConnectionLimits, Faults, FileSettings, MasterKey, Network, Role,
    Secret, Sources, TraceSettings, files, values,
};
use domain::user::Reach;

/// The words of a setting that is on or off.
const SWITCH: [(&str, bool); 6] =
    [("on", true), ("off", false), ("true", true), ("false", false), ("1", true), ("0", false)];

impl Config {
    /// From raw settings.
    ///
    /// # Errors
    /// [`Faults`], all of them.
    pub fn from_sources(sources: &Sources) -> Result<Self, Faults> {
        let mut reader = Reader { sources, faults: sources.faults.clone() };
        let config = reader.config();
        if reader.faults.is_empty() { Ok(config) } else { Err(Faults(reader.faults)) }
    }
}

struct Reader<'s> {
    sources: &'s Sources,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn config(&mut self) -> Config {
        let default = Config::default();
        let production = self.one_of("APP_ENV", &[("development", false), ("production", true)], false);
        let database_url = self.read("DATABASE_URL", |text| values::url(text, &["postgres://", "postgresql://"]));
        let access_secret = self.read("JWT_ACCESS_TOKEN", values::signing_secret);
        let master_key = self.read("CHATCHIT_MASTER_KEY", values::key).map(MasterKey);
        let audit_key = self.read("CHATCHIT_AUDIT_KEY", values::key).map(AuditKey);
        let shared = production || database_url.is_some();
        self.required("JWT_ACCESS_TOKEN", shared, "with APP_ENV=production or DATABASE_URL");
        self.required("CHATCHIT_MASTER_KEY", production, "with APP_ENV=production");
        self.required("CHATCHIT_AUDIT_KEY", production, "with APP_ENV=production");
        let turn_urls = self.list("TURN_URLS", values::ice_url);
        let needs_secret = turn_urls.iter().any(|url| url.starts_with("turn"));
        self.required("TURN_SECRET", needs_secret, "with a turn: or turns: server in TURN_URLS");
        let ratio = self.read("OTEL_TRACES_SAMPLER_ARG", values::ratio).unwrap_or(TraceSettings::RATIO);
        let collector = self.read("OTEL_EXPORTER_OTLP_ENDPOINT", |text| values::url(text, &["http://", "https://"]));
        let roles = [("all", Role::All), ("gateway", Role::Gateway), ("worker", Role::Worker)];
        Config {
            host: self.sources.get("HOST").map_or(default.host, str::to_owned),
            port: self
                .read("PORT", |text| text.parse().map_err(|_| "must be a port number".to_owned()))
                .unwrap_or(default.port),
            data: self.sources.get("CHATCHIT_DATA").map_or(default.data, Into::into),
            database_url,
            rabbitmq_url: self.read("RABBITMQ_URL", |text| values::url(text, &["amqp://", "amqps://"])),
            redis_url: self.read("REDIS_URL", |text| values::url(text, &["redis://"])),
            namespace: self.read("CHATCHIT_NAMESPACE", values::namespace).unwrap_or(default.namespace),
            production,
            role: self.one_of("CHATCHIT_ROLE", &roles, Role::All),
            access_secret,
            previous_secrets: self.list("JWT_PREVIOUS_TOKENS", values::signing_secret),
            access_expired: self.read("JWT_ACCESS_EXPIRED", values::duration).unwrap_or(default.access_expired),
            refresh_expired: self.read("JWT_REFRESH_EXPIRED", values::duration).unwrap_or(default.refresh_expired),
            refresh_grace: default.refresh_grace,
            master_key,
            audit_key,
            allowed_origins: self.list("ALLOWED_ORIGINS", values::origin),
            advertise: self.read("ADVERTISE_ADDRESS", values::advertise).unwrap_or(default.advertise),
            trusted_proxies: self.list("TRUSTED_PROXIES", str::parse::<Network>),
            rate_limits: self.one_of("RATE_LIMITS", &[("on", true), ("off", false)], true),
            reachable_by: self.one_of(
                "REACHABLE_BY",
                &Reach::ALL.map(|reach| (reach.as_str(), reach)),
                Reach::default(),
            ),
            link_hosts: self.list("LINK_HOSTS", values::link_host).into_iter().collect(),
            connections: ConnectionLimits {
                total: self.read("MAX_CONNECTIONS", values::count).unwrap_or(default.connections.total),
                per_address: self
                    .read("MAX_CONNECTIONS_PER_ADDRESS", values::count)
                    .unwrap_or(default.connections.per_address),
            },
            turn_urls,
            turn_secret: self.sources.get("TURN_SECRET").map(Secret::new),
            metrics_token: self.read("METRICS_TOKEN", values::metrics_token),
            traces: collector.map(|endpoint| TraceSettings { endpoint, ratio }),
            monitoring: default.monitoring,
            alert_webhook: self.alert_webhook(),
            alert_thresholds: self.list("ALERT_THRESHOLDS", str::parse::<AlertThreshold>),
            log: self.sources.get("RUST_LOG").map_or(default.log, str::to_owned),
            log_json: self.one_of("LOG_FORMAT", &[("text", false), ("json", true)], false),
            sockets: default.sockets,
            calls: default.calls,
            files: self.files(default.files),
            clock: default.clock,
            password_cost: default.password_cost,
            wait: default.wait,
            patience: default.patience,
        }
    }

    fn files(&mut self, default: FileSettings) -> FileSettings {
        let mut bucket = self.read("FILES_URL", files::bucket);
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            self.required(name, bucket.is_some(), "with FILES_URL");
        }
        if let Some(bucket) = &mut bucket {
            bucket.endpoint = self.read("AWS_ENDPOINT_URL", |text| values::url(text, &["https://", "http://"]));
            let said = |name| self.sources.get(name).unwrap_or_default().to_owned();
            bucket.region = self.sources.get("AWS_REGION").unwrap_or(&bucket.region).to_owned();
            (bucket.access_key, bucket.secret_key) =
                (said("AWS_ACCESS_KEY_ID"), Secret::new(said("AWS_SECRET_ACCESS_KEY")));
        }
        let count = |text: &str| text.parse().ok().filter(|count| (1..=100).contains(count));
        let count = |text: &str| count(text).ok_or_else(|| "must be from 1 to 100".to_owned());
        FileSettings {
            bucket,
            max_size: self.read("FILES_MAX_SIZE", files::bytes).unwrap_or(default.max_size),
            max_count: self.read("FILES_MAX_COUNT", count).unwrap_or(default.max_count),
            keep_metadata: self.one_of("FILES_KEEP_METADATA", &SWITCH, default.keep_metadata),
            daily_count: self
                .read("FILES_DAILY_COUNT", values::count)
                .map_or(default.daily_count, |count| count as u64),
            daily_quota: self.read("FILES_DAILY_QUOTA", files::bytes).unwrap_or(default.daily_quota),
            ..default
        }
    }

    fn alert_webhook(&mut self) -> Option<AlertWebhook> {
        let url = self.read("ALERT_WEBHOOK_URL", |text| values::url(text, &["https://", "http://"]));
        let secret = self.read("ALERT_WEBHOOK_SECRET", values::webhook_secret);
        self.required("ALERT_WEBHOOK_SECRET", url.is_some(), "with ALERT_WEBHOOK_URL");
        Some(AlertWebhook { url: url?, secret: secret? })
    }

    fn read<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        match parse(self.sources.get(name)?) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.faults.push(format!("{name} {fault}"));
                None
            }
        }
    }

    fn list<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let items = self.sources.get(name).unwrap_or_default().split(',').map(str::trim);
        let (mut values, mut faults) = (Vec::new(), Vec::new());
        for item in items.filter(|item| !item.is_empty()) {
            match parse(item) {
                Ok(value) => values.push(value),
                Err(fault) => faults.push(format!("{name}: {fault}")),
            }
        }
        self.faults.append(&mut faults);
        values
    }

    fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)], default: T) -> T {
        let found = self.read(name, |text| {
            let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
            let names = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            known.ok_or_else(|| format!("must be one of {}", names()))
        });
        found.unwrap_or(default)
    }

    fn required(&mut self, name: &str, needed: bool, when: &str) {
        if needed && self.sources.get(name).is_none() {
            self.faults.push(format!("{name} must be set {when}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Advertise;
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use std::time::Duration;

    fn config(settings: &[(&str, &str)]) -> Result<Config, Faults> {
        let folder = tempfile::tempdir().unwrap();
        let environment = settings.iter().map(|(name, value)| (name.into(), value.into()));
        Config::from_sources(&Sources::read(environment, folder.path()))
    }

    #[test]
    fn nothing_needs_to_be_set() {
        let config = config(&[]).unwrap();
        assert_eq!((config.port, config.host.as_str(), config.production), (8080, "127.0.0.1", false));
        assert_eq!(config.access_expired, Duration::from_secs(604_800));
        assert!(config.log_location() != config.read_location());
    }

    #[test]
    fn what_is_set_holds() {
        let key = "ab".repeat(32);
        let config = config(&[
            ("PORT", "0"),
            ("DATABASE_URL", "postgres://u@h/d"),
            ("RABBITMQ_URL", "amqp://h"),
            ("REDIS_URL", "redis://h"),
            ("CHATCHIT_NAMESPACE", "second"),
            ("APP_ENV", "production"),
            ("JWT_ACCESS_TOKEN", "0123456789abcdef0123456789abcdef"),
            ("JWT_PREVIOUS_TOKENS", "1123456789abcdef0123456789abcdef, 2123456789abcdef0123456789abcdef"),
            ("JWT_ACCESS_EXPIRED", "30m"),
            ("CHATCHIT_MASTER_KEY", &key),
            ("CHATCHIT_AUDIT_KEY", &key),
            ("TRUSTED_PROXIES", "10.0.0.0/8,::1"),
            ("ALLOWED_ORIGINS", "https://a.example"),
            ("ALERT_THRESHOLDS", "EventsWait=30, DiskNearlyFull = 0.95"),
            ("TURN_URLS", "stun:s.example, turn:t.example:3478?transport=udp"),
            ("TURN_SECRET", "north"),
            ("LOG_FORMAT", "json"),
        ])
        .unwrap();
        assert!(config.production && config.log_json && config.port == 0);
        assert_eq!(config.master_key, Some(MasterKey([0xab; 32])));
        assert_eq!(config.audit_key, Some(AuditKey([0xab; 32])));
        let engines = (config.rabbitmq_url.as_deref(), config.redis_url.as_deref(), config.namespace.as_str());
        assert_eq!(engines, (Some("amqp://h"), Some("redis://h"), "second"));
        assert_eq!((config.previous_secrets.len(), config.trusted_proxies.len()), (2, 2));
        assert_eq!(config.access_expired, Duration::from_secs(1_800));
        assert_eq!((config.turn_urls.len(), config.turn_secret.is_some()), (2, true));
        let last = AlertThreshold { rule: "DiskNearlyFull".to_owned(), raise: 0.95 };
        assert_eq!((config.alert_thresholds.len(), config.alert_thresholds.last()), (2, Some(&last)));
        assert!(matches!(config.log_location(), sql::Location::Postgres { schema, .. } if schema == "chatchit_log"));
    }

    #[test]
    fn every_fault_is_named_in_one_message() {
        let faults = config(&[
            ("PORT", "80800"),
            ("DATABASE_URL", "mysql://h"),
            ("APP_ENV", "production"),
            ("JWT_REFRESH_EXPIRED", "soon"),
            ("CHATCHIT_MASTER_KEY", "short"),
            ("RABBITMQ_URL", "http://h"),
            ("REDIS_URL", "memcached://h"),
            ("CHATCHIT_NAMESPACE", "two words"),
            ("CHATCHIT_ROLE", "boss"),
            ("ALLOWED_ORIGINS", "a.example"),
            ("ALERT_THRESHOLDS", "EventsWait=soon"),
            ("TRUSTED_PROXIES", "everybody"),
            ("ADVERTISE_ADDRESS", "203.0.113.9:80"),
            ("TURN_URLS", "turn:t.example, https://t.example"),
            ("LOG_FORMAT", "xml"),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "PORT",
            "DATABASE_URL",
            "JWT_ACCESS_TOKEN must be set",
            "CHATCHIT_AUDIT_KEY must be set",
            "JWT_REFRESH_EXPIRED",
            "CHATCHIT_MASTER_KEY",
            "RABBITMQ_URL must begin with amqp:// or amqps://",
            "REDIS_URL",
            "CHATCHIT_NAMESPACE",
            "CHATCHIT_ROLE",
            "ALLOWED_ORIGINS",
            "ALERT_THRESHOLDS",
            "TRUSTED_PROXIES",
            "ADVERTISE_ADDRESS",
            "TURN_URLS",
            "TURN_SECRET must be set",
            "LOG_FORMAT",
        ] {
            assert!(faults.contains(&format!("\n  - {name}")), "{name} is not named in: {faults}");
        }
        assert!(!faults.contains("short"), "a secret is printed: {faults}");
    }

    #[test]
    fn alerts_are_posted_with_a_secret_or_not_at_all() {
        let secret = format!("whsec_{}", BASE64_STANDARD.encode([7; 32]));
        let webhook = |settings: &[(&str, &str)]| config(settings).map(|config| config.alert_webhook);
        assert_eq!(webhook(&[]).unwrap(), None);
        let url = ("ALERT_WEBHOOK_URL", "https://alerts.example/in");
        let set = webhook(&[url, ("ALERT_WEBHOOK_SECRET", &secret)]).unwrap().unwrap();
        assert_eq!((set.url.as_str(), set.secret.bytes()), (url.1, &[7; 32][..]));
        for fault in [
            vec![url],
            vec![url, ("ALERT_WEBHOOK_SECRET", "whsec_c2hvcnQ=")],
            vec![url, ("ALERT_WEBHOOK_SECRET", "a secret of twenty-four bytes or more")],
            vec![("ALERT_WEBHOOK_URL", "ftp://alerts.example"), ("ALERT_WEBHOOK_SECRET", &secret)],
        ] {
            assert!(webhook(&fault).unwrap_err().to_string().contains("ALERT_WEBHOOK_"), "{fault:?}");
        }
    }

    #[test]
    fn the_advertised_address_is_found_set_or_none() {
        let advertised = |text: &str| config(&[("ADVERTISE_ADDRESS", text)]).map(|config| config.advertise).ok();
        assert_eq!(config(&[]).unwrap().advertise, Advertise::Found);
        assert_eq!(advertised("none"), Some(Advertise::No));
        assert_eq!(advertised("10.0.0.5:8080"), Some(Advertise::At("10.0.0.5:8080".parse().unwrap())));
        assert_eq!(advertised("[fd00::5]:8080"), Some(Advertise::At("[fd00::5]:8080".parse().unwrap())));
        for fault in ["10.0.0.5", "gateway:8080", "203.0.113.9:8080", "0.0.0.0:8080", "10.0.0.5:0"] {
            assert_eq!(advertised(fault), None, "{fault}");
        }
    }
}
