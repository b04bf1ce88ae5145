//! Conversations, as administrators look for them: what they are, and nothing of what is said in them.

use super::{Page, PageRequest, Queries, QueryError, page::Place, users::containing};
use domain::{ConversationId, Timestamp, UserId, conversation::ConversationType};
use sql::{Row, Value, query};

/// Which conversations are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchedFilter {
    /// Part of a title.
    pub text: Option<String>,
    /// Direct or group.
    pub conversation_type: Option<ConversationType>,
}

/// A conversation, from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedRow {
    /// Which.
    pub id: ConversationId,
    /// `direct` or `group`.
    pub conversation_type: String,
    /// A group's title.
    pub title: Option<String>,
    /// A group's picture.
    pub avatar_url: Option<String>,
    /// How people come in by themselves: `invite`, `approval` or `open`.
    pub joining: String,
    /// Who opened it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// How many are in.
    pub member_count: u64,
    /// How many messages were ever sent in it.
    pub message_count: u64,
    /// When the newest message was sent; without one, when it was opened.
    pub last_activity: Timestamp,
    position: i64,
}

impl Queries {
    /// The conversations that are not over, the newest first: for administrators.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn watched(&self, filter: &WatchedFilter, page: &PageRequest) -> Result<Page<WatchedRow>, QueryError> {
        let place = page.place()?;
        let mut values: Vec<Value> = vec![place.number.into(), place.id.into(), page.probe().into()];
        // Seqs are dense: the newest tells how many there are.
        let newest = |column: &str| {
            format!("(SELECT m.{column} FROM messages m WHERE m.conversation_id = c.id ORDER BY m.seq DESC LIMIT 1)")
        };
        let mut sql = format!(
            "SELECT c.id, c.type, c.title, c.avatar_url, \
             CASE WHEN c.approval THEN 'approval' WHEN c.is_open THEN 'open' ELSE 'invite' END, c.created_by, c.created_at, c.member_count, \
             COALESCE({}, 0), COALESCE({}, c.created_at), c.position FROM conversations c \
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

fn parse(row: &Row) -> Result<WatchedRow, sql::Error> {
    Ok(WatchedRow {
        id: ConversationId(row.get(0)?),
        conversation_type: row.get(1)?,
        title: row.get(2)?,
        avatar_url: row.get(3)?,
        joining: row.get(4)?,
        created_by: UserId(row.get(5)?),
        created_at: Timestamp::from_millis(row.get(6)?),
        member_count: row.unsigned(7)?,
        message_count: row.unsigned(8)?,
        last_activity: Timestamp::from_millis(row.get(9)?),
        position: row.get(10)?,
    })
}
