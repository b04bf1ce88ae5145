//! Parked events, as administrators look through them.

use super::{Page, PageRequest, Queries, QueryError};
use crate::{
    Parked,
    parked::{COLUMNS, parse},
};
use sql::query;

impl PageRequest {
    /// The dead letter after which the page begins: what could not do it, and the position of the event.
    ///
    /// # Errors
    /// [`QueryError::BadToken`].
    pub fn after_letter(&self) -> Result<Option<(String, u64)>, QueryError> {
        let Some(token) = self.after.as_deref() else { return Ok(None) };
        let letter = self.key.open(token).and_then(|name| {
            let name = String::from_utf8(name).ok()?;
            let (name, position) = name.split_once(':')?;
            Some((name.to_owned(), position.parse().ok()?))
        });
        letter.map(Some).ok_or(QueryError::BadToken)
    }

    /// The token of the page that begins after a dead letter of this name.
    #[must_use]
    pub fn letter_token(&self, id: &str) -> String {
        self.key.seal(id.as_bytes())
    }
}

impl Queries {
    /// Parked events, the oldest first: the token of a page is the name of its last, or of another dead letter that
    /// stands among them.
    ///
    /// # Errors
    /// [`QueryError::BadToken`], or when the read models are away.
    pub async fn dead_letters(&self, page: &PageRequest) -> Result<Page<Parked>, QueryError> {
        let (projection, position) = page.after_letter()?.unwrap_or_default();
        let sql = format!(
            "SELECT {COLUMNS} FROM parked WHERE (position, projection) > ($1, $2) ORDER BY position, projection LIMIT $3"
        );
        let mut rows = self.database.fetch_all(query(sql).bind(position).bind(projection).bind(page.probe())).await?;
        let more = rows.len() > page.limit();
        rows.truncate(page.limit());
        let next = match rows.last().filter(|_| more) {
            Some(last) => Some(page.letter_token(&format!("{}:{}", last.get::<String>(0)?, last.unsigned(1)?))),
            None => None,
        };
        let mut items = Vec::with_capacity(rows.len());
        for row in &rows {
            items.extend(parse(row)?);
        }
        Ok(Page { items, next })
    }
}
