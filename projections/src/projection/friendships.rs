//! The projection `friendships`: friendships, requests and blocks of pairs.

use crate::{ApplyError, Opened};
use domain::{Event, friendship::FriendshipEvent};
use event_store::Record;
use sql::{Transaction, query};

pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    for Opened { record, event } in events {
        let Event::Friendship(event) = event else { continue };
        if let Some(status) = status_after(event) {
            set_status(tx, record, event, status).await?;
        }
        set_block(tx, record, event).await?;
    }
    Ok(())
}

/// The status after the event; `None` if the event does not change it.
const fn status_after(event: &FriendshipEvent) -> Option<&'static str> {
    match event {
        FriendshipEvent::Requested { .. } => Some("pending"),
        FriendshipEvent::Accepted { .. } => Some("accepted"),
        FriendshipEvent::Rejected { .. }
        | FriendshipEvent::Cancelled { .. }
        | FriendshipEvent::Unfriended { .. }
        | FriendshipEvent::Blocked { .. } => Some("none"),
        FriendshipEvent::Unblocked { .. } => None,
    }
}

/// A high event may have overtaken this one; the row with the greater position wins.
async fn set_status(
    tx: &mut Transaction,
    record: &Record,
    event: &FriendshipEvent,
    status: &'static str,
) -> Result<(), ApplyError> {
    let (by, with) = event.pair();
    let requested_by = matches!(event, FriendshipEvent::Requested { .. }).then_some(by.0);
    let sql = "INSERT INTO friendships (pair_id, low_user, high_user, status, requested_by, since, position) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) \
               ON CONFLICT (pair_id) DO UPDATE SET status = excluded.status, requested_by = excluded.requested_by, \
               since = excluded.since, position = excluded.position \
               WHERE friendships.position < excluded.position";
    let stands = query(sql).bind(record.aggregate_id).bind(by.min(with).0).bind(by.max(with).0).bind(status);
    tx.execute(stands.bind(requested_by).bind(record.recorded_at.millis()).bind(record.position)).await?;
    Ok(())
}

/// Blocks are high and come in position order, after the first of them created the row.
async fn set_block(tx: &mut Transaction, record: &Record, event: &FriendshipEvent) -> Result<(), ApplyError> {
    let blocked = match event {
        FriendshipEvent::Blocked { .. } => true,
        FriendshipEvent::Unblocked { .. } => false,
        _ => return Ok(()),
    };
    let (by, with) = event.pair();
    let sql = if by < with {
        "UPDATE friendships SET blocked_by_low = $2 WHERE pair_id = $1"
    } else {
        "UPDATE friendships SET blocked_by_high = $2 WHERE pair_id = $1"
    };
    tx.execute(query(sql).bind(record.aggregate_id).bind(blocked)).await?;
    Ok(())
}
