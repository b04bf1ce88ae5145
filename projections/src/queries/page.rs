//! Pages of a list, and the tokens that name where the next one begins.

use super::QueryError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

/// Rows of a page when nothing is said.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most rows of a page.
pub const MAX_LIMIT: u32 = 200;

/// Which page is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many rows; [`DEFAULT_LIMIT`] when nothing is said, at least 1, at most [`MAX_LIMIT`].
    pub limit: Option<u32>,
    /// The token of the page before; `None` for the first.
    pub after: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Names the next page; `None` when this is the last.
    pub next: Option<String>,
}

/// The place of a row in a list that is sorted by a number and an id, both descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) number: i64,
    pub(super) id: Uuid,
}

impl Place {
    /// Before every row.
    const TOP: Self = Self { number: i64::MAX, id: Uuid::max() };

    fn token(self) -> String {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.number.to_be_bytes());
        bytes[8..].copy_from_slice(self.id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn parse(token: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (number, id) = bytes.split_first_chunk()?;
        Some(Self { number: i64::from_be_bytes(*number), id: Uuid::from_slice(id).ok()? })
    }
}

impl PageRequest {
    /// How many rows the page is to have.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize
    }

    /// How many rows to ask for: one more tells whether there is a next page.
    pub(super) fn probe(&self) -> i64 {
        self.limit() as i64 + 1
    }

    /// The row after which the page begins.
    pub(super) fn place(&self) -> Result<Place, QueryError> {
        match &self.after {
            None => Ok(Place::TOP),
            Some(token) => Place::parse(token).ok_or(QueryError::BadToken),
        }
    }
}

impl<T> Page<T> {
    /// Cuts the probing row off.
    pub(super) fn cut(mut items: Vec<T>, request: &PageRequest, place: impl Fn(&T) -> Place) -> Self {
        let more = items.len() > request.limit();
        items.truncate(request.limit());
        let next = items.last().filter(|_| more).map(|last| place(last).token());
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_place_and_nothing_else_does() {
        let place = Place { number: -7, id: Uuid::from_u128(9) };
        let request = |after: &str| PageRequest { limit: None, after: Some(after.to_owned()) };
        assert_eq!(request(&place.token()).place().unwrap(), place);
        for bad in ["", "!", "AAAA", &(place.token() + "AAAA")] {
            assert!(matches!(request(bad).place(), Err(QueryError::BadToken)), "{bad:?}");
        }
    }

    #[test]
    fn limits_are_kept_within_bounds() {
        let limit = |limit| PageRequest { limit, after: None }.limit();
        assert_eq!([limit(None), limit(Some(0)), limit(Some(7)), limit(Some(9_999))], [50, 1, 7, 200]);
    }
}
