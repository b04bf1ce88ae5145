//! Accounts, as administrators search them.

use crate::{
    Page, PageRequest, Queries, QueryError, UserRow,
    users::{COLUMNS, containing},
};
use domain::{UserId, text::EmailAddress, user::Role};
use sql::{Value, query};

/// A filter of accounts; absent fields match every account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    pub text: Option<String>,
    pub role: Option<Role>,
    pub is_blocked: Option<bool>,
}

impl Queries {
    /// At most `most` administrators who are not blocked, the longest-standing first.
    ///
    /// # Errors
    /// If the read models are unavailable.
    pub async fn administrators(&self, most: u32) -> Result<Vec<UserId>, QueryError> {
        let sql = "SELECT u.id FROM users u WHERE u.created_at IS NOT NULL AND NOT u.is_blocked \
                   AND COALESCE(u.changed_role, u.role) = $1 ORDER BY u.created_at, u.id LIMIT $2";
        let rows = self.database.fetch_all(query(sql).bind(Role::Admin.as_str()).bind(most)).await?;
        Ok(rows.iter().map(|row| row.get("id").map(UserId)).collect::<Result<_, _>>()?)
    }

    /// Accounts for administrators, newest first.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or if the read models are unavailable.
    pub async fn accounts(&self, filter: &AccountFilter, page: &PageRequest) -> Result<Page<UserRow>, QueryError> {
        let place = page.place()?;
        let mut values: Vec<Value> = vec![place.number.into(), place.id.into(), page.probe().into()];
        let mut sql =
            format!("SELECT {COLUMNS} FROM users u WHERE u.created_at IS NOT NULL AND (u.created_at, u.id) < ($1, $2)");
        if let Some(text) = &filter.text {
            values.push(containing(&text.trim().to_lowercase()).into());
            // An address is compared in its canonical form; a part of one has no host to translate.
            values.push(containing(&EmailAddress::stored(text.trim()).canonical()).into());
            let (n, address) = (values.len() - 1, values.len());
            sql += &format!(
                " AND (u.email_folded LIKE ${address} ESCAPE '\\' \
                 OR u.first_name_folded || ' ' || u.last_name_folded LIKE ${n} ESCAPE '\\')"
            );
        }
        if let Some(role) = filter.role {
            values.push(role.as_str().into());
            sql += &format!(" AND COALESCE(u.changed_role, u.role) = ${}", values.len());
        }
        sql += match filter.is_blocked {
            Some(true) => " AND u.is_blocked",
            Some(false) => " AND NOT u.is_blocked",
            None => "",
        };
        sql += " ORDER BY u.created_at DESC, u.id DESC LIMIT $3";
        self.user_page(query(sql).bind_all(values), page).await
    }
}
