//! Searching messages and people. Whatever is best comes first, and of equals what is newest: a rank and a position, or a
//! time, make one number by which both engines sort alike.

use super::{
    MessageRow, Page, PageRequest, Queries, QueryError, UserRow,
    messages::{NOT_HIDDEN, SELECT},
    padded,
    page::Place,
    terms::{Closeness, Highlight, Terms},
    users::{self, COLUMNS, FINDABLE},
};
use domain::{ConversationId, UserId};
use sql::{Engine, placeholders, query};
use std::collections::HashMap;
use uuid::Uuid;

/// What a rank weighs: more than any position, or time in milliseconds.
const RANK: i64 = 1 << 56;
/// The most conversations that are named to the index; somebody who is in more is searched for everywhere.
const MOST_ROOMS: usize = 512;

/// Which messages are searched for.
#[derive(Clone, Debug, Default)]
pub struct MessageSearch {
    /// Words, all of which a message must have; the last may be unfinished.
    pub text: String,
    /// Only in this conversation.
    pub conversation: Option<ConversationId>,
    /// Only by this sender.
    pub from: Option<UserId>,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMessage {
    /// The message.
    pub message: MessageRow,
    /// Where its text has the words.
    pub highlights: Vec<Highlight>,
}

impl Queries {
    /// Messages that have the words, of conversations in which the viewer is active, without those that were removed or
    /// that the viewer hid or cleared. First those that have all words as they are written, marks included, then those that have
    /// them whole, then those in which the last word goes on; of equals the newest first.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] for a conversation in which the viewer is not; [`QueryError::BadToken`].
    pub async fn search_messages(
        &self,
        viewer: UserId,
        search: &MessageSearch,
        page: &PageRequest,
    ) -> Result<Page<FoundMessage>, QueryError> {
        let place = page.place()?;
        let mut rooms = match search.conversation {
            Some(room) => {
                self.require_active(viewer, room).await?;
                vec![room]
            }
            None => self.conversations_of(viewer).await?,
        };
        let terms = Terms::of(&search.text);
        if terms.is_empty() || rooms.is_empty() {
            return Ok(Page { items: Vec::new(), next: None });
        }
        if rooms.len() > MOST_ROOMS {
            rooms.clear();
        }
        let engine = self.database.engine();
        let has = |parameter: &str| match engine {
            Engine::Sqlite => {
                format!("w.position IN (SELECT rowid FROM message_index WHERE message_index MATCH {parameter})")
            }
            Engine::Postgres => {
                format!("array_to_tsvector(string_to_array(w.words, ' ')) @@ CAST({parameter} AS tsquery)")
            }
        };
        let (begun, whole, written) = (has("$2"), has("$3"), has("$4"));
        let sql = format!(
            "SELECT hits.message_id, hits.place FROM (SELECT w.message_id, \
             (CASE WHEN {written} THEN 2 WHEN {whole} THEN 1 ELSE 0 END) * {RANK} + w.position AS place \
             FROM message_words w WHERE {begun}) hits \
             JOIN messages m ON m.id = hits.message_id \
             JOIN members v ON v.conversation_id = m.conversation_id AND v.user_id = $1 AND v.status = 'active' \
             WHERE m.deleted_at IS NULL AND m.content IS NOT NULL AND {NOT_HIDDEN} \
             AND m.seq > COALESCE((SELECT o.cleared_seq FROM own_settings o \
             WHERE o.conversation_id = m.conversation_id AND o.user_id = $1), 0) \
             AND ($5 IS NULL OR m.conversation_id = $5) AND ($6 IS NULL OR m.sender_id = $6) AND hits.place < $7 \
             ORDER BY hits.place DESC LIMIT $8"
        );
        let asked = [Closeness::Begun, Closeness::Whole, Closeness::Written];
        let hits = query(sql)
            .bind(viewer.0)
            .bind_all(asked.map(|closeness| terms.expression(engine, closeness, &rooms)))
            .bind(search.conversation.map(|room| room.0))
            .bind(search.from.map(|user| user.0))
            .bind(place.number)
            .bind(page.probe());
        let rows = self.database.fetch_all(hits).await?;
        let hits = rows.iter().map(|row| Ok((row.get::<Uuid>(0)?, row.get::<i64>(1)?)));
        let hits = hits.collect::<Result<Vec<_>, sql::Error>>()?;
        let Page { items: hits, next } = Page::cut(hits, page, |(id, number)| Place { number: *number, id: *id });
        Ok(Page { items: self.found(viewer, &terms, &hits).await?, next })
    }

