//! Who could see a conversation.

use super::{asked::moment, auditor::Auditor, state::asked};
use crate::{App, Problem, rest::page::Parameters, rest::request::Id};
use axum::{Json, extract::State};
use domain::{AggregateType, ConversationId, Presence, Timestamp, UserId, audit::Question};
use event_store::{Moment, OpenError, Position, RecordedEvent, StreamId};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use utoipa::ToSchema;

/// Who could see a conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Viewers {
    /// Which.
    #[schema(value_type = Uuid)]
    conversation_id: ConversationId,
    /// They.
    items: Vec<Viewer>,
}

/// Somebody who could see a conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Viewer {
    /// Who.
    #[schema(value_type = Uuid)]
    user_id: UserId,
    /// The event by which they came: the first of the conversation that they received.
    since: Change,
    /// The event by which they left, when that is the very position asked for: the last that they received.
    until: Option<Change>,
}

/// An event by which an audience changed.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Change {
    /// Its position.
    position: Position,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `member.added` …
    #[serde(rename = "type")]
    event_type: String,
}

/// Who can see a conversation now, or could at a time or position, with since when. At a position it is exact: whoever
/// received the event there, the one by which they left included. Reading it is itself recorded.
#[utoipa::path(
    get, path = "/admin/audit/conversations/{id}/viewers", tag = "audit",
    params(
        ("id" = Uuid, Path), ("at" = Option<String>, Query, description = "a position, or an RFC 3339 time"),
    ),
    responses((status = 200, body = Viewers))
)]
pub(super) async fn viewers(
    State(app): State<App>,
    auditor: Auditor,
    Id(conversation): Id<ConversationId>,
    parameters: Parameters,
) -> Result<Json<Viewers>, Problem> {
    let at = moment(&parameters)?;
    auditor.record(&app, Question::Viewers, asked(AggregateType::Conversation, conversation.0, at)).await?;
    let stream = StreamId::new(AggregateType::Conversation, conversation);
    let events = app.store.load(stream, 0).await?;
    if events.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(Json(Viewers { conversation_id: conversation, items: audience(&app, &events, at).await? }))
}

/// Audiences change by events of the conversation's own stream alone: the same as the intervals in the inbox, which is
/// written from them.
async fn audience(app: &App, events: &[Arc<RecordedEvent>], at: Option<Moment>) -> Result<Vec<Viewer>, OpenError> {
    let mut viewers: BTreeMap<UserId, Viewer> = BTreeMap::new();
    for event in events {
        let record = &event.record;
        if at.is_some_and(|at| !at.is_at_or_after(record)) {
            break;
        }
        let (position, at_time, event_type) = (record.position, record.recorded_at, record.event_type.clone());
        let change = Change { position, at: at_time, event_type };
        for about in app.store.open_event(event).await?.about(record.aggregate_id) {
            match about.presence {
                Presence::Enters => {
                    let since = change.clone();
                    viewers.entry(about.user).or_insert(Viewer { user_id: about.user, since, until: None });
                }
                Presence::Leaves if at == Some(Moment::At(position)) => {
                    let viewer = viewers.get_mut(&about.user);
                    viewer.into_iter().for_each(|viewer| viewer.until = Some(change.clone()));
                }
                Presence::Leaves => drop(viewers.remove(&about.user)),
                Presence::Told => {}
            }
        }
    }
    Ok(viewers.into_values().collect())
}
