//! The projection `own_settings`: muted, archived and cleared conversations of each user.

use crate::{ApplyError, Opened};
use domain::{Event, own_settings::OwnSettingsEvent};
use sql::{Transaction, query};

/// Creates a row of defaults, unless there is a row.
const ROW: &str = "INSERT INTO own_settings (conversation_id, user_id) VALUES ($1, $2) \
                   ON CONFLICT (conversation_id, user_id) DO NOTHING";

pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    for Opened { event, .. } in events {
        let Event::OwnSettings(event) = event else { continue };
        let (conversation, user) = event.place();
        tx.execute(query(ROW).bind(conversation.0).bind(user.0)).await?;
        let update = |set: &str| {
            let sql = format!("UPDATE own_settings SET {set} WHERE conversation_id = $1 AND user_id = $2");
            query(sql).bind(conversation.0).bind(user.0)
        };
        tx.execute(match event {
            OwnSettingsEvent::Muted { until, .. } => {
                update("muted = TRUE, muted_until = $3").bind(until.map(|until| until.millis()))
            }
            OwnSettingsEvent::Unmuted { .. } => update("muted = FALSE, muted_until = NULL"),
            OwnSettingsEvent::Archived { seq, .. } => update("archived_seq = $3").bind(*seq),
            OwnSettingsEvent::Unarchived { .. } => update("archived_seq = NULL"),
            OwnSettingsEvent::Cleared { seq, .. } => update("cleared_seq = $3").bind(*seq),
        })
        .await?;
    }
    Ok(())
}