    /// The messages of hits, in their order.
    async fn found(
        &self,
        viewer: UserId,
        terms: &Terms,
        hits: &[(Uuid, i64)],
    ) -> Result<Vec<FoundMessage>, QueryError> {
        let ids = padded(&hits.iter().map(|(id, _)| *id).collect::<Vec<_>>());
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("{SELECT} WHERE m.id IN ({})", placeholders(1, ids.len()));
        let mut messages = self.message_rows(query(sql).bind_all(ids)).await?;
        self.complete(viewer, &mut messages).await?;
        let mut messages: HashMap<_, _> = messages.into_iter().map(|message| (message.id.0, message)).collect();
        let found = hits.iter().filter_map(|(id, _)| messages.remove(id)).map(|message| FoundMessage {
            highlights: terms.highlights(message.content.as_deref().unwrap_or_default()),
            message,
        });
        Ok(found.collect())
    }

    /// People of whose names each word of `text` begins a word, or whose e-mail address it is: first that address, then
    /// those whose names have the words whole; of equals the newest first. Without blocked and hidden accounts, and without anybody
    /// whom the viewer blocked or who blocked the viewer.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn search_users(
        &self,
        viewer: UserId,
        text: &str,
        page: &PageRequest,
    ) -> Result<Page<UserRow>, QueryError> {
        let place = page.place()?;
        let terms = Terms::of(text);
        let mut values = Vec::new();
        let (mut whole, mut begun) = (Vec::new(), Vec::new());
        let mut candidates = "SELECT c.id FROM users c WHERE c.email_folded = $1".to_owned();
        for word in terms.folded() {
            let (from, to) = (values.len() + 6, values.len() + 7);
            values.extend([word.to_owned(), format!("{word}\u{10ffff}")]);
            let of_user = "EXISTS (SELECT 1 FROM user_words w WHERE w.user_id = u.id AND w.word";
            whole.push(format!("{of_user} = ${from})"));
            begun.push(format!("{of_user} >= ${from} AND w.word < ${to})"));
        }
        if !begun.is_empty() {
            // The first word by its index; whether they have the others is looked up.
            candidates += " UNION SELECT w.user_id FROM user_words w WHERE w.word >= $6 AND w.word < $7";
        }
        let all = |conditions: Vec<String>| {
            if conditions.is_empty() { "FALSE".to_owned() } else { conditions.join(" AND ") }
        };
        let (whole, begun) = (all(whole), all(begun));
        let sql = format!(
            "SELECT {COLUMNS}, hits.place FROM (SELECT u.id, (CASE WHEN u.email_folded = $1 THEN 3 WHEN {whole} THEN 2 \
             ELSE 1 END) * {RANK} + u.created_at AS place FROM users u WHERE u.id IN ({candidates}) \
             AND {FINDABLE} AND NOT u.is_blocked AND (u.email_folded = $1 OR ({begun})) \
             AND NOT EXISTS (SELECT 1 FROM friendships f WHERE (f.blocked_by_low OR f.blocked_by_high) \
             AND ((f.low_user = $4 AND f.high_user = u.id) OR (f.high_user = $4 AND f.low_user = u.id)))) hits \
             JOIN users u ON u.id = hits.id WHERE (hits.place, hits.id) < ($2, $3) \
             ORDER BY hits.place DESC, hits.id DESC LIMIT $5"
        );
        // Postgres takes no NUL in a text.
        let email = text.trim().replace('\0', "").to_lowercase();
        let found = query(sql).bind(email).bind(place.number).bind(place.id).bind(viewer.0).bind(page.probe());
        let rows = self.database.fetch_all(found.bind_all(values)).await?;
        let users = rows.iter().map(|row| Ok((users::parse(row, 0)?, row.get::<i64>(users::WIDTH)?)));
        let users = users.collect::<Result<Vec<_>, sql::Error>>()?;
        let Page { items, next } = Page::cut(users, page, |(user, number)| Place { number: *number, id: user.id.0 });
        Ok(Page { items: items.into_iter().map(|(user, _)| user).collect(), next })
    }
}
