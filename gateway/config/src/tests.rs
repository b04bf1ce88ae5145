//! The defaults stand as values, as texts of `--help` and `config check`, and in `docs/configuration.md`: all agree.

use crate::{Config, Sources, variables::VARIABLES};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/configuration.md");
/// Defaults that are no value of their setting: they say what an unset one means.
const WORDS: [&str; 5] = ["Amazon's", "found", "generated and stored", "none", "unset"];

/// A configuration as text: a secret in it is not shown.
fn read(settings: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let environment = settings.iter().map(|(name, value)| (name.into(), value.into()));
    let config = Config::from_sources(&Sources::read(environment, folder.path()));
    format!("{:?}", config.unwrap_or_else(|faults| panic!("{faults}")))
}

/// The names between backticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// What the page says from `begin` to `end`.
fn passage(begin: &str, end: &str) -> &'static str {
    PAGE.split_once(begin).and_then(|(_, rest)| rest.split_once(end)).unwrap_or_else(|| panic!("{begin} … {end}")).0
}

#[test]
fn a_default_as_text_is_the_value_that_holds_when_nothing_is_set() {
    assert_eq!(read(&[]), format!("{:?}", Config::default()));
    // With a bucket and a collector, so that their settings count.
    let used = [
        ("FILES_URL", "s3://bucket"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
    ];
    for variable in VARIABLES.iter().filter(|variable| !WORDS.contains(&variable.default)) {
        let settings = [&used[..], &[(variable.name, variable.default)]].concat();
        assert_eq!(read(&settings), read(&used), "{} is not {} by default", variable.name, variable.default);
    }
}

#[test]
fn the_page_lists_every_setting_with_its_default() {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let mut documented = Vec::new();
    for row in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let names: Vec<_> = cells[1].split(", ").map(|name| name.trim_matches('`')).collect();
        let defaults: Vec<_> = cells[2].split(", ").map(|default| default.trim_matches('`')).collect();
        assert!(defaults.len() == 1 || defaults.len() == names.len(), "{row}");
        documented.extend(names.into_iter().zip(defaults.into_iter().cycle()));
    }
    let mut settings: Vec<_> = VARIABLES.iter().map(|variable| (variable.name, variable.default)).collect();
    documented.sort_unstable();
    settings.sort_unstable();
    assert_eq!(documented, settings);
}

#[test]
fn the_page_says_which_secrets_may_be_in_files_and_what_is_reloaded() {
    let in_files = VARIABLES.iter().filter(|variable| variable.file_name().is_some());
    let listed = quoted(passage("That holds for", "To set both the name and its file"));
    assert_eq!(listed, in_files.map(|variable| variable.name).collect::<BTreeSet<_>>());
    let reloaded = VARIABLES.iter().filter(|variable| variable.reloaded);
    let listed = quoted(passage("a server takes over new values of", "All others need a restart"));
    assert_eq!(listed, reloaded.map(|variable| variable.name).collect::<BTreeSet<_>>());
}
