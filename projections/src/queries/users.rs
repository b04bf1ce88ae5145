//! Accounts.

use super::{Page, PageRequest, Queries, QueryError, padded, page::Place};
use domain::{Timestamp, UserId};
use sql::{Row, placeholders, query};
use uuid::Uuid;

/// An account. Names and contacts are `None` once forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// Who.
    pub id: UserId,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// The address they sign in with.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// Picture.
    pub avatar_url: Option<String>,
    /// A JSON object, as text.
    pub preferences: String,
    /// `USER`, `MODERATOR` or `ADMIN`.
    pub role: String,
    /// Whether the account was stopped from acting.
    pub is_blocked: bool,
    /// When it was opened.
    pub created_at: Timestamp,
}

/// What is shown of somebody beside what they did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Who.
    pub id: UserId,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Picture.
    pub avatar_url: Option<String>,
}

pub(super) const COLUMNS: &str = "u.id, u.first_name, u.last_name, u.email, u.phone, u.avatar_url, u.preferences, \
                                  COALESCE(u.changed_role, u.role), u.is_blocked, u.created_at";

/// How many of [`COLUMNS`] there are.
pub(super) const WIDTH: usize = 10;

/// Reads [`COLUMNS`] from column `at` on.
pub(super) fn parse(row: &Row, at: usize) -> Result<UserRow, sql::Error> {
    Ok(UserRow {
        id: UserId(row.get(at)?),
        first_name: row.get(at + 1)?,
        last_name: row.get(at + 2)?,
        email: row.get(at + 3)?,
        phone: row.get(at + 4)?,
        avatar_url: row.get(at + 5)?,
        preferences: row.get(at + 6)?,
        role: row.get(at + 7)?,
        is_blocked: row.get(at + 8)?,
        created_at: Timestamp::from_millis(row.get(at + 9)?),
    })
}

impl Queries {
    /// An account.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] when there is none.
    pub async fn user(&self, user: UserId) -> Result<UserRow, QueryError> {
        let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id = $1 AND u.created_at IS NOT NULL");
        let row = self.database.fetch_optional(query(sql).bind(user.0)).await?;
        Ok(parse(&row.ok_or(QueryError::NotFound)?, 0)?)
    }

    /// Those of the accounts that exist, in no order.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn users(&self, users: &[UserId]) -> Result<Vec<UserRow>, QueryError> {
        let ids = padded(&users.iter().map(|user| user.0).collect::<Vec<_>>());
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {COLUMNS} FROM users u WHERE u.id IN ({}) AND u.created_at IS NOT NULL",
            placeholders(1, ids.len())
        );
        let rows = self.database.fetch_all(query(sql).bind_all(ids)).await?;
        Ok(rows.iter().map(|row| parse(row, 0)).collect::<Result<_, _>>()?)
    }

    /// People whose name contains `text`, or whose e-mail address it is, newest first. Without blocked accounts,
    /// and without anybody whom the viewer blocked or who blocked the viewer. An empty text finds everybody.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn search_users(
        &self,
        viewer: UserId,
        text: &str,
        page: &PageRequest,
    ) -> Result<Page<UserRow>, QueryError> {
        let folded = text.trim().to_lowercase();
        let pattern = containing(&folded);
        let sql = format!(
            "SELECT {COLUMNS} FROM users u WHERE u.created_at IS NOT NULL AND NOT u.is_blocked \
             AND (u.email_folded = $1 OR u.first_name_folded || ' ' || u.last_name_folded LIKE $2 ESCAPE '\\') \
             AND (u.created_at, u.id) < ($3, $4) \
             AND NOT EXISTS (SELECT 1 FROM friendships f WHERE (f.blocked_by_low OR f.blocked_by_high) \
             AND ((f.low_user = $5 AND f.high_user = u.id) OR (f.high_user = $5 AND f.low_user = u.id))) \
             ORDER BY u.created_at DESC, u.id DESC LIMIT $6"
        );
        let place = page.place()?;
        let search = query(sql).bind(folded).bind(pattern).bind(place.number).bind(place.id).bind(viewer.0);
        self.user_page(search.bind(page.probe()), page).await
    }

    pub(super) async fn user_page(&self, query: sql::Query, page: &PageRequest) -> Result<Page<UserRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        let users = rows.iter().map(|row| parse(row, 0)).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(users, page, |user| Place { number: user.created_at.millis(), id: user.id.0 }))
    }
}

/// The pattern of texts that contain this one.
pub(super) fn containing(text: &str) -> String {
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// Reads id, first name, last name and picture from column `at` on; nobody when the id is unknown here.
pub(super) fn person(row: &Row, id: Uuid, at: usize) -> Result<PersonRow, sql::Error> {
    Ok(PersonRow {
        id: UserId(id),
        first_name: row.get(at)?,
        last_name: row.get(at + 1)?,
        avatar_url: row.get(at + 2)?,
    })
}
