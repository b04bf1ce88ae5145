//! Calls as a member of the conversation sees them, and unfinished calls for the jobs that end them.

use crate::{
    Page, PageRequest, Queries, QueryError, padded,
    page::{FRAME, Place, Weigh},
};
use domain::{CallId, ConversationId, Timestamp, UserId};
use sql::{Query, Row, placeholders, query};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    pub id: CallId,
    pub conversation: ConversationId,
    pub caller: UserId,
    /// `VOICE` or `VIDEO`.
    pub call_type: String,
    /// `RINGING`, `ONGOING`, `ENDED`, `MISSED` or `REFUSED`.
    pub status: String,
    pub ringing_at: Timestamp,
    /// The first answer.
    pub answered_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub end_reason: Option<String>,
    /// The position of the event that started the call.
    pub position: u64,
    /// The participants, ordered by user id.
    pub people: Vec<CallPersonRow>,
    /// The number of participants, known before they are read.
    party: usize,
}

/// A participant of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPersonRow {
    pub user: UserId,
    /// `ringing`, `refused`, `present` or `gone`.
    pub standing: String,
    /// The first time they joined.
    pub joined_at: Option<Timestamp>,
    pub left_at: Option<Timestamp>,
}

/// A ringing call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingingRow {
    pub call: CallId,
    /// When a job first saw it ring, by the database's clock.
    pub since: Timestamp,
}

/// A participant present in an unfinished call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PresentRow {
    pub call: CallId,
    pub user: UserId,
}

/// The weight of a participant in a page, in bytes.
const PERSON: usize = 160;

pub(crate) const SELECT: &str = "SELECT c.id, c.conversation_id, c.caller_id, c.call_type, c.status, c.ringing_at, \
    c.answered_at, c.ended_at, c.end_reason, c.position, \
    (SELECT COUNT(*) FROM call_people n WHERE n.call_id = c.id) AS party FROM calls c";

impl Weigh for CallRow {
    fn weight(&self) -> usize {
        FRAME + PERSON * self.party
    }
}

impl Queries {
    /// A call of a conversation of which the viewer is an active member.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is in.
    pub async fn call(&self, viewer: UserId, call: CallId) -> Result<CallRow, QueryError> {
        let sql = format!(
            "{SELECT} JOIN members v ON v.conversation_id = c.conversation_id AND v.user_id = $1 \
             AND v.status = 'active' WHERE c.id = $2"
        );
        let found = self.call_rows(query(sql).bind(viewer.0).bind(call.0)).await?.pop();
        found.ok_or(QueryError::NotFound)
    }

    /// The calls of a conversation of which the viewer is an active member, newest first.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] unless the viewer is in; [`QueryError::BadToken`].
    pub async fn calls(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        page: &PageRequest,
    ) -> Result<Page<CallRow>, QueryError> {
        let place = page.place()?;
        self.require_active(viewer, conversation).await?;
        let sql =
            format!("{SELECT} WHERE c.conversation_id = $1 AND c.position < $2 ORDER BY c.position DESC LIMIT $3");
        let newest = query(sql).bind(conversation.0).bind(place.number).bind(page.probe());
        let place = |call: &CallRow| Place { number: i64::try_from(call.position).unwrap_or(i64::MAX), id: call.id.0 };
        self.call_page(newest, page, place).await
    }

