//! Filters of events, and the index that serves each.

use domain::Timestamp;
use event_store::Position;
use sql::{Engine, Value};
use uuid::Uuid;

/// A filter of events; all given fields must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub actor: Option<Uuid>,
    /// Such as `message.sent`.
    pub event_type: Option<String>,
    /// Such as `message`.
    pub aggregate_type: Option<String>,
    /// The id of the stream.
    pub aggregate_id: Option<Uuid>,
    /// The conversation, else the pair, else the user.
    pub scope: Option<Uuid>,
    /// The request that caused the event.
    pub correlation_id: Option<Uuid>,
    /// The earliest time, inclusive.
    pub from: Option<Timestamp>,
    /// The latest time, inclusive.
    pub to: Option<Timestamp>,
    /// The first position, inclusive.
    pub from_position: Option<Position>,
    /// The last position, inclusive.
    pub to_position: Option<Position>,
}

/// The order of the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Newest,
    Oldest,
}

/// The index that serves a filter, and the conditions left to compare row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// The index; `None`: the primary key.
    pub(super) index: Option<&'static str>,
    /// The conditions that the index serves.
    pub(super) driving: Vec<(&'static str, Value)>,
    /// The conditions compared row by row.
    pub(super) residual: Vec<(&'static str, &'static str, Value)>,
}

/// The indexes with their columns; the first with all columns in the filter is used. The most selective come first: a
/// request has a few events, an aggregate some, a person in a conversation more.
const INDEXES: [(&str, &[&str]); 10] = [
    ("audit_correlation", &["correlation_id"]),
    ("audit_aggregate", &["aggregate_id"]),
    ("audit_actor_scope", &["actor", "scope"]),
    ("audit_scope_type", &["scope", "event_type"]),
    ("audit_actor_type", &["actor", "event_type"]),
    ("audit_scope", &["scope"]),
    ("audit_actor", &["actor"]),
    ("audit_type", &["event_type"]),
    ("audit_aggregate_type", &["aggregate_type"]),
    ("", &[]),
];

impl Plan {
    pub(super) fn of(filter: &AuditFilter) -> Self {
        let mut asked: Vec<(&'static str, Value)> = Vec::new();
        let mut ask = |column, value: Option<Value>| asked.extend(value.map(|value| (column, value)));
        ask("correlation_id", filter.correlation_id.map(Into::into));
        ask("aggregate_id", filter.aggregate_id.map(Into::into));
        ask("actor", filter.actor.map(Into::into));
        ask("scope", filter.scope.map(Into::into));
        ask("event_type", filter.event_type.as_deref().map(Into::into));
        ask("aggregate_type", filter.aggregate_type.as_deref().map(Into::into));
        let is_asked = |column: &&str| asked.iter().any(|(name, _)| name == column);
        let (name, columns) =
            INDEXES.into_iter().find(|(_, columns)| columns.iter().all(is_asked)).unwrap_or(("", &[]));
        let (driving, rest): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(name, _)| columns.contains(name));
        let mut residual: Vec<_> = rest.into_iter().map(|(column, value)| (column, "=", value)).collect();
        // Besides the range of positions for the times, which may include events of other times.
        residual.extend(filter.from.map(|from| ("recorded_at", ">=", from.millis().into())));
        residual.extend(filter.to.map(|to| ("recorded_at", "<=", to.millis().into())));
        Self { index: Some(name).filter(|name| !name.is_empty()), driving, residual }
    }

    /// The table, by this index. Postgres chooses it by itself: no other index gives as few rows in this order.
    pub(super) fn table(&self, engine: Engine) -> String {
        match (engine, self.index) {
            (Engine::Sqlite, Some(index)) => format!("audit_events INDEXED BY {index}"),
            _ => "audit_events".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(filter: &AuditFilter) -> (Option<&'static str>, usize) {
        let plan = Plan::of(filter);
        (plan.index, plan.residual.len())
    }

    #[test]
    fn each_filter_and_the_useful_pairs_have_an_index() {
        let id = Some(Uuid::from_u128(1));
        let word = || Some("message.sent".to_owned());
        let none = AuditFilter::default;
        for (filter, expected) in [
            (none(), (None, 0)),
            (AuditFilter { actor: id, ..none() }, (Some("audit_actor"), 0)),
            (AuditFilter { event_type: word(), ..none() }, (Some("audit_type"), 0)),
            (AuditFilter { aggregate_type: word(), ..none() }, (Some("audit_aggregate_type"), 0)),
            (AuditFilter { aggregate_id: id, ..none() }, (Some("audit_aggregate"), 0)),
            (AuditFilter { scope: id, ..none() }, (Some("audit_scope"), 0)),
            (AuditFilter { correlation_id: id, ..none() }, (Some("audit_correlation"), 0)),
            (AuditFilter { actor: id, event_type: word(), ..none() }, (Some("audit_actor_type"), 0)),
            (AuditFilter { actor: id, scope: id, ..none() }, (Some("audit_actor_scope"), 0)),
            (AuditFilter { scope: id, event_type: word(), ..none() }, (Some("audit_scope_type"), 0)),
            (AuditFilter { actor: id, scope: id, event_type: word(), ..none() }, (Some("audit_actor_scope"), 1)),
            (AuditFilter { actor: id, aggregate_type: word(), ..none() }, (Some("audit_actor"), 1)),
            (AuditFilter { from_position: Some(1), to_position: Some(9), ..none() }, (None, 0)),
            (AuditFilter { actor: id, from: Some(Timestamp::default()), ..none() }, (Some("audit_actor"), 1)),
        ] {
            assert_eq!(index(&filter), expected, "{filter:?}");
        }
    }
}
