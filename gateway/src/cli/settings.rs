//! `chatchit config check`, and the configuration of the other verbs.

use super::{
    logging::filter,
    output::{Colour, coloured, say},
};
use anyhow::{Result, bail};
use config::{Config, Faults, Origin, Sources};
use monitoring::alerts::RULES;
use serde_json::json;

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

/// The configuration that the sources amount to.
///
/// # Errors
/// All faults.
pub(super) fn of(sources: &Sources) -> Result<Config, Faults> {
    let mut faults = Vec::new();
    if let Err(fault) = filter(sources.get("RUST_LOG").unwrap_or("info")) {
        faults.push(fault);
    }
    match Config::from_sources(sources) {
        Ok(config) => {
            faults.extend(unknown_rules(&config));
            if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
        }
        Err(Faults(others)) => Err(Faults(others.into_iter().chain(faults).collect())),
    }
}

/// Thresholds of alert rules that this build does not have.
fn unknown_rules(config: &Config) -> impl Iterator<Item = String> {
    let is_known = |name: &str| RULES.iter().any(|rule| rule.name == name);
    let unknown = config.alert_thresholds.iter().filter(move |threshold| !is_known(&threshold.rule));
    unknown.map(|threshold| {
        format!("ALERT_THRESHOLDS: {} is no rule; docs/runbook.md has a section for each", threshold.rule)
    })
}

/// What is allowed, and probably not meant.
pub(super) fn warnings(sources: &Sources, config: Option<&Config>) -> Vec<String> {
    let mut warnings = sources.warnings.clone();
    let Some(config) = config else { return warnings };
    if config.production && !config.rate_limits {
        warnings.push("RATE_LIMITS is off in production: nobody is limited, and spam is not filtered".to_owned());
    }
    if config.production && config.allowed_origins.iter().any(|origin| origin == "*") {
        warnings.push("ALLOWED_ORIGINS is * in production: pages of any site may call".to_owned());
    }
    warnings
}

pub(super) fn check(options: &Options) -> Result<()> {
    let sources = Sources::here();
    let config = of(&sources);
    let warnings = warnings(&sources, config.as_ref().ok());
    let faults = config.err().map(|Faults(faults)| faults).unwrap_or_default();
    if options.json {
        let settings = sources
            .in_force()
            .map(|setting| json!({"name": setting.name, "value": setting.value, "from": setting.origin.to_string()}));
        let settings: Vec<_> = settings.collect();
        say(
            &json!({"ok": faults.is_empty(), "faults": faults, "warnings": warnings, "settings": settings}).to_string()
        )?;
    } else {
        for setting in sources.in_force() {
            let from = match setting.origin {
                Origin::Default => "default".to_owned(),
                origin => format!("from {origin}"),
            };
            say(&format!("{:<28} {} ({from})", setting.name, setting.value))?;
        }
        for warning in &warnings {
            say(&format!("{} {warning}", coloured("warning:", Colour::Yellow)))?;
        }
        for fault in &faults {
            say(&format!("{} {fault}", coloured("fault:", Colour::Red)))?;
        }
    }
    match faults.len() {
        0 => Ok(()),
        1 => bail!("the configuration has a fault"),
        count => bail!("the configuration has {count} faults"),
    }
}
