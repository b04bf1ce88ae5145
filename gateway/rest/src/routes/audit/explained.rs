//! The causes and effects of an event, each list bounded.

use super::events::opened;
use audit::AuditEvent;
use domain::{AggregateType, Lane, Timestamp, UserId};
use event_store::{Position, ReadError, Record, RecordedEvent, StreamId};
use jobs::Reactor;
use operations::App;
use projections::{
    Projection,
    audit::{AuditFilter, Order, parked_at},
    queries::{PAGE_BYTES, PassedMarkerRow},
};
use protocol::Problem;
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// The most events of one request in an answer.
const CORRELATED: usize = 100;
/// The most causes in an answer.
const CAUSES: usize = 32;
/// The most effects in an answer, and their depth.
const EFFECTS: u32 = 200;
const DEPTH: usize = 16;
/// The most read markers in an answer.
const MARKERS: u32 = 1_000;

/// An event with its causes and effects.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Explained {
    /// The event.
    event: AuditEvent,
    /// The command it came of.
    command: Command,
    /// The event that caused it, the one that caused that, and so on; at most 32, and about a mebibyte.
    causes: Vec<AuditEvent>,
    /// What it caused, and what that caused, in position order; at most 200, and about a mebibyte.
    effects: Vec<AuditEvent>,
    /// Whether there is more of what it caused.
    more_effects: bool,
    /// Who has passed it.
    passed: Passed,
    /// For an event of a message: whose read markers have passed the message; at most 1,000.
    markers: Vec<Marker>,
    /// Causes and effects up to this position are listed.
    indexed_to: Position,
}

/// A command and what it did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Command {
    /// Its idempotency key; a keyed hash, if a client made it up.
    key: String,
    /// The actor.
    actor_id: Option<Uuid>,
    /// The request.
    correlation_id: Option<Uuid>,
    /// The other events of the request, those that were caused further on included, in position order; at most 100,
    /// and about a mebibyte.
    events: Vec<AuditEvent>,
    /// Whether there are more.
    more: bool,
}

/// Who has passed an event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Passed {
    /// The projections that take such events.
    projections: Vec<ProjectionPassed>,
    /// The reactors.
    reactors: Vec<ReactorPassed>,
    /// The feed of the graph; null when the graph is away.
    graph: Option<FeedPassed>,
    /// The audit index.
    audit_index: FeedPassed,
}

/// A projection, and whether it has passed the event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectionPassed {
    /// Its name.
    name: &'static str,
    /// How far it has come in the event's lane.
    checkpoint: Position,
    /// Whether that is past the event.
    passed: bool,
    /// `waiting`, `given_up` or `behind` when it could not apply the event; else null.
    parked: Option<String>,
}

/// A reactor, and whether it has passed the event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReactorPassed {
    /// Its name.
    name: &'static str,
    /// How far it has come in the event's lane, as it has last noted.
    checkpoint: Position,
    /// Whether that is past the event.
    passed: bool,
}

/// A feed, and whether it has passed the event.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FeedPassed {
    /// How far it has come.
    checkpoint: Position,
    /// Whether that is past the event.
    passed: bool,
}

/// A read marker that has passed a message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Marker {
    /// The user.
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// Up to where they have read, in private too.
    read_seq: u64,
    /// Up to where it has come to a device of theirs.
    delivered_seq: u64,
    /// When they showed that they had read it.
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
    /// When it was said to have come.
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
}

/// Finds them.
pub(super) async fn explain(app: &App, event: &RecordedEvent, indexed_to: Position) -> Result<Explained, Problem> {
    let record = &event.record;
    let (effects, more_effects) = effects(app, record.position).await?;
    let (effects, is_cut) = opened(&app.store, &effects).await?;
    Ok(Explained {
        event: AuditEvent::opened(&app.store, event).await?,
        command: command(app, record).await?,
        causes: causes(app, record).await?,
        effects,
        more_effects: more_effects || is_cut,
        passed: passed(app, record, indexed_to).await?,
        markers: markers(app, record).await?,
        indexed_to,
    })
}

