//! Calls: as a member of their conversation sees them, and those that are not over, for whoever ends them.

use super::{Page, PageRequest, Queries, QueryError, padded, page::Place};
use crate::now::now;
use domain::{CallId, ConversationId, Timestamp, UserId};
use sql::{Query, Row, placeholders, query};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    /// Which.
    pub id: CallId,
    /// Where.
    pub conversation: ConversationId,
    /// Who called.
    pub caller: UserId,
    /// `VOICE` or `VIDEO`.
    pub call_type: String,
    /// `RINGING`, `ONGOING`, `ENDED`, `MISSED` or `REFUSED`.
    pub status: String,
    /// When it began to ring.
    pub ringing_at: Timestamp,
    /// When it was first answered.
    pub answered_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub end_reason: Option<String>,
    /// The position of the event by which it began.
    pub position: u64,
    /// How people stand to it, in the order of their ids.
    pub people: Vec<CallPersonRow>,
    /// How many people it concerns: known before they are read.
    party: usize,
}

/// How somebody stands to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallPersonRow {
    /// Who.
    pub user: UserId,
    /// `ringing`, `refused`, `present` or `gone`.
    pub standing: String,
    /// When they first came.
    pub joined_at: Option<Timestamp>,
    /// When they left.
    pub left_at: Option<Timestamp>,
}

/// A call that rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingingRow {
    /// Which.
    pub call: CallId,
    /// Since when it has been seen to, by the database's clock.
    pub since: Timestamp,
}

/// Somebody who is in a call that is not over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PresentRow {
    /// Which call.
    pub call: CallId,
    /// Who.
    pub user: UserId,
}

/// What one person of a call weighs in a page, in bytes.
const PERSON: usize = 160;

pub(super) const SELECT: &str = "SELECT c.id, c.conversation_id, c.caller_id, c.call_type, c.status, c.ringing_at, \
    c.answered_at, c.ended_at, c.end_reason, c.position, \
    (SELECT COUNT(*) FROM call_people n WHERE n.call_id = c.id) FROM calls c";

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

    /// At most `limit` calls that have been seen to ring for as long as `ring`, by the database's clock, and still do; by
    /// id, after `after`.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn rung_out(&self, ring: Duration, after: CallId, limit: u32) -> Result<Vec<RingingRow>, QueryError> {
        let now = now(self.database.engine());
        let sql = format!(
            "SELECT r.call_id, r.since FROM ringing r JOIN calls c ON c.id = r.call_id \
             WHERE c.ended_at IS NULL AND c.status = 'RINGING' AND r.since + $1 <= {now} AND r.call_id > $2 \
             ORDER BY r.call_id LIMIT $3"
        );
        let ring = i64::try_from(ring.as_millis()).unwrap_or(i64::MAX / 2);
        let rows = self.database.fetch_all(query(sql).bind(ring).bind(after.0).bind(limit)).await?;
        let row = |row: &Row| Ok(RingingRow { call: CallId(row.get(0)?), since: Timestamp::from_millis(row.get(1)?) });
        Ok(rows.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    /// Notes, by the database's clock, since when calls ring that were not seen to before, and forgets those that do not
    /// ring any more. Writes nothing when nothing has changed.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn note_ringing(&self) -> Result<(), QueryError> {
        let changed = "SELECT 1 FROM calls c WHERE c.ended_at IS NULL AND c.status = 'RINGING' \
                       AND NOT EXISTS (SELECT 1 FROM ringing r WHERE r.call_id = c.id) \
                       UNION ALL SELECT 1 FROM ringing r WHERE NOT EXISTS (SELECT 1 FROM calls c \
                       WHERE c.id = r.call_id AND c.ended_at IS NULL AND c.status = 'RINGING') LIMIT 1";
        if self.database.fetch_optional(query(changed)).await?.is_none() {
            return Ok(());
        }
        let now = now(self.database.engine());
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

    /// At most `limit` of those who are in a call that is not over, by call and person, after `after`.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn present_in_calls(&self, after: PresentRow, limit: u32) -> Result<Vec<PresentRow>, QueryError> {
        let sql = "SELECT c.id, p.user_id FROM calls c JOIN call_people p ON p.call_id = c.id \
                   WHERE c.ended_at IS NULL AND p.standing = 'present' AND (c.id, p.user_id) > ($1, $2) \
                   ORDER BY c.id, p.user_id LIMIT $3";
        let present = query(sql).bind(after.call.0).bind(after.user.0).bind(limit);
        let rows = self.database.fetch_all(present).await?;
        let row = |row: &Row| Ok(PresentRow { call: CallId(row.get(0)?), user: UserId(row.get(1)?) });
        Ok(rows.iter().map(row).collect::<Result<_, sql::Error>>()?)
    }

    pub(super) async fn call_page(
        &self,
        query: Query,
        page: &PageRequest,
        place: impl Fn(&CallRow) -> Place,
    ) -> Result<Page<CallRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        let calls: Vec<CallRow> = rows.iter().map(parse).collect::<Result<_, _>>()?;
        let Page { items, next } = Page::cut_weighed(calls, page, |call| 512 + PERSON * call.party, place);
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
                user: UserId(row.get(1)?),
                standing: row.get(2)?,
                joined_at: row.get::<Option<i64>>(3)?.map(Timestamp::from_millis),
                left_at: row.get::<Option<i64>>(4)?.map(Timestamp::from_millis),
            };
            people.entry(row.get(0)?).or_default().push(person);
        }
        Ok(people)
    }
}

/// Reads [`SELECT`].
fn parse(row: &Row) -> Result<CallRow, sql::Error> {
    let time = |index| Ok::<_, sql::Error>(row.get::<Option<i64>>(index)?.map(Timestamp::from_millis));
    Ok(CallRow {
        id: CallId(row.get(0)?),
        conversation: ConversationId(row.get(1)?),
        caller: UserId(row.get(2)?),
        call_type: row.get(3)?,
        status: row.get(4)?,
        ringing_at: Timestamp::from_millis(row.get(5)?),
        answered_at: time(6)?,
        ended_at: time(7)?,
        end_reason: row.get(8)?,
        position: row.unsigned(9)?,
        party: usize::try_from(row.get::<i64>(10)?).unwrap_or_default(),
        people: Vec::new(),
    })
}
