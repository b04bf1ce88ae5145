//! From raw settings to a [`Config`], naming every fault.

use super::{
    Advertise, AlertThreshold, AlertWebhook, AuditKey, Config, ConnectionLimits, Faults, FileSettings, MasterKey,
    Network, Role, Secret, Sources, TraceSettings, files, is_private, settings::webhook_secret,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{hex, link::LinkHosts, user::Reach};
use std::time::Duration;

/// The least length of a signing secret, in bytes (RFC 7518, 3.2).
const LEAST_SECRET: usize = 32;
/// The words of a setting that is on or off.
const SWITCH: [(&str, bool); 6] =
    [("on", true), ("off", false), ("true", true), ("false", false), ("1", true), ("0", false)];
/// The most characters of a namespace: an AMQP name has 255 bytes, and ours go on after it.
const LONGEST_NAMESPACE: usize = 64;

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
        let database_url = self.read("DATABASE_URL", |text| url(text, &["postgres://", "postgresql://"]));
        let access_secret = self.read("JWT_ACCESS_TOKEN", signing_secret);
        let master_key = self.read("CHATCHIT_MASTER_KEY", key).map(MasterKey);
        let audit_key = self.read("CHATCHIT_AUDIT_KEY", key).map(AuditKey);
        let shared = production || database_url.is_some();
        self.required("JWT_ACCESS_TOKEN", shared, "with APP_ENV=production or DATABASE_URL");
        self.required("CHATCHIT_MASTER_KEY", production, "with APP_ENV=production");
        self.required("CHATCHIT_AUDIT_KEY", production, "with APP_ENV=production");
        let turn_urls = self.list("TURN_URLS", ice_url);
        let needs_secret = turn_urls.iter().any(|url| url.starts_with("turn"));
        self.required("TURN_SECRET", needs_secret, "with a turn: or turns: server in TURN_URLS");
        let ratio = self.read("OTEL_TRACES_SAMPLER_ARG", TraceSettings::parse_ratio).unwrap_or(TraceSettings::RATIO);
        let collector = self.read("OTEL_EXPORTER_OTLP_ENDPOINT", |text| url(text, &["http://", "https://"]));
        let roles = [("all", Role::All), ("gateway", Role::Gateway), ("worker", Role::Worker)];
        Config {
            host: self.sources.get("HOST").map_or(default.host, str::to_owned),
            port: self
                .read("PORT", |text| text.parse().map_err(|_| "must be a port number".to_owned()))
                .unwrap_or(default.port),
            data: self.sources.get("CHATCHIT_DATA").map_or(default.data, Into::into),
            database_url,
            rabbitmq_url: self.read("RABBITMQ_URL", |text| url(text, &["amqp://", "amqps://"])),
            redis_url: self.read("REDIS_URL", |text| url(text, &["redis://"])),
            namespace: self.read("CHATCHIT_NAMESPACE", namespace).unwrap_or(default.namespace),
            production,
            role: self.one_of("CHATCHIT_ROLE", &roles, Role::All),
            access_secret,
            previous_secrets: self.list("JWT_PREVIOUS_TOKENS", signing_secret),
            access_expired: self.read("JWT_ACCESS_EXPIRED", duration).unwrap_or(default.access_expired),
            refresh_expired: self.read("JWT_REFRESH_EXPIRED", duration).unwrap_or(default.refresh_expired),
            refresh_grace: default.refresh_grace,
            master_key,
            audit_key,
            allowed_origins: self.list("ALLOWED_ORIGINS", origin),
            advertise: self.read("ADVERTISE_ADDRESS", advertise).unwrap_or(default.advertise),
            trusted_proxies: self.list("TRUSTED_PROXIES", str::parse::<Network>),
            rate_limits: self.one_of("RATE_LIMITS", &[("on", true), ("off", false)], true),
            reachable_by: self.one_of(
                "REACHABLE_BY",
                &Reach::ALL.map(|reach| (reach.as_str(), reach)),
                Reach::default(),
            ),
            link_hosts: self.list("LINK_HOSTS", link_host).into_iter().collect(),
            connections: ConnectionLimits {
                total: self.read("MAX_CONNECTIONS", count).unwrap_or(default.connections.total),
                per_address: self.read("MAX_CONNECTIONS_PER_ADDRESS", count).unwrap_or(default.connections.per_address),
            },
            turn_urls,
            turn_secret: self.sources.get("TURN_SECRET").map(Secret::new),
            metrics_token: self.read("METRICS_TOKEN", metrics_token),
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
            bucket.endpoint = self.read("AWS_ENDPOINT_URL", |text| url(text, &["https://", "http://"]));
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
            daily_count: self.read("FILES_DAILY_COUNT", self::count).map_or(default.daily_count, |count| count as u64),
            daily_quota: self.read("FILES_DAILY_QUOTA", files::bytes).unwrap_or(default.daily_quota),
            ..default
        }
    }

    fn alert_webhook(&mut self) -> Option<AlertWebhook> {
        let url = self.read("ALERT_WEBHOOK_URL", |text| url(text, &["https://", "http://"]));
        let secret = self.read("ALERT_WEBHOOK_SECRET", webhook_secret);
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

fn count(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "must be a number above 0".to_owned())
}