async fn command(app: &App, record: &Record) -> Result<Command, Problem> {
    let correlation_id = record.origin.correlation_id;
    let (mut positions, mut more) = (Vec::new(), false);
    if correlation_id.is_some() {
        let filter = AuditFilter { correlation_id, ..AuditFilter::default() };
        let page = app.audit.search(&filter, Order::Oldest, None, CORRELATED + 1).await?;
        (positions, more) = (page.positions, page.next.is_some());
        positions.retain(|position| *position != record.position);
        more |= positions.len() > CORRELATED;
        positions.truncate(CORRELATED);
    }
    let (events, is_cut) = opened(&app.store, &positions).await?;
    let (key, actor_id) = (record.command_key.clone(), record.origin.actor);
    Ok(Command { key, actor_id, correlation_id, events, more: more || is_cut })
}

async fn causes(app: &App, record: &Record) -> Result<Vec<AuditEvent>, ReadError> {
    let (mut causes, mut next, mut bytes) = (Vec::new(), record.origin.causation_id, 0);
    // A cause stands before its effect: nothing goes round in circles.
    let mut before = record.position;
    while let Some(position) = next.filter(|position| *position < before && causes.len() < CAUSES) {
        let Some(cause) = app.store.read_at(position).await? else { break };
        bytes += cause.record.payload.len();
        if bytes > PAGE_BYTES && !causes.is_empty() {
            break;
        }
        (next, before) = (cause.record.origin.causation_id, position);
        causes.push(AuditEvent::opened(&app.store, &cause).await?);
    }
    Ok(causes)
}

async fn effects(app: &App, position: Position) -> Result<(Vec<Position>, bool), Problem> {
    let (mut all, mut level) = (BTreeSet::new(), vec![position]);
    for _ in 0..DEPTH {
        if level.is_empty() {
            return Ok((all.into_iter().collect(), false));
        }
        let room = EFFECTS - u32::try_from(all.len()).unwrap_or(EFFECTS);
        level = app.audit.caused_by(&level, room + 1).await?;
        if level.len() > room as usize {
            all.extend(level.into_iter().take(room as usize));
            return Ok((all.into_iter().collect(), true));
        }
        all.extend(level.iter().copied());
    }
    Ok((all.into_iter().collect(), !level.is_empty()))
}

async fn passed(app: &App, record: &Record, indexed_to: Position) -> Result<Passed, Problem> {
    let (lane, position) = (record.lane, record.position);
    let database = app.audit.database();
    let checkpoints = projections::checkpoints(database).await?;
    let mut all = Vec::new();
    for projection in Projection::ALL.into_iter().filter(|projection| projection.takes(&record.aggregate_type)) {
        let checkpoint = checkpoints.get(&(projection, lane.partition)).copied().unwrap_or_default();
        let checkpoint = projections::mark(checkpoint.marks, lane.tier);
        let parked = parked_at(database, projection, position).await?;
        let passed = checkpoint >= position;
        all.push(ProjectionPassed { name: projection.name(), checkpoint, passed, parked });
    }
    let marks = app.store.reactor_marks(lane).await?;
    let reactor = |reactor: Reactor| {
        let checkpoint = marks.get(reactor.name()).copied().unwrap_or_default();
        ReactorPassed { name: reactor.name(), checkpoint, passed: checkpoint >= position }
    };
    Ok(Passed {
        projections: all,
        reactors: Reactor::ALL.into_iter().map(reactor).collect(),
        graph: graph_mark(app, lane).await.map(|checkpoint| feed(checkpoint, position)),
        audit_index: feed(indexed_to, position),
    })
}

const fn feed(checkpoint: Position, position: Position) -> FeedPassed {
    FeedPassed { checkpoint, passed: checkpoint >= position }
}

async fn graph_mark(app: &App, lane: Lane) -> Option<Position> {
    let epoch = app.graph.graph().epoch().await.ok()??;
    Some(epoch.marks().await.ok()?.lanes.get(&lane).copied().unwrap_or_default())
}

async fn markers(app: &App, record: &Record) -> Result<Vec<Marker>, Problem> {
    if record.aggregate_type != AggregateType::Message.as_str() {
        return Ok(Vec::new());
    }
    let sent = app.store.load_many(&[(StreamId::new(AggregateType::Message, record.aggregate_id), 1)]).await?;
    let Some(sent) = sent.first().map(|sent| &sent.record) else { return Ok(Vec::new()) };
    let marker = |row: PassedMarkerRow| {
        let PassedMarkerRow { user, read_seq, delivered_seq, read_at, delivered_at } = row;
        Marker { user_id: user, read_seq, delivered_seq, read_at, delivered_at }
    };
    let passed = app.queries.passed(sent.scope.into(), sent.scope_seq, MARKERS).await?;
    Ok(passed.into_iter().map(marker).collect())
}
