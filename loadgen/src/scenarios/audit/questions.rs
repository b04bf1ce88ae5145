//! The searches: each filter alone, the pairs that have an index, and some that have none.

use super::fill::Filled;
use crate::random::Random;
use domain::Timestamp;
use projections::audit::AuditFilter;

pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) filter: fn(&Filled, &mut Random) -> AuditFilter,
}

fn none() -> AuditFilter {
    AuditFilter::default()
}

/// One hour from a time on.
fn hour(filled: &Filled, random: &mut Random, filter: AuditFilter) -> AuditFilter {
    let from = filled.time(random);
    let (from, to) = (Timestamp::from_millis(from), Timestamp::from_millis(from + 3_600_000));
    AuditFilter { from: Some(from), to: Some(to), ..filter }
}

fn event_type(filled: &Filled, random: &mut Random) -> Option<String> {
    Some(filled.kind(random).1.to_owned())
}

pub(crate) const QUESTIONS: [Question; 18] = [
    Question { name: "nothing", filter: |_, _| none() },
    Question { name: "actor", filter: |log, random| AuditFilter { actor: Some(log.actor(random)), ..none() } },
    Question { name: "type", filter: |log, random| AuditFilter { event_type: event_type(log, random), ..none() } },
    Question {
        name: "aggregateType",
        filter: |log, random| AuditFilter { aggregate_type: Some(log.kind(random).0.to_owned()), ..none() },
    },
    Question {
        name: "aggregateId",
        filter: |log, random| AuditFilter { aggregate_id: Some(log.stream(random)), ..none() },
    },
    Question { name: "scope", filter: |log, random| AuditFilter { scope: Some(log.scope(random)), ..none() } },
    Question {
        name: "correlationId",
        filter: |log, random| AuditFilter { correlation_id: Some(log.correlation(random)), ..none() },
    },
    Question { name: "an hour", filter: |log, random| hour(log, random, none()) },
    Question {
        name: "positions",
        filter: |log, random| {
            let from = 1 + random.below(log.events);
            AuditFilter { from_position: Some(from), to_position: Some(from + 10_000), ..none() }
        },
    },
    Question {
        name: "actor, type",
        filter: |log, random| AuditFilter {
            actor: Some(log.actor(random)),
            event_type: event_type(log, random),
            ..none()
        },
    },
    Question {
        name: "actor, scope",
        filter: |log, random| AuditFilter { actor: Some(log.actor(random)), scope: Some(log.scope(random)), ..none() },
    },
    Question {
        name: "scope, type",
        filter: |log, random| AuditFilter {
            scope: Some(log.scope(random)),
            event_type: event_type(log, random),
            ..none()
        },
    },
    Question {
        name: "actor, an hour",
        filter: |log, random| {
            let filter = AuditFilter { actor: Some(log.actor(random)), ..none() };
            hour(log, random, filter)
        },
    },
    Question {
        name: "type, an hour",
        filter: |log, random| {
            let filter = AuditFilter { event_type: event_type(log, random), ..none() };
            hour(log, random, filter)
        },
    },
    Question {
        name: "scope, an hour",
        filter: |log, random| {
            let filter = AuditFilter { scope: Some(log.scope(random)), ..none() };
            hour(log, random, filter)
        },
    },
    Question {
        name: "actor, aggregateType (no index: bounded)",
        filter: |log, random| AuditFilter {
            actor: Some(log.actor(random)),
            aggregate_type: Some(log.kind(random).0.to_owned()),
            ..none()
        },
    },
    Question {
        name: "actor, scope, type (no index: bounded)",
        filter: |log, random| AuditFilter {
            actor: Some(log.actor(random)),
            scope: Some(log.scope(random)),
            event_type: event_type(log, random),
            ..none()
        },
    },
    Question {
        name: "what is never found (bounded)",
        filter: |_, _| AuditFilter {
            event_type: Some("message.sent".to_owned()),
            aggregate_type: Some("nothing".to_owned()),
            ..none()
        },
    },
];
