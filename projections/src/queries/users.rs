//! Accounts.

use super::{
    Page, PageRequest, Queries, QueryError, padded,
    page::{Place, bytes_of},
};
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

impl UserRow {
    /// What it weighs in a page, in bytes.
    pub(super) fn weight(&self) -> usize {
        512 + bytes_of(&self.avatar_url) + self.preferences.len()
    }

    /// Leaves nothing of them but who they are.
    pub(super) fn hide(&mut self) {
        (self.first_name, self.last_name, self.email, self.phone, self.avatar_url) = (None, None, None, None, None);
        (self.preferences, self.role, self.is_blocked) = ("{}".to_owned(), "USER".to_owned(), false);
    }
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

/// Whether others can find an account.
pub(super) const FINDABLE: &str = "u.created_at IS NOT NULL AND u.deactivated_at IS NULL AND u.erased_at IS NULL";

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
    /// An account that others can find.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] when there is none: it was never opened, or is hidden, or erased.
    pub async fn user(&self, user: UserId) -> Result<UserRow, QueryError> {
        let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id = $1 AND {FINDABLE}");
        let row = self.database.fetch_optional(query(sql).bind(user.0)).await?;
        Ok(parse(&row.ok_or(QueryError::NotFound)?, 0)?)
    }

    /// An account that others can find, as `viewer` sees it: to whom it has blocked, it does not exist.
    ///
    /// # Errors
    /// [`QueryError::NotFound`] when there is none, or not for the viewer.
    pub async fn user_seen_by(&self, viewer: UserId, user: UserId) -> Result<UserRow, QueryError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM users u WHERE u.id = $1 AND {FINDABLE} \
             AND NOT EXISTS (SELECT 1 FROM friendships f WHERE \
             (f.low_user = u.id AND f.high_user = $2 AND f.blocked_by_low) \
             OR (f.high_user = u.id AND f.low_user = $2 AND f.blocked_by_high))"
        );
        let row = self.database.fetch_optional(query(sql).bind(user.0).bind(viewer.0)).await?;
        Ok(parse(&row.ok_or(QueryError::NotFound)?, 0)?)
    }

    /// Those of the accounts that others can find, in no order.
    ///
    /// # Errors
    /// When the read models are away.
    pub async fn users(&self, users: &[UserId]) -> Result<Vec<UserRow>, QueryError> {
        let ids = padded(&users.iter().map(|user| user.0).collect::<Vec<_>>());
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let these = placeholders(1, ids.len());
        let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id IN ({these}) AND {FINDABLE}");
        let rows = self.database.fetch_all(query(sql).bind_all(ids)).await?;
        Ok(rows.iter().map(|row| parse(row, 0)).collect::<Result<_, _>>()?)
    }

    pub(super) async fn user_page(&self, query: sql::Query, page: &PageRequest) -> Result<Page<UserRow>, QueryError> {
        let rows = self.database.fetch_all(query).await?;
        let users = rows.iter().map(|row| parse(row, 0)).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut_weighed(users, page, UserRow::weight, |user| Place {
            number: user.created_at.millis(),
            id: user.id.0,
        }))
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
