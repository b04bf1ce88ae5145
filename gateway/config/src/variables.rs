//! Every setting: its name, its default and what it is for. `--help` and the checks for unknown names read it.

use std::fmt::Write as _;

/// How alike a name and a setting must be for a warning, from 0 to 1: of four characters one may differ.
const ALIKE: f64 = 0.75;
/// The ending of the name that reads a secret from a file.
const FILE: &str = "_FILE";

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name in the environment; in `chatchit.toml` also in lower case.
    pub name: &'static str,
    /// The value that holds when it is not set.
    pub default: &'static str,
    /// Its purpose.
    pub meaning: &'static str,
    /// How much of its value may be shown.
    pub secrecy: Secrecy,
    /// Whether `chatchit secrets` generates a value for it.
    pub generated: bool,
    /// Whether a running server takes over a new value on SIGHUP.
    pub reloaded: bool,
}

/// How much of a value may be shown. A value that is not public may also come from a file: `<NAME>_FILE` is its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// All of it.
    Public,
    /// A URL: all but its password.
    Url,
    /// Nothing.
    Secret,
}

impl Variable {
    /// The name of the setting with the path of a file that holds the value; `None` if the value is public.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        (self.secrecy != Secrecy::Public).then(|| format!("{}{FILE}", self.name))
    }

    const fn secret(self) -> Self {
        Self { secrecy: Secrecy::Secret, ..self }
    }

    const fn url(self) -> Self {
        Self { secrecy: Secrecy::Url, ..self }
    }

    const fn generated(self) -> Self {
        Self { generated: true, ..self }
    }

    const fn reloaded(self) -> Self {
        Self { reloaded: true, ..self }
    }
}

const fn variable(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, meaning, secrecy: Secrecy::Public, generated: false, reloaded: false }
}

/// Whether there is a setting of this name, or one whose file it names.
#[must_use]
pub fn is_known(name: &str) -> bool {
    VARIABLES.iter().any(|variable| {
        let file = || name.strip_suffix(FILE) == Some(variable.name) && variable.secrecy != Secrecy::Public;
        variable.name == name || file()
    })
}

/// The setting whose name is most like `name`, if one is alike.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    let alike = |known: &str| strsim::normalized_damerau_levenshtein(name, known);
    let alike = VARIABLES.iter().map(|variable| (alike(variable.name), variable.name));
    alike.filter(|(alike, _)| *alike >= ALIKE).max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, name)| name)
}

