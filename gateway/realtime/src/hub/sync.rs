//! Catching up without a socket, straight from the store: it reads one's own last write.

use super::{
    Hub,
    catch_up::{PAGE_BYTES, is_cut},
    person::Cleared,
    reader::Reader,
};
use domain::UserId;
use event_store::{Feed, ReadError};
use protocol::cursor::{Place, Stamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// Events that somebody missed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SyncPage {
    /// The frames a socket would have been sent, in position order, without what has been taken back since.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Box<RawValue>>,
    /// From where to go on.
    pub cursor: String,
    /// False when this log did not write the cursor, or not for the caller, or a newer version wrote what follows on it and
    /// this server cannot tell it: reload, and go on from the new one.
    pub recovered: bool,
    /// Whether there is more already.
    pub more: bool,
}

impl Hub {
    /// What `user` missed since a cursor, at most `limit` events or about a mebibyte.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn sync(&self, user: UserId, since: Option<&str>, limit: u32) -> Result<SyncPage, ReadError> {
        let inner = &self.0;
        let _turn = inner.readers.acquire().await;
        let cursors = inner.cursors.of_user(user.0);
        let since = since.and_then(|since| cursors.read(since));
        let ((until, last), digest) = inner.store.digests(since.map_or(0, |place| place.end())).await?;
        let head = Place::at(until, Stamp::of(&last));
        let has_written = |place: &Place| {
            let stamp = digest.as_ref().map_or_else(Stamp::default, Stamp::of);
            (place.end() == 0 || digest.is_some()) && place.stamp == stamp
        };
        let anew = || SyncPage { events: Vec::new(), cursor: cursors.write(head), recovered: false, more: false };
        let Some(mut known) = since.filter(has_written) else { return Ok(anew()) };
        // Read after the head: they say more than is needed, never less.
        let intervals = inner.store.intervals(user.0).await?;
        let mut cleared = Cleared::default();
        self.cleared(user).await?.for_each(|(conversation, seq)| cleared.raise(conversation, seq));
        let (reader, intervals) = Reader::new(user, inner.store.now(), intervals, cleared);
        let feed = Feed {
            user: user.0,
            intervals,
            high: known.marks.high,
            medium: known.marks.medium,
            until,
            limit,
            bytes: PAGE_BYTES as u32,
        };
        let missed = inner.store.feed(&feed).await?;
        let readable = match self.readable(user.0, &missed).await {
            Err(ReadError::Newer(_)) => return Ok(anew()),
            readable => &missed[..readable?],
        };
        let pushes = self.replay(&reader, readable).await?;
        let more = is_cut(&missed, limit) || pushes.len() < missed.len();
        let mut events = Vec::with_capacity(pushes.len());
        for (event, push) in missed.iter().zip(pushes) {
            known = known.after_all(&event.record);
            if let Some(push) = push {
                let cursor = cursors.write(known);
                let frame = RawValue::from_string(push.text(&cursor));
                events.push(frame.map_err(|error| ReadError::Damaged(error.to_string()))?);
            }
        }
        if !more {
            known = known.furthest(head);
        }
        let cursor = cursors.write(known);
        Ok(SyncPage { events, cursor, recovered: true, more })
    }
}
