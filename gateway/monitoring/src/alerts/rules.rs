//! The rules: what is measured, when it is amiss, and when it is well again. Each has its section in `docs/runbook.md`.

use crate::{
    Installation,
    dashboard::{engines, stalled, target},
    health::failed_share,
};
use config::AlertThreshold;
use domain::Tier;
use protocol::Severity;
use std::{collections::BTreeMap, time::Duration};

/// What is measured: a value for each subject. One that is not named is well.
type Measure = fn(&Installation) -> BTreeMap<String, f64>;

/// A rule. Between `clear` and `raise` an alert stays as it is, and none begins.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name: a heading of `docs/runbook.md`.
    pub name: &'static str,
    /// How urgent its alerts are.
    pub severity: Severity,
    /// A value of at least this is amiss …
    pub raise: f64,
    /// … and an alert is raised when it has been for this long.
    pub raise_after: Duration,
    /// A value below this is well …
    pub clear: f64,
    /// … and the alert is cleared when it has been for this long.
    pub clear_after: Duration,
    /// What an alert says, of `{subject}` and `{value}`.
    pub says: &'static str,
    /// What is measured.
    pub measure: Measure,
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Commands and pushes of a window, of fewer of which a percentile says nothing.
const FEW_SAMPLES: f64 = 20.0;

/// All rules.
pub const RULES: &[Rule] = &[
    Rule {
        name: "ProcessGone",
        severity: Severity::Critical,
        raise: 4.0,
        // When the database was away, nobody could publish.
        raise_after: seconds(10),
        clear: 4.0,
        clear_after: seconds(0),
        says: "{subject} has stopped to publish its figures, and did not end in order",
        measure: |all| {
            let silent = all.processes.iter().filter(|process| !all.is_current(process));
            silent.map(|process| (process.instance.clone(), all.missed(process))).collect()
        },
    },
    Rule {
        name: "DatabaseAway",
        severity: Severity::Critical,
        raise: 1.0,
        raise_after: seconds(10),
        clear: 1.0,
        clear_after: seconds(10),
        says: "{value} processes get no answer from the {subject}",
        measure: |all| away(all, true),
    },
    Rule {
        name: "EngineAway",
        severity: Severity::Warning,
        raise: 1.0,
        raise_after: seconds(10),
        clear: 1.0,
        clear_after: seconds(15),
        says: "{value} processes do not reach {subject}",
        measure: |all| away(all, false),
    },
    Rule {
        name: "ReadModelsBehind",
        severity: Severity::Warning,
        raise: 1_000.0,
        raise_after: seconds(30),
        clear: 100.0,
        clear_after: seconds(15),
        says: "the read model {subject} is {value} events behind",
        measure: |all| all.by("chatchit_projection_lag_events", "projection"),
    },
    Rule {
        name: "EventsWait",
        severity: Severity::Warning,
        raise: 10.0,
        raise_after: seconds(10),
        clear: 2.0,
        clear_after: seconds(15),
        says: "the oldest event of the {subject} tier that a read model lacks is {value} s old",
        measure: |all| all.by("chatchit_lane_oldest_seconds", "tier"),
    },
    Rule {
        name: "Stalled",
        severity: Severity::Critical,
        raise: 1.0,
        raise_after: seconds(10),
        clear: 1.0,
        clear_after: seconds(10),
        says: "{subject} does not move",
        measure: |all| stalled(all).into_iter().map(|name| (name, 1.0)).collect(),
    },
    Rule {
        name: "DeadLetters",
        severity: Severity::Critical,
        raise: 1.0,
        raise_after: seconds(0),
        clear: 1.0,
        clear_after: seconds(0),
        says: "{value} {subject} failed at every try and were given up",
        measure: |all| all.by("chatchit_given_up", "what"),
    },
    Rule {
        name: "CommandsSlow",
        severity: Severity::Warning,
        raise: 1.0,
        raise_after: seconds(60),
        clear: 0.7,
        clear_after: seconds(60),
        says: "the 99th percentile of commands of the {subject} tier is {value} times its target",
        measure: |all| slow(all, "chatchit_append_seconds"),
    },
    Rule {
        name: "PushesSlow",
        severity: Severity::Warning,
        raise: 1.0,
        raise_after: seconds(60),
        clear: 0.7,
        clear_after: seconds(60),
        says: "the 99th percentile of pushes of the {subject} tier is {value} times its target",
        measure: |all| slow(all, "chatchit_push_seconds"),
    },
    Rule {
        name: "CommitsSlow",
        severity: Severity::Warning,
        raise: 0.2,
        raise_after: seconds(60),
        clear: 0.1,
        clear_after: seconds(60),
        says: "the 99th percentile of commits of the {subject} is {value} s",
        measure: |all| {
            let commits =
                all.latency("chatchit_append_commit_seconds", &[]).filter(|commits| commits.count >= FEW_SAMPLES);
            commits.map(|commits| ("log".to_owned(), commits.p99)).into_iter().collect()
        },
    },
    Rule {
        name: "ServerErrors",
        severity: Severity::Warning,
        raise: 0.01,
        raise_after: seconds(30),
        clear: 0.002,
        clear_after: seconds(60),
        says: "a share of {value} of {subject} requests fails with 5xx",
        measure: |all| failed_share(all).map(|share| ("http".to_owned(), share)).into_iter().collect(),
    },
    Rule {
        name: "JobFails",
        severity: Severity::Warning,
        raise: 1.0,
        // Some rounds come every hour: the first one that fails counts.
        raise_after: seconds(60),
        clear: 1.0,
        clear_after: seconds(0),
        says: "{value} rounds of the job {subject} failed, and none was done since",
        measure: |all| all.by("chatchit_job_failed_rounds", "job"),
    },
    Rule {
        name: "ConnectionsScarce",
        severity: Severity::Warning,
        raise: 1.0,
        // During an upgrade there may be one process more.
        raise_after: seconds(60),
        clear: 1.0,
        clear_after: seconds(30),
        says: "all processes together may take {value} times the connections that {subject} has for them",
        measure: connections,
    },
    Rule {
        name: "DiskNearlyFull",
        severity: Severity::Critical,
        raise: 0.9,
        raise_after: seconds(30),
        clear: 0.85,
        clear_after: seconds(30),
        says: "the disk of the data folder of {subject} is full to a share of {value}",
        measure: full_disks,
    },
];