fn url(text: &str, schemes: &[&str]) -> Result<String, String> {
    let known = schemes.iter().any(|scheme| text.starts_with(scheme));
    if known { Ok(text.to_owned()) } else { Err(format!("must begin with {}", schemes.join(" or "))) }
}

fn advertise(text: &str) -> Result<Advertise, String> {
    if text == "none" {
        return Ok(Advertise::No);
    }
    let address: std::net::SocketAddr =
        text.parse().map_err(|_| "must be an address and a port such as 10.0.0.5:8080, or none".to_owned())?;
    if is_private(address.ip()) && address.port() > 0 {
        Ok(Advertise::At(address))
    } else {
        Err("must be of this machine or a private network: what gateways pass on is not encrypted".to_owned())
    }
}

fn ice_url(text: &str) -> Result<String, String> {
    let rest = ["stun:", "stuns:", "turn:", "turns:"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not a server such as turn:turn.example:3478"))
    }
}

fn metrics_token(text: &str) -> Result<Secret, String> {
    let is_good = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_good { Ok(Secret::new(text)) } else { Err("must be at least 16 visible ASCII characters".to_owned()) }
}

fn namespace(text: &str) -> Result<String, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if plain && (1..=LONGEST_NAMESPACE).contains(&text.len()) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be 1 to {LONGEST_NAMESPACE} letters, digits, - or _"))
    }
}

fn signing_secret(text: &str) -> Result<Secret, String> {
    if text.len() < LEAST_SECRET {
        return Err(format!("must be at least {LEAST_SECRET} bytes long"));
    }
    Ok(Secret::new(text))
}

fn key(text: &str) -> Result<[u8; 32], String> {
    let from_base64 = || BASE64_STANDARD.decode(text).ok()?.try_into().ok();
    hex::decode(text).or_else(from_base64).ok_or_else(|| "must be 32 bytes in hex or base64".to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = host.is_some_and(|host| !host.is_empty() && !host.contains('/') && host.is_ascii());
    if text == "*" || plain {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not an origin such as https://a.example"))
    }
}

fn link_host(text: &str) -> Result<String, String> {
    LinkHosts::host(text).map_err(|invalid| format!("{text:?} {}", invalid.detail))
}

/// `45s`, `30m`, `12h`, `7d`; at least a second.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a time such as 45s, 30m, 12h or 7d".to_owned();
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (count, unit) = text.split_at(split);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 24 * 3_600,
        _ => return Err(wrong()),
    };
    let seconds = count.parse::<u32>().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    Ok(Duration::from_secs(u64::from(seconds) * unit))
}

#[cfg(test)]
mod tests {
    use super::super::variables::{VARIABLES, help};
    use super::*;

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

    #[test]
    fn help_names_every_setting() {
        let help = help();
        assert!(VARIABLES.iter().all(|variable| help.contains(variable.name)));
    }
}
