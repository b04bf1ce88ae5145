//! The projection `calls`: calls and their participants. All of its events are high, so they come in order.

use crate::{ApplyError, Opened};
use domain::{
    Event, UserId,
    call::{CallEvent, CallStatus, EndReason},
};
use event_store::Record;
use sql::{Transaction, query};

pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    for Opened { record, event } in events {
        if let Event::Call(event) = event {
            write(tx, record, event).await?;
        }
    }
    Ok(())
}

async fn write(tx: &mut Transaction, record: &Record, event: &CallEvent) -> Result<(), ApplyError> {
    match event {
        CallEvent::Ringing { .. } => begin(tx, record, event).await,
        CallEvent::Answered { user, .. } => answer(tx, record, *user).await,
        CallEvent::Refused { user, over, .. } => {
            set_standing(tx, record, *user, "refused").await?;
            if *over { end(tx, record, CallStatus::Refused, EndReason::Refused).await } else { Ok(()) }
        }
        CallEvent::Missed { .. } => end(tx, record, CallStatus::Missed, EndReason::NoAnswer).await,
        CallEvent::Left { user, .. } => {
            leave(tx, record, Some(*user)).await?;
            set_standing(tx, record, *user, "gone").await
        }
        CallEvent::Closed { reason, .. } => end(tx, record, CallStatus::Ended, *reason).await,
    }
}

async fn begin(tx: &mut Transaction, record: &Record, event: &CallEvent) -> Result<(), ApplyError> {
    let CallEvent::Ringing { conversation, caller, call_type, invited } = event else { return Ok(()) };
    let at = record.recorded_at.millis();
    let sql = "INSERT INTO calls (id, conversation_id, caller_id, call_type, status, ringing_at, position) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let begun = query(sql).bind(record.aggregate_id).bind(conversation.0).bind(caller.0).bind(call_type.as_str());
    tx.execute(begun.bind(CallStatus::Ringing.as_str()).bind(at).bind(record.position)).await?;
    let person = |user: &UserId, standing: &'static str, joined_at: Option<i64>| {
        vec![record.aggregate_id.into(), user.0.into(), standing.into(), joined_at.into()]
    };
    let mut rows: Vec<_> = invited.iter().map(|user| person(user, "ringing", None)).collect();
    rows.push(person(caller, "present", Some(at)));
    let head = "INSERT INTO call_people (call_id, user_id, standing, joined_at) VALUES";
    Ok(tx.insert(head, rows, "").await?)
}

/// A participant who rejoins keeps the time of their first joining.
async fn answer(tx: &mut Transaction, record: &Record, user: UserId) -> Result<(), ApplyError> {
    let at = record.recorded_at.millis();
    let sql = "UPDATE calls SET status = $2, answered_at = COALESCE(answered_at, $3) WHERE id = $1";
    tx.execute(query(sql).bind(record.aggregate_id).bind(CallStatus::Ongoing.as_str()).bind(at)).await?;
    let sql = "INSERT INTO call_people (call_id, user_id, standing, joined_at) VALUES ($1, $2, 'present', $3) \
               ON CONFLICT (call_id, user_id) DO UPDATE SET standing = excluded.standing, \
               joined_at = COALESCE(call_people.joined_at, excluded.joined_at), left_at = NULL";
    tx.execute(query(sql).bind(record.aggregate_id).bind(user.0).bind(at)).await?;
    Ok(())
}

async fn set_standing(
    tx: &mut Transaction,
    record: &Record,
    user: UserId,
    standing: &'static str,
) -> Result<(), ApplyError> {
    let sql = "UPDATE call_people SET standing = $3 WHERE call_id = $1 AND user_id = $2";
    tx.execute(query(sql).bind(record.aggregate_id).bind(user.0).bind(standing)).await?;
    Ok(())
}

/// One present participant leaves, or all.
async fn leave(tx: &mut Transaction, record: &Record, user: Option<UserId>) -> Result<(), ApplyError> {
    let sql = "UPDATE call_people SET left_at = $2 \
               WHERE call_id = $1 AND standing = 'present' AND ($3 IS NULL OR user_id = $3)";
    let left = query(sql).bind(record.aggregate_id).bind(record.recorded_at.millis()).bind(user.map(|user| user.0));
    tx.execute(left).await?;
    Ok(())
}

async fn end(tx: &mut Transaction, record: &Record, status: CallStatus, reason: EndReason) -> Result<(), ApplyError> {
    leave(tx, record, None).await?;
    let sql = "UPDATE call_people SET standing = 'gone' WHERE call_id = $1 AND standing IN ('present', 'ringing')";
    tx.execute(query(sql).bind(record.aggregate_id)).await?;
    let sql = "UPDATE calls SET status = $2, ended_at = $3, end_reason = $4 WHERE id = $1";
    let ended = query(sql).bind(record.aggregate_id).bind(status.as_str()).bind(record.recorded_at.millis());
    tx.execute(ended.bind(reason.as_str())).await?;
    Ok(())
}
