//! Conversations, as administrators search them, without their content.

use crate::{
    Page, PageRequest, Queries, QueryError,
    page::{Place, Weigh, framed},
    users::containing,
};
use domain::{ConversationId, Timestamp, UserId, conversation::ConversationType};
use sql::{Row, Value, query};

/// A filter of conversations; absent fields match every conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationFilter {
    pub text: Option<String>,
    pub conversation_type: Option<ConversationType>,
}

/// A conversation without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationSummaryRow {
    pub id: ConversationId,
    /// `direct` or `group`.
    pub conversation_type: String,
    pub title: Option<String>,
    pub avatar_url: Option<String>,
    /// How new members join: `invite`, `approval` or `open`.
    pub joining: String,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub member_count: u64,
    /// All messages ever sent in it.
    pub message_count: u64,
    /// The time of the newest message; without one, of the creation.
    pub last_activity: Timestamp,
    position: i64,
}

impl Weigh for ConversationSummaryRow {
    fn weight(&self) -> usize {
        framed([&self.title, &self.avatar_url])
    }
}

impl Queries {
    /// The conversations that are not deleted, newest first, for administrators.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn watched(
        &self,
        filter: &ConversationFilter,
        page: &PageRequest,
    ) -> Result<Page<ConversationSummaryRow>, QueryError> {
        let place = page.place()?;
        let mut values: Vec<Value> = vec![place.number.into(), place.id.into(), page.probe().into()];
        // Seqs are dense, so the newest seq is the number of messages.
        let newest = |column: &str| {
            format!("(SELECT m.{column} FROM messages m WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1)")
        };
        let mut sql = format!(
            "SELECT c.id, c.type, c.title, c.avatar_url, \
             CASE WHEN c.approval THEN 'approval' WHEN c.is_open THEN 'open' ELSE 'invite' END AS joining, c.created_by, c.created_at, c.member_count, \
             COALESCE({}, 0) AS message_count, COALESCE({}, c.created_at) AS last_activity, c.position FROM conversations c \
             WHERE c.deleted_at IS NULL AND (c.position, c.id) < ($1, $2)",
            newest("seq"),
            newest("created_at")
        );
        if let Some(text) = &filter.text {
            values.extend([containing(text.trim()).into(), containing(&text.trim().to_lowercase()).into()]);
            let (exact, folded) = (values.len() - 1, values.len());
            sql += &format!(" AND (c.title LIKE ${exact} ESCAPE '\\' OR LOWER(c.title) LIKE ${folded} ESCAPE '\\')");
        }
        if let Some(wanted) = filter.conversation_type {
            values.push(wanted.as_str().into());
            sql += &format!(" AND c.type = ${}", values.len());
        }
        sql += " ORDER BY c.position DESC, c.id DESC LIMIT $3";
        let rows = self.database.fetch_all(query(sql).bind_all(values)).await?;
        let rows = rows.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(rows, page, |row| Place { number: row.position, id: row.id.0 }))
    }
}

fn parse(row: &Row) -> Result<ConversationSummaryRow, sql::Error> {
    Ok(ConversationSummaryRow {
        id: ConversationId(row.get("id")?),
        conversation_type: row.get("type")?,
        title: row.get("title")?,
        avatar_url: row.get("avatar_url")?,
        joining: row.get("joining")?,
        created_by: UserId(row.get("created_by")?),
        created_at: Timestamp::from_millis(row.get("created_at")?),
        member_count: row.unsigned("member_count")?,
        message_count: row.unsigned("message_count")?,
        last_activity: Timestamp::from_millis(row.get("last_activity")?),
        position: row.get("position")?,
    })
}