/// The rules with these thresholds in place of their own. Below which value all is well keeps its proportion.
#[must_use]
pub fn with_thresholds(thresholds: &[AlertThreshold]) -> Vec<Rule> {
    let of = |rule: &Rule| match thresholds.iter().rfind(|threshold| threshold.rule == rule.name) {
        Some(AlertThreshold { raise, .. }) => Rule { raise: *raise, clear: raise * rule.clear / rule.raise, ..*rule },
        None => *rule,
    };
    RULES.iter().map(of).collect()
}

/// The engines that processes do not reach: the database, or the others.
fn away(all: &Installation, database: bool) -> BTreeMap<String, f64> {
    let engines = engines(all).into_iter().filter(|engine| !engine.up && (engine.engine == "database") == database);
    engines.map(|engine| (engine.engine, engine.missing_in.len() as f64)).collect()
}

/// How many times their target the tiers take.
fn slow(all: &Installation, metric: &str) -> BTreeMap<String, f64> {
    let of_tier = |tier: Tier| {
        let took = all.latency(metric, &[("tier", tier.as_str())]).filter(|took| took.count >= FEW_SAMPLES)?;
        Some((tier.as_str().to_owned(), took.p99 / target(tier)))
    };
    Tier::DURABLE.into_iter().filter_map(of_tier).collect()
}

/// How many times the connections of Postgres the processes may take together.
fn connections(all: &Installation) -> BTreeMap<String, f64> {
    let room = all.value("chatchit_postgres_connections_max", &[]).filter(|room| *room > 0.0);
    let share = room.zip(all.value("chatchit_sql_connections_max", &[])).map(|(room, taken)| taken / room);
    share.map(|share| ("postgres".to_owned(), share)).into_iter().collect()
}

/// How full the disks of the data folders are.
fn full_disks(all: &Installation) -> BTreeMap<String, f64> {
    let disk = |process: &crate::Process, what: &str| {
        let mut disks = process.figures.series.iter().filter(|series| series.name == "chatchit_disk_bytes");
        disks.find(|series| series.labels.get("what").is_some_and(|known| known == what)).map(|series| series.value)
    };
    let used = |process: &crate::Process| {
        let (size, free) = (disk(process, "all").filter(|size| *size > 0.0)?, disk(process, "free")?);
        Some((process.instance.clone(), 1.0 - free / size))
    };
    all.current().filter_map(used).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_replaced_in_proportion() {
        let threshold = |raise| AlertThreshold { rule: "EventsWait".to_owned(), raise };
        let of = |thresholds: &[AlertThreshold]| {
            let rules = with_thresholds(thresholds);
            assert_eq!(rules.len(), RULES.len());
            let wait = rules.iter().find(|rule| rule.name == "EventsWait").unwrap();
            (wait.raise, wait.clear)
        };
        assert_eq!(of(&[]), (10.0, 2.0));
        assert_eq!(of(&[threshold(1.0), threshold(30.0)]), (30.0, 6.0), "the last one holds");
        assert_eq!(of(&[threshold(0.0)]), (0.0, 0.0));
    }
}
