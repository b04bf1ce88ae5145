//! Every setting: its name, its default and what it is for. `--help` and the check for unknown names read it.

use std::fmt::Write as _;

/// One setting.
pub struct Variable {
    /// Its name in the environment; in `chatchit.toml` also in lower case.
    pub name: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// What it is for.
    pub meaning: &'static str,
}

const fn variable(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, meaning }
}

/// All settings of this version.
pub const VARIABLES: [Variable; 33] = [
    variable("PORT", "8080", "the port to listen on; 0 takes a free one"),
    variable("HOST", "127.0.0.1", "the address to listen on"),
    variable("DATABASE_URL", "unset", "postgres://… for the log and the read models; unset: SQLite in CHATCHIT_DATA"),
    variable("CHATCHIT_DATA", "./data", "the folder of the embedded databases and of the secrets made here"),
    variable("RABBITMQ_URL", "unset", "amqp://… for the lanes between processes; unset: events travel in process"),
    variable("REDIS_URL", "unset", "redis://… for relations and presence; unset: each process keeps its own in memory"),
    variable(
        "CHATCHIT_NAMESPACE",
        "chatchit",
        "begins the names of queues and keys: one per installation on an engine",
    ),
    variable(
        "JWT_ACCESS_TOKEN",
        "made and kept",
        "signs access tokens, at least 32 bytes; required with APP_ENV=production or DATABASE_URL",
    ),
    variable("JWT_PREVIOUS_TOKENS", "none", "earlier signing secrets that are still accepted, comma separated"),
    variable("JWT_ACCESS_EXPIRED", "7d", "how long an access token is good"),
    variable("JWT_REFRESH_EXPIRED", "30d", "how long a refresh token is good"),
    variable(
        "CHATCHIT_MASTER_KEY",
        "made and kept",
        "wraps the data keys: 32 bytes in hex or base64; required with APP_ENV=production",
    ),
    variable(
        "CHATCHIT_AUDIT_KEY",
        "made and kept",
        "signs heads of the log: 32 bytes in hex or base64; required with APP_ENV=production",
    ),
    variable("APP_ENV", "development", "development or production"),
    variable("CHATCHIT_ROLE", "all", "all, gateway (no workers in this process) or worker (no doors)"),
    variable("ALLOWED_ORIGINS", "none", "web origins that may call, comma separated; * for any"),
    variable("TRUSTED_PROXIES", "none", "addresses or networks whose X-Forwarded-For is believed, comma separated"),
    variable("RATE_LIMITS", "on", "off: nobody is limited in how much they do, and spam is not filtered"),
    variable("MAX_CONNECTIONS", "50000", "connections to this process"),
    variable(
        "MAX_CONNECTIONS_PER_ADDRESS",
        "2000",
        "of these, from one address; trusted proxies and this machine are not counted",
    ),
    variable(
        "TURN_URLS",
        "none",
        "servers that help the media of calls through, comma separated: stun:…, stuns:…, turn:…, turns:…",
    ),
    variable(
        "TURN_SECRET",
        "unset",
        "what turn: servers share with this one to check credentials; required with a turn: or turns: in TURN_URLS",
    ),
    variable("FILES_URL", "unset", "s3://bucket/prefix for uploaded files; unset: the folder files in CHATCHIT_DATA"),
    variable("FILES_MAX_SIZE", "25M", "the size of one file: K, M or G"),
    variable("FILES_MAX_COUNT", "10", "files of one upload"),
    variable("FILES_DAILY_QUOTA", "1G", "what one account may upload in 24 hours"),
    variable("FILES_DAILY_COUNT", "5000", "how many files one account may upload in 24 hours"),
    variable("AWS_ENDPOINT_URL", "Amazon's", "where the bucket of FILES_URL is"),
    variable("AWS_REGION", "us-east-1", "the region of the bucket of FILES_URL"),
    variable("AWS_ACCESS_KEY_ID", "unset", "opens the bucket of FILES_URL; required with it"),
    variable("AWS_SECRET_ACCESS_KEY", "unset", "opens the bucket of FILES_URL; required with it"),
    variable("RUST_LOG", "info", "which log lines are written"),
    variable("LOG_FORMAT", "text", "text or json"),
];

/// The settings as a text for `--help`.
#[must_use]
pub fn help() -> String {
    let mut text = String::from(
        "Settings, from the environment, then .env.local, .env and chatchit.toml of the working folder:\n\n",
    );
    for Variable { name, default, meaning } in &VARIABLES {
        let _ = writeln!(text, "  {name:<20} {meaning} [default: {default}]");
    }
    text
}
