//! Accounts.

use crate::{
    Page, PageRequest, Queries, QueryError, padded,
    page::{Place, Weigh, framed},
};
use domain::{Timestamp, UserId};
use sql::{Row, placeholders, query};
use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

/// An account. Names and contacts of an erased person are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    pub id: UserId,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub avatar_url: Option<String>,
    /// A JSON object, as text.
    pub preferences: String,
    /// `USER`, `MODERATOR` or `ADMIN`.
    pub role: String,
    pub is_blocked: bool,
    pub created_at: Timestamp,
}

impl Weigh for UserRow {
    fn weight(&self) -> usize {
        let texts = [&self.first_name, &self.last_name, &self.email, &self.phone, &self.avatar_url];
        framed(texts) + self.preferences.len()
    }
}

impl UserRow {
    /// Removes everything but the id.
    pub(crate) fn hide(&mut self) {
        (self.first_name, self.last_name, self.email, self.phone, self.avatar_url) = (None, None, None, None, None);
        (self.preferences, self.role, self.is_blocked) = ("{}".to_owned(), "USER".to_owned(), false);
    }
}

/// The person shown beside something they did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    pub id: UserId,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub avatar_url: Option<String>,
}

impl Weigh for PersonRow {
    fn weight(&self) -> usize {
        framed([&self.first_name, &self.last_name, &self.avatar_url])
    }
}

pub(crate) const COLUMNS: &str = "u.id, u.first_name, u.last_name, u.email, u.phone, u.avatar_url, u.preferences, \
                                  COALESCE(u.changed_role, u.role) AS role, u.is_blocked, u.created_at";

/// Other people can find the account.
pub(crate) const FINDABLE: &str = "u.created_at IS NOT NULL AND u.deactivated_at IS NULL AND u.erased_at IS NULL";

/// The account `u` has not blocked the viewer `$2`.
pub(crate) const NOT_BLOCKED_BY: &str = "NOT EXISTS (SELECT 1 FROM friendships f WHERE \
     (f.low_user = u.id AND f.high_user = $2 AND f.blocked_by_low) \
     OR (f.high_user = u.id AND f.low_user = $2 AND f.blocked_by_high))";

/// Reads [`COLUMNS`].
pub(crate) fn parse(row: &Row) -> Result<UserRow, sql::Error> {
    Ok(UserRow {
        id: UserId(row.get("id")?),
        first_name: row.get("first_name")?,
        last_name: row.get("last_name")?,
        email: row.get("email")?,
        phone: row.get("phone")?,
        avatar_url: row.get("avatar_url")?,
        preferences: row.get("preferences")?,
        role: row.get("role")?,
        is_blocked: row.get("is_blocked")?,
        created_at: Timestamp::from_millis(row.get("created_at")?),
    })
}

impl Queries {
    /// An account that other people can find.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if there is none, or it is hidden or erased.
    pub async fn user(&self, user: UserId) -> Result<UserRow, QueryError> {
        let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id = $1 AND {FINDABLE}");
        let row = self.database.fetch_optional(query(sql).bind(user.0)).await?;
        Ok(parse(&row.ok_or(QueryError::NotFound)?)?)
    }

    /// An account that other people can find, unless it has blocked `viewer`.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] if there is none, or it has blocked the viewer.
    pub async fn user_seen_by(&self, viewer: UserId, user: UserId) -> Result<UserRow, QueryError> {
        let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id = $1 AND {FINDABLE} AND {NOT_BLOCKED_BY}");
        let row = self.database.fetch_optional(query(sql).bind(user.0).bind(viewer.0)).await?;
        Ok(parse(&row.ok_or(QueryError::NotFound)?)?)
    }

    /// The accounts among `users` that other people can find, in no order.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn users(&self, users: &[UserId]) -> Result<Vec<UserRow>, QueryError> {
        let ids = padded(&users.iter().map(|user| user.0).collect::<Vec<_>>());
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let these = placeholders(1, ids.len());
        let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id IN ({these}) AND {FINDABLE}");
        let rows = self.database.fetch_all(query(sql).bind_all(ids)).await?;
        Ok(rows.iter().map(parse).collect::<Result<_, _>>()?)
    }

    pub(crate) async fn user_page(&self, query: sql::Query, page: &PageRequest) -> Result<Page<UserRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        let users = rows.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(users, page, |user| Place { number: user.created_at.millis(), id: user.id.0 }))
    }
}

/// The LIKE pattern of texts that contain this one, in their stored form. Postgres accepts no NUL in a text, so no text
/// contains one.
pub(crate) fn containing(text: &str) -> String {
    let text: String = text.nfc().map(|c| if c == '\0' { char::REPLACEMENT_CHARACTER } else { c }).collect();
    format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
}

/// Reads the first name, last name and picture of the person `id`.
pub(crate) fn person(row: &Row, id: Uuid) -> Result<PersonRow, sql::Error> {
    Ok(PersonRow {
        id: UserId(id),
        first_name: row.get("first_name")?,
        last_name: row.get("last_name")?,
        avatar_url: row.get("avatar_url")?,
    })
}
