//! Posts the message that records a call in its conversation, once the call is over.

use super::Reactor;
use crate::{
    Actor, CommandError, Commands, SendMessage,
    call::record_of,
    state::{Versioned, fold},
};
use domain::{
    AggregateType, CallId,
    call::{Call, CallStatus, CallType, EndReason, duration},
    message::{MessageContent, MessageType},
    text::MessageBody,
};
use event_store::{RecordedEvent, StreamId};
use serde::Serialize;

/// What the message says, as compact JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallRecord {
    call_id: CallId,
    call_type: CallType,
    status: CallStatus,
    end_reason: Option<EndReason>,
    duration: u64,
}

pub(super) async fn react(commands: &Commands, event: &RecordedEvent) -> Result<(), CommandError> {
    let record = &event.record;
    if !matches!(record.event_type.as_str(), "call.closed" | "call.missed" | "call.refused") {
        return Ok(());
    }
    let call = CallId(record.aggregate_id);
    let events = commands.store().load_many(&[(StreamId::new(AggregateType::Call, call), record.sequence)]).await?;
    let answered = events.iter().find(|event| event.record.event_type == "call.answered");
    let answered_at = answered.map(|event| event.record.recorded_at);
    let state = fold::<Call>(commands.store(), Versioned::default(), &events).await?.state;
    let Some(begun) = state.begun().filter(|_| !state.is_active()) else { return Ok(()) };
    let (status, end_reason) = (state.status(), state.end_reason());
    let duration = duration(answered_at, Some(record.recorded_at));
    let said = CallRecord { call_id: call, call_type: begun.call_type, status, end_reason, duration };
    let said = serde_json::to_string(&said).map_err(|error| CommandError::Internal(error.to_string()))?;
    let body = MessageBody::parse(&said).map_err(|error| CommandError::Internal(error.detail))?;
    let mut ctx = Reactor::PostCallMessages.context(commands, event);
    ctx.actor = Some(Actor { user: begun.caller, session: None });
    let message = SendMessage {
        id: Some(record_of(commands.store(), call)),
        conversation: begun.conversation,
        message_type: MessageType::Call,
        content: MessageContent { body, attachments: Vec::new() },
        reply_to: None,
        mentions: Vec::new(),
    };
    match commands.send_message(&ctx, message).await {
        // Who called may no longer write there: then nothing is recorded.
        Ok(_) | Err(CommandError::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