    /// At most `limit` calls that still ring and were first seen ringing at least `ring` ago by the database's clock,
    /// ordered by id, after `after`.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn overdue_calls(
        &self,
        ring: Duration,
        after: CallId,
        limit: u32,
    ) -> Result<Vec<RingingRow>, QueryError> {
        let now = self.database.engine().now();
        let sql = format!(
            "SELECT r.call_id, r.since FROM ringing r JOIN calls c ON c.id = r.call_id \
             WHERE c.ended_at IS NULL AND c.status = 'RINGING' AND r.since + $1 <= {now} AND r.call_id > $2 \
             ORDER BY r.call_id LIMIT $3"
        );
        let ring = i64::try_from(ring.as_millis()).unwrap_or(i64::MAX / 2);
        let rows = self.database.fetch_all(query(sql).bind(ring).bind(after.0).bind(limit)).await?;
        let row = |row: &Row| {
            Ok(RingingRow { call: CallId(row.get("call_id")?), since: Timestamp::from_millis(row.get("since")?) })
        };
        Ok(rows.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    /// Records newly ringing calls with the database's time, and removes those that no longer ring. Writes nothing if
    /// nothing changed.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn note_ringing(&self) -> Result<(), QueryError> {
        let changed = "SELECT 1 FROM calls c WHERE c.ended_at IS NULL AND c.status = 'RINGING' \
                       AND NOT EXISTS (SELECT 1 FROM ringing r WHERE r.call_id = c.id) \
                       UNION ALL SELECT 1 FROM ringing r WHERE NOT EXISTS (SELECT 1 FROM calls c \
                       WHERE c.id = r.call_id AND c.ended_at IS NULL AND c.status = 'RINGING') LIMIT 1";
        if self.database.fetch_optional(query(changed)).await?.is_none() {
            return Ok(());
        }
        let now = self.database.engine().now();
        let begun = format!(
            "INSERT INTO ringing (call_id, since) SELECT c.id, {now} FROM calls c \
             WHERE c.ended_at IS NULL AND c.status = 'RINGING' ON CONFLICT (call_id) DO NOTHING"
        );
        self.database.execute(query(begun)).await?;
        let over = "DELETE FROM ringing WHERE NOT EXISTS (SELECT 1 FROM calls c \
                    WHERE c.id = ringing.call_id AND c.ended_at IS NULL AND c.status = 'RINGING')";
        self.database.execute(query(over)).await?;
        Ok(())
    }

    /// At most `limit` participants present in unfinished calls, ordered by call and user, after `after`.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn present_in_calls(&self, after: PresentRow, limit: u32) -> Result<Vec<PresentRow>, QueryError> {
        let sql = "SELECT c.id, p.user_id FROM calls c JOIN call_people p ON p.call_id = c.id \
                   WHERE c.ended_at IS NULL AND p.standing = 'present' AND (c.id, p.user_id) > ($1, $2) \
                   ORDER BY c.id, p.user_id LIMIT $3";
        let present = query(sql).bind(after.call.0).bind(after.user.0).bind(limit);
        let rows = self.database.fetch_all(present).await?;
        let row = |row: &Row| Ok(PresentRow { call: CallId(row.get("id")?), user: UserId(row.get("user_id")?) });
        Ok(rows.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    pub(crate) async fn call_page(
        &self,
        query: Query,
        page: &PageRequest,
        place: impl Fn(&CallRow) -> Place,
    ) -> Result<Page<CallRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        let calls: Vec<CallRow> = rows.iter().map(parse).collect::<Result<_, _>>()?;
        let Page { items, next } = Page::cut(calls, page, place);
        Ok(Page { items: self.with_people(items).await?, next })
    }

    async fn call_rows(&self, query: Query) -> Result<Vec<CallRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        self.with_people(rows.iter().map(parse).collect::<Result<_, _>>()?).await
    }

    async fn with_people(&self, mut calls: Vec<CallRow>) -> Result<Vec<CallRow>, QueryError> {
        let ids: Vec<_> = calls.iter().map(|call| call.id.0).collect();
        let mut people = self.people_of_calls(&ids).await?;
        for call in &mut calls {
            call.people = people.remove(&call.id.0).unwrap_or_default();
        }
        Ok(calls)
    }

    async fn people_of_calls(&self, calls: &[Uuid]) -> Result<HashMap<Uuid, Vec<CallPersonRow>>, QueryError> {
        let ids = padded(calls);
        let mut people: HashMap<Uuid, Vec<CallPersonRow>> = HashMap::new();
        if ids.is_empty() {
            return Ok(people);
        }
        let sql = format!(
            "SELECT call_id, user_id, standing, joined_at, left_at FROM call_people WHERE call_id IN ({}) \
             ORDER BY call_id, user_id",
            placeholders(1, ids.len())
        );
        for row in self.database.fetch_all(query(sql).bind_all(ids)).await? {
            let person = CallPersonRow {
                user: UserId(row.get("user_id")?),
                standing: row.get("standing")?,
                joined_at: row.get::<Option<i64>>("joined_at")?.map(Timestamp::from_millis),
                left_at: row.get::<Option<i64>>("left_at")?.map(Timestamp::from_millis),
            };
            people.entry(row.get("call_id")?).or_default().push(person);
        }
        Ok(people)
    }
}

/// Reads [`SELECT`].
fn parse(row: &Row) -> Result<CallRow, sql::Error> {
    let time = |column: &str| Ok::<_, sql::Error>(row.get::<Option<i64>>(column)?.map(Timestamp::from_millis));
    Ok(CallRow {
        id: CallId(row.get("id")?),
        conversation: ConversationId(row.get("conversation_id")?),
        caller: UserId(row.get("caller_id")?),
        call_type: row.get("call_type")?,
        status: row.get("status")?,
        ringing_at: Timestamp::from_millis(row.get("ringing_at")?),
        answered_at: time("answered_at")?,
        ended_at: time("ended_at")?,
        end_reason: row.get("end_reason")?,
        position: row.unsigned("position")?,
        party: usize::try_from(row.get::<i64>("party")?).unwrap_or_default(),
        people: Vec::new(),
    })
}
