//! The machine, and the command that was run on it.

use serde_json::{Value, json};
use std::fs;

/// What a figure depends on.
pub(crate) fn describe() -> Value {
    let cores = std::thread::available_parallelism().map(usize::from).unwrap_or_default();
    json!({
        "at": clock::now(),
        "version": env!("CARGO_PKG_VERSION"),
        "command": std::env::args().map(|argument| without_password(&argument)).collect::<Vec<_>>().join(" "),
        "cores": cores,
        "processor": field("/proc/cpuinfo", "model name"),
        "memoryMib": field("/proc/meminfo", "MemTotal").and_then(|text| mib(&text)),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").ok().map(|text| text.trim().to_owned()),
    })
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    value.map(|value| value.trim().to_owned())
}

fn mib(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

/// A URL without its user and password; anything else as it is.
fn without_password(argument: &str) -> String {
    let Some((scheme, rest)) = argument.split_once("://") else { return argument.to_owned() };
    let authority = rest.find(['/', '?']).unwrap_or(rest.len());
    let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}://{}", &rest[host..])
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn the_command_is_shown_without_passwords() {
        assert_eq!(without_password("postgres://user:p@ss@host:5/d?x=y"), "postgres://host:5/d?x=y");
        assert_eq!(without_password("--rabbitmq-url=amqp://host"), "--rabbitmq-url=amqp://host");
        assert_eq!(without_password("--rate"), "--rate");
    }
}
