//! Who could see a conversation.

use super::{asked::moment, auditor::Auditor, state::asked};
use crate::routes::{page::Parameters, request::Id};
use axum::{Json, extract::State};
use domain::{AggregateType, AudienceChange, ConversationId, Timestamp, UserId, audit::Question};
use event_store::{Moment, OpenError, Position, RecordedEvent, StreamId};
use operations::App;
use protocol::Problem;
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use utoipa::ToSchema;

/// Events of its stream that are read, and held, at a time.
const PORTION: u32 = 1_024;

/// Who could see a conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Viewers {
    /// The conversation.
    #[schema(value_type = Uuid)]
    conversation_id: ConversationId,
    /// They.
    items: Vec<Viewer>,
}

/// Somebody who could see a conversation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Viewer {
    /// The user.
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

/// The people who can see a conversation now, or could at a time or position, with since when. At a position it is
/// exact: the event's recipients there, including one who left by it. Reading it is itself recorded.
#[utoipa::path(
    get, path = "/admin/audit/conversations/{id}/viewers", operation_id = "listViewers", tag = "audit",
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
    let mut audience = Audience { at, ..Audience::default() };
    while !audience.is_over {
        let events = app.store.load_some(stream, audience.version, None, PORTION).await?;
        audience.is_over = events.len() < PORTION as usize;
        audience.hear(&app, &events).await?;
    }
    if audience.version == 0 {
        return Err(Problem::not_found());
    }
    Ok(Json(Viewers { conversation_id: conversation, items: audience.viewers.into_values().collect() }))
}

/// Who could see a conversation, as far as its stream was read. Audiences change by events of the conversation's own stream
/// alone: the same as the intervals in the inbox, which is written from them.
#[derive(Default)]
struct Audience {
    at: Option<Moment>,
    /// The sequence of the last event that was applied.
    version: u64,
    /// Nothing that follows is asked for.
    is_over: bool,
    viewers: BTreeMap<UserId, Viewer>,
}

impl Audience {
    /// Applies the next events of the stream.
    async fn hear(&mut self, app: &App, events: &[Arc<RecordedEvent>]) -> Result<(), OpenError> {
        for event in events {
            let record = &event.record;
            self.version = record.sequence;
            if self.at.is_some_and(|at| !at.is_at_or_after(record)) {
                self.is_over = true;
                break;
            }
            let (position, at, event_type) = (record.position, record.recorded_at, record.event_type.clone());
            let change = Change { position, at, event_type };
            for about in app.store.open_event(event).await?.recipients(record.aggregate_id) {
                match about.change {
                    AudienceChange::Join => {
                        let since = change.clone();
                        let viewer = Viewer { user_id: about.user, since, until: None };
                        self.viewers.entry(about.user).or_insert(viewer);
                    }
                    AudienceChange::Leave if self.at == Some(Moment::At(position)) => {
                        let viewer = self.viewers.get_mut(&about.user);
                        viewer.into_iter().for_each(|viewer| viewer.until = Some(change.clone()));
                    }
                    AudienceChange::Leave => drop(self.viewers.remove(&about.user)),
                    AudienceChange::None => {}
                }
            }
        }
        Ok(())
    }
}
