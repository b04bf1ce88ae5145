//! The projection `read_markers`: up to where a member has read, and up to where a device of theirs has received.

use crate::{ApplyError, Opened};
use domain::{ConversationId, Event, UserId, read_marker::ReadMarkerEvent};
use sql::Transaction;
use std::collections::BTreeMap;

/// Markers only rise, so that a batch is folded to one row per marker first.
pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    let mut markers: BTreeMap<(ConversationId, UserId), (u64, u64)> = BTreeMap::new();
    for Opened { event, .. } in events {
        let Event::ReadMarker(event) = event else { continue };
        let (ReadMarkerEvent::Read { conversation, user, seq }
        | ReadMarkerEvent::Delivered { conversation, user, seq }) = event;
        let (read, delivered) = markers.entry((*conversation, *user)).or_default();
        if matches!(event, ReadMarkerEvent::Read { .. }) {
            *read = (*read).max(*seq);
        }
        *delivered = (*delivered).max(*seq);
    }
    let rows = markers.into_iter().map(|((conversation, user), (read, delivered))| {
        vec![conversation.0.into(), user.0.into(), read.into(), delivered.into()]
    });
    let head = "INSERT INTO read_markers (conversation_id, user_id, read_seq, delivered_seq) VALUES";
    let tail = "ON CONFLICT (conversation_id, user_id) DO UPDATE SET \
                read_seq = CASE WHEN excluded.read_seq > read_markers.read_seq \
                THEN excluded.read_seq ELSE read_markers.read_seq END, \
                delivered_seq = CASE WHEN excluded.delivered_seq > read_markers.delivered_seq \
                THEN excluded.delivered_seq ELSE read_markers.delivered_seq END";
    Ok(tx.insert(head, rows.collect(), tail).await?)
}
