//! Each rule raises and clears, and nothing in between does.

use super::*;
use crate::{
    Process, Series,
    alerts::{
        RULES,
        testing::{process, series},
    },
};
use std::collections::BTreeSet;

const FRESH: Duration = Duration::from_secs(20);
/// Between two steps, in milliseconds.
const EVERY: i64 = 5_000;

/// The alerts over time, as a table keeps them.
#[derive(Default)]
struct Watch {
    known: BTreeMap<Key, Known>,
    now: i64,
}

impl Watch {
    /// What is raised and cleared by the figures of now; then some time passes.
    fn step(&mut self, rules: &[Rule], processes: Vec<Process>) -> Vec<(Key, Change)> {
        let installation = Installation::new(processes, FRESH);
        let mut changes = Vec::new();
        for Step { key, known, is_over, change } in steps(rules, &self.known, &installation, self.now, 1.0) {
            changes.extend(change.map(|change| (key.clone(), change)));
            if is_over {
                self.known.remove(&key)
            } else {
                self.known.insert(key, known)
            };
        }
        self.now += EVERY;
        changes
    }

    /// Steps with the same figures until something changes; `None` if nothing does in ten minutes. With it, the
    /// milliseconds that passed before.
    fn until(&mut self, processes: &[Process]) -> Option<(Vec<(Key, Change)>, i64)> {
        let begun = self.now;
        (0..120).find_map(|_| {
            let passed = self.now - begun;
            let changes = self.step(RULES, processes.to_vec());
            (!changes.is_empty()).then_some((changes, passed))
        })
    }
}

/// A histogram of a window of ten seconds with this many values below a tenth of a second, and one that took ten.
fn took(name: &str, labels: &[(&str, &str)], fast: f64, slow: f64) -> Series {
    let all = fast + slow;
    let recent = vec![(0.05, fast), (10.0, all)];
    Series { rate: Some(all / 10.0), recent, recent_sum: Some(slow * 10.0), ..series(name, labels, all, None) }
}

/// The figures that raise a rule's alert, and the subject of it.
fn amiss(rule: &str) -> (Vec<Process>, &'static str) {
    let one = |series| vec![process(1, 0, vec![series])];
    match rule {
        "ProcessGone" => (vec![process(1, 0, Vec::new()), process(2, 20_001, Vec::new())], "host-2:80"),
        "DatabaseAway" => (one(series("chatchit_engine_up", &[("engine", "database")], 0.0, None)), "database"),
        "EngineAway" => (one(series("chatchit_engine_up", &[("engine", "redis")], 0.0, None)), "redis"),
        "ReadModelsBehind" => {
            (one(series("chatchit_projection_lag_events", &[("projection", "users")], 1_000.0, None)), "users")
        }
        "EventsWait" => (one(series("chatchit_lane_oldest_seconds", &[("tier", "high")], 11.0, None)), "high"),
        "Stalled" => {
            let mut stalled = process(1, 0, Vec::new());
            stalled.figures.stalled = vec!["hub".to_owned()];
            (vec![stalled], "hub")
        }
        "DeadLetters" => (one(series("chatchit_given_up", &[("what", "events")], 1.0, None)), "events"),
        "CommandsSlow" => (one(took("chatchit_append_seconds", &[("tier", "high")], 50.0, 50.0)), "high"),
        "PushesSlow" => (one(took("chatchit_push_seconds", &[("tier", "medium")], 50.0, 50.0)), "medium"),
        "CommitsSlow" => (one(took("chatchit_append_commit_seconds", &[], 50.0, 50.0)), "log"),
        "ServerErrors" => {
            let requests =
                |status, rate| series("chatchit_http_requests_total", &[("status", status)], 1.0, Some(rate));
            (vec![process(1, 0, vec![requests("200", 9.0), requests("503", 1.0)])], "http")
        }
        "JobFails" => (one(series("chatchit_job_failed_rounds", &[("job", "files.keep")], 1.0, None)), "files.keep"),
        "ConnectionsScarce" => {
            // One alone fits.
            let takes = || {
                vec![
                    series("chatchit_sql_connections_max", &[], 34.0, None),
                    series("chatchit_postgres_connections_max", &[], 60.0, None),
                ]
            };
            (vec![process(1, 0, takes()), process(2, 0, takes())], "postgres")
        }
        "DiskNearlyFull" => {
            let disk = |what, bytes| series("chatchit_disk_bytes", &[("what", what)], bytes, None);
            (vec![process(1, 0, vec![disk("all", 100.0), disk("free", 5.0)])], "host-1:80")
        }
        other => panic!("{other} has no test"),
    }
}

/// The figures of two processes that are well.
fn well() -> Vec<Process> {
    let series = vec![
        series("chatchit_engine_up", &[("engine", "database")], 1.0, None),
        series("chatchit_engine_up", &[("engine", "redis")], 1.0, None),
        series("chatchit_projection_lag_events", &[("projection", "users")], 20.0, None),
        series("chatchit_lane_oldest_seconds", &[("tier", "high")], 0.5, None),
        series("chatchit_given_up", &[("what", "events")], 0.0, None),
        took("chatchit_append_seconds", &[("tier", "high")], 100.0, 0.0),
        took("chatchit_push_seconds", &[("tier", "medium")], 100.0, 0.0),
        took("chatchit_append_commit_seconds", &[], 100.0, 0.0),
        series("chatchit_http_requests_total", &[("status", "200")], 1.0, Some(9.0)),
        series("chatchit_job_failed_rounds", &[("job", "files.keep")], 0.0, None),
        series("chatchit_sql_connections_max", &[], 34.0, None),
        series("chatchit_postgres_connections_max", &[], 97.0, None),
        series("chatchit_disk_bytes", &[("what", "all")], 100.0, None),
        series("chatchit_disk_bytes", &[("what", "free")], 50.0, None),
    ];
    vec![process(1, 4_000, series.clone()), process(2, 0, series)]
}

