//! Catching up without a socket, straight from the store: it reads one's own last write.

use super::{Hub, person::Cleared, reader::Reader};
use crate::cursor::{Cursor, after};
use broker::Marks;
use domain::{Tier, UserId};
use event_store::{Feed, ReadError};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Events that somebody missed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncPage {
    /// The frames a socket would have been sent, in position order.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Box<RawValue>>,
    /// From where to go on.
    pub cursor: String,
    /// False when this log did not write the cursor: reload, and go on from the new one.
    pub recovered: bool,
    /// Whether there is more already.
    pub more: bool,
}

impl Hub {
    /// What `user` missed since a cursor, at most `limit` events.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn sync(&self, user: UserId, since: Option<&str>, limit: u32) -> Result<SyncPage, ReadError> {
        let inner = &self.0;
        let incarnation = inner.store.incarnation();
        let until = inner.store.head().await?.position;
        let _turn = inner.readers.acquire().await;
        let since = self.marks_of(since).filter(|marks| marks.high.max(marks.medium) <= until);
        let Some(mut known) = since else {
            let cursor = Cursor { incarnation, marks: Marks { high: until, medium: until } }.to_string();
            return Ok(SyncPage { events: Vec::new(), cursor, recovered: false, more: false });
        };
        // Read after the head: they say more than is needed, never less.
        let intervals = inner.store.intervals(user.0).await?;
        let mut cleared = Cleared::default();
        self.cleared(user).await?.for_each(|(conversation, seq)| cleared.raise(conversation, seq));
        let (reader, intervals) = Reader::new(user, inner.store.now(), intervals, cleared);
        let feed = Feed { user: user.0, intervals, high: known.high, medium: known.medium, until, limit };
        let missed = inner.store.feed(&feed).await?;
        let pushes = self.replay(&reader, &missed).await?;
        let more = missed.len() >= limit as usize || pushes.len() < missed.len();
        let mut events = Vec::with_capacity(pushes.len());
        for (event, push) in missed.iter().zip(pushes) {
            known = after(known, Tier::Medium, event.record.position);
            if let Some(push) = push {
                let cursor = Cursor { incarnation, marks: known }.to_string();
                let frame = RawValue::from_string(push.text(&cursor));
                events.push(frame.map_err(|error| ReadError::Damaged(error.to_string()))?);
            }
        }
        if !more {
            known = after(known, Tier::Medium, until);
        }
        let cursor = Cursor { incarnation, marks: known }.to_string();
        Ok(SyncPage { events, cursor, recovered: true, more })
    }
}