/// All settings of this version.
pub const VARIABLES: &[Variable] = &[
    variable("PORT", "8080", "the port to listen on; 0 takes a free one"),
    variable("HOST", "127.0.0.1", "the address to listen on"),
    variable("DATABASE_URL", "unset", "postgres://… for the log and the read models; unset: SQLite in CHATCHIT_DATA")
        .url(),
    variable("CHATCHIT_DATA", "./data", "the folder of the embedded databases and of the secrets made here"),
    variable("RABBITMQ_URL", "unset", "amqp://… for the lanes between processes; unset: events travel in process")
        .url(),
    variable("REDIS_URL", "unset", "redis://… for relations and presence; unset: each process keeps its own in memory")
        .url(),
    variable(
        "CHATCHIT_NAMESPACE",
        "chatchit",
        "begins the names of queues and keys: one per installation on an engine",
    ),
    variable(
        "JWT_ACCESS_TOKEN",
        "generated and stored",
        "signs access tokens, at least 32 bytes; required with APP_ENV=production or DATABASE_URL",
    )
    .secret()
    .generated(),
    variable("JWT_PREVIOUS_TOKENS", "none", "earlier signing secrets that are still accepted, comma separated")
        .secret(),
    variable("JWT_ACCESS_EXPIRED", "7d", "how long an access token is good"),
    variable("JWT_REFRESH_EXPIRED", "30d", "how long a refresh token is good"),
    variable(
        "CHATCHIT_MASTER_KEY",
        "generated and stored",
        "wraps the data keys: 32 bytes in hex or base64; required with APP_ENV=production",
    )
    .secret()
    .generated(),
    variable(
        "CHATCHIT_AUDIT_KEY",
        "generated and stored",
        "signs heads of the log: 32 bytes in hex or base64; required with APP_ENV=production",
    )
    .secret()
    .generated(),
    variable("APP_ENV", "development", "development or production"),
    variable("CHATCHIT_ROLE", "all", "all, gateway (no workers in this process) or worker (no doors)"),
    variable("ALLOWED_ORIGINS", "none", "web origins that may call, comma separated; * for any").reloaded(),
    variable("TRUSTED_PROXIES", "none", "addresses or networks whose X-Forwarded-For is believed, comma separated"),
    variable(
        "ADVERTISE_ADDRESS",
        "found",
        "where other gateways reach this one, such as 10.0.0.5:8080: on this machine or a private network; none: they do not",
    ),
    variable("RATE_LIMITS", "on", "off: nobody is limited in how much they do, and spam is not filtered"),
    variable(
        "REACHABLE_BY",
        "everyone",
        "everyone or friends: who may write to, call and add to groups those who have not said who may",
    ),
    variable("LINK_HOSTS", "none", "hosts to which links may lead by https besides this server, comma separated"),
    variable("MAX_CONNECTIONS", "50000", "connections to this process"),
    variable(
        "MAX_CONNECTIONS_PER_ADDRESS",
        "2000",
        "of these, from one address; trusted proxies and this machine are not counted",
    ),
    variable(
        "METRICS_TOKEN",
        "unset",
        "with it as bearer token /metrics is read from other machines, too; at least 16 characters",
    )
    .secret()
    .generated()
    .reloaded(),
    variable("ALERT_WEBHOOK_URL", "unset", "where alerts are posted when they are raised and cleared: https://…"),
    variable(
        "ALERT_WEBHOOK_SECRET",
        "unset",
        "signs what is posted there: whsec_ and then 24 to 64 bytes in base64; required with ALERT_WEBHOOK_URL",
    )
    .secret(),
    variable(
        "ALERT_THRESHOLDS",
        "none",
        "thresholds of alert rules in place of their own, comma separated: EventsWait=30, DiskNearlyFull=0.95",
    )
    .reloaded(),
    variable(
        "TURN_URLS",
        "none",
        "servers that help the media of calls through, comma separated: stun:…, stuns:…, turn:…, turns:…",
    ),
    variable(
        "TURN_SECRET",
        "unset",
        "what turn: servers share with this one to check credentials; required with a turn: or turns: in TURN_URLS",
    )
    .secret(),
    variable("FILES_URL", "unset", "s3://bucket/prefix for uploaded files; unset: the folder files in CHATCHIT_DATA"),
    variable("FILES_MAX_SIZE", "25M", "the size of one file: K, M or G"),
    variable("FILES_MAX_COUNT", "10", "files of one upload"),
    variable("FILES_DAILY_QUOTA", "1G", "what one account may upload in 24 hours"),
    variable("FILES_DAILY_COUNT", "5000", "how many files one account may upload in 24 hours"),
    variable("FILES_KEEP_METADATA", "off", "on: images and videos keep their metadata (place, time, device)"),
    variable("AWS_ENDPOINT_URL", "Amazon's", "where the bucket of FILES_URL is"),
    variable("AWS_REGION", "us-east-1", "the region of the bucket of FILES_URL"),
    variable("AWS_ACCESS_KEY_ID", "unset", "opens the bucket of FILES_URL; required with it").secret(),
    variable("AWS_SECRET_ACCESS_KEY", "unset", "opens the bucket of FILES_URL; required with it").secret(),
    variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "unset",
        "http://… of a collector that takes traces by OTLP over HTTP; unset: nothing is traced",
    ),
    variable("OTEL_TRACES_SAMPLER_ARG", "0.01", "the part of the traces that is exported: 0 to 1"),
    variable("RUST_LOG", "info", "which log lines are written").reloaded(),
    variable("LOG_FORMAT", "text", "text or json"),
];

/// The settings as a text for `--help`.
#[must_use]
pub fn help() -> String {
    let mut text = String::from(
        "Settings, from the environment, then .env.local, .env and chatchit.toml of the working folder:\n\n",
    );
    for Variable { name, default, meaning, .. } in VARIABLES {
        let _ = writeln!(text, "  {name:<20} {meaning} [default: {default}]");
    }
    let files: Vec<_> = VARIABLES.iter().filter_map(Variable::file_name).collect();
    let _ = writeln!(text, "\nInstead of a secret, the path of a file that holds it: {}", files.join(", "));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_alike_is_found_and_usual_names_of_other_programs_are_not() {
        for (name, meant) in [
            ("PROT", Some("PORT")),
            ("DATABSE_URL", Some("DATABASE_URL")),
            ("REDIS_URI", Some("REDIS_URL")),
            ("CHATCHIT_MASTERKEY", Some("CHATCHIT_MASTER_KEY")),
            ("HOME", None),
            ("HOSTNAME", None),
            ("PATH", None),
            ("LOGNAME", None),
            ("RUST_BACKTRACE", None),
            ("NO_COLOR", None),
            ("POSTGRES_PASSWORD", None),
            ("AWS_DEFAULT_REGION", None),
        ] {
            assert_eq!(nearest(name), meant, "{name}");
        }
    }

    #[test]
    fn only_secrets_come_from_files() {
        assert!(is_known("JWT_ACCESS_TOKEN_FILE") && is_known("DATABASE_URL_FILE") && is_known("PORT"));
        assert!(!is_known("PORT_FILE") && !is_known("FILE") && !is_known("_FILE"));
    }

    #[test]
    fn every_generated_value_is_secret() {
        let generated = VARIABLES.iter().filter(|variable| variable.generated);
        assert!(generated.clone().count() > 0);
        assert!(generated.into_iter().all(|variable| variable.secrecy == Secrecy::Secret));
    }

    #[test]
    fn help_names_every_setting() {
        let help = help();
        assert!(VARIABLES.iter().all(|variable| help.contains(variable.name)));
    }
}