#[test]
fn each_rule_raises_after_its_time_and_clears_after_its_other_time() {
    for rule in RULES {
        let mut watch = Watch::default();
        assert_eq!(watch.until(&well()), None, "nothing is amiss");
        let (figures, subject) = amiss(rule.name);
        let key = (rule.name.to_owned(), subject.to_owned());
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap();
        let (raised, passed) = watch.until(&figures).unwrap_or_else(|| panic!("{} is not raised", rule.name));
        assert_eq!(raised, [(key.clone(), Change::Raised)]);
        assert_eq!(passed, millis(rule.raise_after), "{}", rule.name);
        assert_eq!(watch.until(&figures), None, "{} is raised once", rule.name);
        let (cleared, passed) = watch.until(&well()).unwrap_or_else(|| panic!("{} is not cleared", rule.name));
        assert_eq!((cleared, passed), (vec![(key, Change::Cleared)], millis(rule.clear_after)), "{}", rule.name);
        assert!(watch.known.is_empty());
        assert_eq!(watch.until(&well()), None);
    }
}

#[test]
fn a_moment_raises_nothing_and_a_relapse_clears_nothing() {
    let rule = RULES.iter().copied().find(|rule| rule.name == "ReadModelsBehind").unwrap();
    let lag = |events: f64| {
        vec![process(1, 0, vec![series("chatchit_projection_lag_events", &[("projection", "users")], events, None)])]
    };
    let mut watch = Watch::default();
    // 25 s each, of 30 that it takes.
    for _ in 0..3 {
        for _ in 0..6 {
            assert_eq!(watch.step(&[rule], lag(5_000.0)), []);
        }
        assert_eq!(watch.step(&[rule], lag(500.0)), [], "between the thresholds nothing is amiss");
    }
    for _ in 0..6 {
        assert_eq!(watch.step(&[rule], lag(5_000.0)), []);
    }
    let key = ("ReadModelsBehind".to_owned(), "users".to_owned());
    assert_eq!(watch.step(&[rule], lag(5_000.0)), [(key.clone(), Change::Raised)]);
    // 10 s each, of 15 that it takes.
    for _ in 0..3 {
        for _ in 0..3 {
            assert_eq!(watch.step(&[rule], lag(50.0)), []);
        }
        assert_eq!(watch.step(&[rule], lag(500.0)), [], "between the thresholds it is not well");
    }
    for _ in 0..3 {
        assert_eq!(watch.step(&[rule], lag(50.0)), []);
    }
    assert_eq!(watch.step(&[rule], lag(50.0)), [(key, Change::Cleared)]);
}

#[test]
fn whatever_is_measured_raised_and_cleared_take_turns() {
    // Steps through all values of a walk of 3 figures and 9 steps: 19,683 histories.
    let rule = RULES.iter().copied().find(|rule| rule.name == "EventsWait").unwrap();
    let age = |seconds: f64| {
        vec![process(1, 0, vec![series("chatchit_lane_oldest_seconds", &[("tier", "high")], seconds, None)])]
    };
    let figures = [age(0.0), age(5.0), age(50.0)];
    for mut walk in 0..3_usize.pow(9) {
        let (mut watch, mut is_raised) = (Watch::default(), false);
        for _ in 0..9 {
            for (_, change) in watch.step(&[rule], figures[walk % 3].clone()) {
                assert_eq!(change, if is_raised { Change::Cleared } else { Change::Raised });
                is_raised = !is_raised;
            }
            walk /= 3;
        }
        let known = watch.known.values().any(|known| known.raised_at.is_some());
        assert_eq!(known, is_raised, "what is known is what was said");
    }
}

#[test]
fn alerts_are_bounded() {
    let processes: Vec<_> = (0..2 * MOST as u128).map(|n| process(n, 90_000, Vec::new())).collect();
    let mut watch = Watch::default();
    for _ in 0..5 {
        watch.step(RULES, processes.clone());
    }
    assert_eq!(watch.known.len(), MOST);
}

#[test]
fn each_rule_has_a_section_of_the_runbook_and_each_section_a_rule() {
    let runbook = include_str!("../../../../../docs/runbook.md");
    let prometheus = include_str!("../../../../../deploy/prometheus/alerts.yml");
    let sections: BTreeSet<_> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let rules: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(rules.len(), RULES.len());
    assert!(rules.is_subset(&sections), "without a section: {:?}", rules.difference(&sections));
    let of_prometheus = prometheus.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let known: BTreeSet<_> = rules.into_iter().chain(of_prometheus).collect();
    assert!(sections.is_subset(&known), "without a rule: {:?}", sections.difference(&known));
    assert!(RULES.iter().all(|rule| rule.clear <= rule.raise && rule.says.contains("{subject}")));
}
