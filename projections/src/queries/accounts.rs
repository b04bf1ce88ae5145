//! Accounts, as administrators look for them.

use super::{
    Page, PageRequest, Queries, QueryError, UserRow,
    users::{COLUMNS, containing},
};
use domain::user::Role;
use sql::{Value, query};

/// Which accounts are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Part of a name or of an e-mail address.
    pub text: Option<String>,
    /// With this role.
    pub role: Option<Role>,
    /// Stopped from acting, or not.
    pub is_blocked: Option<bool>,
}

impl Queries {
    /// Accounts, newest first: for administrators.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn accounts(&self, filter: &AccountFilter, page: &PageRequest) -> Result<Page<UserRow>, QueryError> {
        let place = page.place()?;
        let mut values: Vec<Value> = vec![place.number.into(), place.id.into(), page.probe().into()];
        let mut sql =
            format!("SELECT {COLUMNS} FROM users u WHERE u.created_at IS NOT NULL AND (u.created_at, u.id) < ($1, $2)");
        if let Some(text) = &filter.text {
            values.push(containing(&text.trim().to_lowercase()).into());
            let n = values.len();
            sql += &format!(
                " AND (u.email_folded LIKE ${n} ESCAPE '\\' \
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
