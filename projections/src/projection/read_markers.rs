//! The projection `read_markers`: the last seq each member has read, and a device of theirs has received, with the
//! times.

use crate::{ApplyError, Opened};
use domain::{ConversationId, Event, UserId, read_marker::ReadMarkerEvent};
use sql::Transaction;
use std::collections::BTreeMap;

/// The greatest marks of one marker in a batch.
#[derive(Default)]
struct Marker {
    read: u64,
    shown: u64,
    delivered: u64,
}

/// Markers only rise, so a batch is folded to one row per marker first.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut markers: BTreeMap<(ConversationId, UserId), Marker> = BTreeMap::new();
    let mut receipts = Vec::new();
    for Opened { record, event } in events {
        let Event::ReadMarker(event) = event else { continue };
        let (ReadMarkerEvent::Read { conversation, user, seq }
        | ReadMarkerEvent::ReadPrivately { conversation, user, seq }
        | ReadMarkerEvent::Delivered { conversation, user, seq }) = event;
        let marker = markers.entry((*conversation, *user)).or_default();
        let mark = match event {
            ReadMarkerEvent::Read { .. } => {
                marker.shown = marker.shown.max(*seq);
                marker.read = marker.read.max(*seq);
                marker.delivered = marker.delivered.max(*seq);
                "read"
            }
            ReadMarkerEvent::ReadPrivately { .. } => {
                marker.read = marker.read.max(*seq);
                continue;
            }
            ReadMarkerEvent::Delivered { .. } => {
                marker.delivered = marker.delivered.max(*seq);
                "delivered"
            }
        };
        let at = record.recorded_at.millis();
        receipts.push(vec![conversation.0.into(), user.0.into(), mark.into(), (*seq).into(), at.into()]);
    }
    let rows = markers.into_iter().map(|((conversation, user), Marker { read, shown, delivered })| {
        vec![conversation.0.into(), user.0.into(), read.into(), shown.into(), delivered.into()]
    });
    let head = "INSERT INTO read_markers (conversation_id, user_id, read_seq, shown_seq, delivered_seq) VALUES";
    let risen = ["read_seq", "shown_seq", "delivered_seq"].map(|column| {
        format!(
            "{column} = CASE WHEN excluded.{column} > read_markers.{column} \
             THEN excluded.{column} ELSE read_markers.{column} END"
        )
    });
    let tail = format!("ON CONFLICT (conversation_id, user_id) DO UPDATE SET {}", risen.join(", "));
    tx.insert(head, rows.collect(), &tail).await?;
    let head = "INSERT INTO receipts (conversation_id, user_id, mark, seq, at) VALUES";
    Ok(tx.insert(head, receipts, "").await?)
}
