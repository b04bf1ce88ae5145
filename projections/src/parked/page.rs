//! Parked events in pages, as administrators read them.

use super::event::{COLUMNS, Parked, parse};
use queries::{PAGE_BYTES, Page, PageRequest, Queries, QueryError, cut_by_bytes};
use sql::query;

/// The weight of a letter without its error, in bytes of JSON, estimated.
const FRAME: usize = 512;

/// A parked event by the name of its projection, which this build may not have.
struct Letter {
    name: String,
    parked: Option<Parked>,
}

impl Letter {
    /// In a page, in bytes.
    fn weight(&self) -> usize {
        FRAME + self.parked.as_ref().map_or(0, |parked| parked.error.len())
    }
}

/// Parked events, oldest first. The token of a page names its last event, or another dead letter that sorts among them.
///
/// # Errors
/// [`QueryError::BadToken`], or when the read models are unavailable.
pub async fn parked_page(queries: &Queries, page: &PageRequest) -> Result<Page<Parked>, QueryError> {
    let (projection, position) = page.after_letter()?.unwrap_or_default();
    let sql = format!(
        "SELECT {COLUMNS} FROM parked WHERE (position, projection) > ($1, $2) ORDER BY position, projection LIMIT $3"
    );
    let mut letters = Vec::new();
    let listed = query(sql).bind(position).bind(projection).bind(page.limit() as u64 + 1);
    for row in queries.database().fetch_all(listed).await? {
        let name = format!("{}:{}", row.get::<String>("projection")?, row.unsigned("position")?);
        letters.push(Letter { name, parked: parse(&row)? });
    }
    let more = letters.len() > page.limit();
    letters.truncate(page.limit());
    let more = cut_by_bytes(&mut letters, PAGE_BYTES, Letter::weight) || more;
    let next = letters.last().filter(|_| more).map(|last| page.letter_token(&last.name));
    let items = letters.into_iter().filter_map(|letter| letter.parked).collect();
    Ok(Page { items, next })
}
