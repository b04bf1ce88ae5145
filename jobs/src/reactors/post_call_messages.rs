//! Posts the message that records a call in its conversation, once the call is over.

use commands::{Actor, CommandError, Commands, Context, SendMessage};
use domain::{
    AggregateType, CallId, EventType,
    call::{CallStatus, CallType, EndReason, duration},
    message::{MessageContent, MessageType},
    text::MessageBody,
};
use event_store::{RecordedEvent, StreamId};
use serde::Serialize;
use std::collections::BTreeSet;

/// A call may end with these.
pub(super) const CAUSES: &[&EventType] =
    &[EventType::named("call.closed"), EventType::named("call.missed"), EventType::named("call.refused")];
const ANSWERED: &[&EventType] = &[EventType::named("call.answered")];

/// The text of the message, as compact JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallRecord {
    call_id: CallId,
    call_type: CallType,
    status: CallStatus,
    end_reason: Option<EndReason>,
    duration: u64,
}

pub(super) async fn react(commands: &Commands, mut ctx: Context, event: &RecordedEvent) -> Result<(), CommandError> {
    let record = &event.record;
    if !record.is_of(CAUSES) {
        return Ok(());
    }
    let call = CallId(record.aggregate_id);
    let events = commands.store().load_many(&[(StreamId::new(AggregateType::Call, call), record.sequence)]).await?;
    let answered = events.iter().find(|event| event.record.is_of(ANSWERED));
    let answered_at = answered.map(|event| event.record.recorded_at);
    let state = commands.call_after(&events).await?;
    let Some(begun) = state.begun().filter(|_| !state.is_active()) else { return Ok(()) };
    let (status, end_reason) = (state.status(), state.end_reason());
    let duration = duration(answered_at, Some(record.recorded_at));
    let text = CallRecord { call_id: call, call_type: begun.call_type, status, end_reason, duration };
    let text = serde_json::to_string(&text).map_err(|error| CommandError::Internal(error.to_string()))?;
    let body = MessageBody::parse(&text).map_err(|error| CommandError::Internal(error.detail))?;
    ctx.actor = Some(Actor { user: begun.caller, session: None });
    let message = SendMessage {
        id: Some(commands.call_record(call)),
        conversation: begun.conversation,
        message_type: MessageType::Call,
        content: MessageContent { body, attachments: Vec::new() },
        reply_to: None,
        mentions: Vec::new(),
        seen: BTreeSet::new(),
    };
    match commands.send_message(&ctx, message).await {
        // Without a record when the caller may no longer write there.
        Ok(_) | Err(CommandError::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
