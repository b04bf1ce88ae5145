//! The rules over time, pure: from what is known of alerts and what is measured now to what is known then.

use super::Rule;
use crate::Installation;
use std::{collections::BTreeMap, time::Duration};

/// The most alerts, those that are only suspected included: subjects are words of the program, engines and processes.
pub(super) const MOST: usize = 500;

/// A rule and a subject.
pub(super) type Key = (String, String);

/// What is known of an alert that is raised or suspected. Times are milliseconds by the database's clock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The value measured last.
    pub value: f64,
    /// Since when it is amiss.
    pub since: i64,
    /// When it was raised; `None`: it has not been amiss for long enough.
    pub raised_at: Option<i64>,
    /// Since when it is well again; `None`: it is not.
    pub calm_since: Option<i64>,
}

/// What happened to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was raised.
    Raised,
    /// It was cleared.
    Cleared,
}

/// The state of an alert after a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The alert.
    pub key: Key,
    /// What is known now. Of one that was cleared, or no longer suspected, the last that was known.
    pub known: Known,
    /// Whether it is forgotten: it was cleared, or was never raised.
    pub is_over: bool,
    /// What happened to it.
    pub change: Option<Change>,
}

/// What becomes of the alerts in `known` with the figures of now; only those of which something else is known than before.
/// The durations of the rules are multiplied by `pace`.
#[must_use]
pub fn steps(
    rules: &[Rule],
    known: &BTreeMap<Key, Known>,
    installation: &Installation,
    now: i64,
    pace: f64,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut room = MOST.saturating_sub(known.len());
    for rule in rules {
        let measured = (rule.measure)(installation);
        let before = known.range((rule.name.to_owned(), String::new())..);
        let before = before.take_while(|((name, _), _)| name == rule.name);
        let mut subjects: BTreeMap<&str, Option<&Known>> =
            before.map(|((_, subject), known)| (subject.as_str(), Some(known))).collect();
        for subject in measured.keys() {
            subjects.entry(subject.as_str()).or_default();
        }
        for (subject, before) in subjects {
            let value = measured.get(subject).copied();
            let key = || (rule.name.to_owned(), subject.to_owned());
            let step = match before {
                Some(before) => Some(next(rule, before, value, now, pace)),
                None if room == 0 => None,
                None => first(rule, value, now),
            };
            room -= usize::from(before.is_none() && step.is_some());
            if let Some((known, is_over, change)) = step
                && (is_over || before != Some(&known))
            {
                steps.push(Step { key: key(), known, is_over, change });
            }
        }
    }
    steps
}

type Next = (Known, bool, Option<Change>);

/// What becomes of a subject that was well.
fn first(rule: &Rule, value: Option<f64>, now: i64) -> Option<Next> {
    let value = value.filter(|value| *value >= rule.raise)?;
    let is_raised = rule.raise_after.is_zero();
    let known = Known { value, since: now, raised_at: is_raised.then_some(now), calm_since: None };
    Some((known, false, is_raised.then_some(Change::Raised)))
}

/// What becomes of one that was amiss.
fn next(rule: &Rule, before: &Known, value: Option<f64>, now: i64, pace: f64) -> Next {
    let is_amiss = value.is_some_and(|value| value >= rule.raise);
    let is_well = value.is_none_or(|value| value < rule.clear);
    let mut known = Known { value: value.unwrap_or_default(), ..before.clone() };
    let passed =
        |since: i64, duration: Duration| now.saturating_sub(since) as f64 >= duration.as_secs_f64() * 1e3 * pace;
    if before.raised_at.is_none() {
        if !is_amiss {
            return (known, true, None);
        }
        if !passed(before.since, rule.raise_after) {
            return (known, false, None);
        }
        known.raised_at = Some(now);
        return (known, false, Some(Change::Raised));
    }
    if !is_well {
        known.calm_since = None;
        return (known, false, None);
    }
    let calm_since = *known.calm_since.get_or_insert(now);
    if passed(calm_since, rule.clear_after) {
        return (known, true, Some(Change::Cleared));
    }
    (known, false, None)
}

#[cfg(test)]
mod tests;
