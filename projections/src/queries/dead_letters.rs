//! Parked events, as administrators look through them.

use super::{Page, PageRequest, Queries, QueryError};
use crate::{
    Parked,
    parked::{COLUMNS, parse},
};
use sql::query;

impl Queries {
    /// Parked events, the oldest first: the token of a page is the name of its last.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn dead_letters(&self, page: &PageRequest) -> Result<Page<Parked>, QueryError> {
        let (projection, position) = match page.after.as_deref() {
            None => (String::new(), 0),
            Some(token) => last_of(page, token).ok_or(QueryError::BadToken)?,
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM parked WHERE (position, projection) > ($1, $2) ORDER BY position, projection LIMIT $3"
        );
        let mut rows = self.database.fetch_all(query(sql).bind(position).bind(projection).bind(page.probe())).await?;
        let more = rows.len() > page.limit();
        rows.truncate(page.limit());
        let next = match rows.last().filter(|_| more) {
            Some(last) => {
                let name = format!("{}:{}", last.get::<String>(0)?, last.unsigned(1)?);
                Some(page.key.seal(name.as_bytes()))
            }
            None => None,
        };
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            items.extend(parse(row)?);
        }
        Ok(Page { items, next })
    }
}

/// Projection and position of the last of the page before.
fn last_of(page: &PageRequest, token: &str) -> Option<(String, u64)> {
    let name = String::from_utf8(page.key.open(token)?).ok()?;
    let (projection, position) = name.split_once(':')?;
    Some((projection.to_owned(), position.parse().ok()?))
}
