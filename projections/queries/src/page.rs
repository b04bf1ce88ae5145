//! Pages of a list and their tokens. A token names the row before the next page; it is authenticated, and bound to a
//! person and a list.

use crate::QueryError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event_store::Authenticator;
use std::fmt;
use uuid::Uuid;

/// The rows of a page without an explicit limit.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most rows of a page.
pub const MAX_LIMIT: u32 = 200;

/// The most bytes of texts and links in the rows of a page; a page has at least one row, however large. A page that
/// ends here is shorter than its limit, and `next` continues after it.
pub const PAGE_BYTES: usize = 1 << 20;

/// The page requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Between 1 and [`MAX_LIMIT`]; [`DEFAULT_LIMIT`] if absent.
    pub limit: Option<u32>,
    /// The token of the previous page; `None` for the first.
    pub after: Option<String>,
    /// Authenticates the tokens of this list.
    pub key: PageKey,
}

/// Authenticates the tokens of one list of one person.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct PageKey([u8; 32]);

const TAG: usize = 16;

impl PageKey {
    /// The key MUST be secret, and differ for each person and list.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The token for a text.
    #[must_use]
    pub fn seal(&self, text: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([text, &self.tag(text)].concat())
    }

    /// The text of a token; `None` if it was not [sealed](Self::seal) with this key.
    #[must_use]
    pub fn open(&self, token: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let tag = bytes.split_off(bytes.len().checked_sub(TAG)?);
        let differs = self.tag(&bytes).iter().zip(&tag).fold(0, |differs, (a, b)| differs | (a ^ b));
        (differs == 0).then_some(bytes)
    }

    fn tag(&self, text: &[u8]) -> [u8; TAG] {
        let tag = Authenticator::new(&self.0).tag(&[text]);
        std::array::from_fn(|n| tag[n])
    }
}

impl fmt::Debug for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageKey(..)")
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The token of the next page; `None` on the last one.
    pub next: Option<String>,
}

/// The sort key of a row in a list sorted by a number and an id, both descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) number: i64,
    pub(crate) id: Uuid,
}

impl Place {
    /// Sorts before every row.
    const TOP: Self = Self { number: i64::MAX, id: Uuid::max() };

    pub(crate) fn token(self, key: &PageKey) -> String {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.number.to_be_bytes());
        bytes[8..].copy_from_slice(self.id.as_bytes());
        key.seal(&bytes)
    }

    fn parse(token: &str, key: &PageKey) -> Option<Self> {
        let bytes = key.open(token)?;
        let (number, id) = bytes.split_first_chunk()?;
        Some(Self { number: i64::from_be_bytes(*number), id: Uuid::from_slice(id).ok()? })
    }
}

impl PageRequest {
    /// The number of rows of the page.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize
    }

    /// The cost of the page, in pages of the default size.
    #[must_use]
    pub fn cost(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT).div_ceil(DEFAULT_LIMIT)
    }

    /// The number of rows to read; one more than the page has shows whether there is a next one.
    pub(crate) fn probe(&self) -> i64 {
        self.limit() as i64 + 1
    }

    /// The row after which the page begins.
    pub(crate) fn place(&self) -> Result<Place, QueryError> {
        match &self.after {
            None => Ok(Place::TOP),
            Some(token) => Place::parse(token, &self.key).ok_or(QueryError::BadToken),
        }
    }
}

impl PageRequest {
    /// The dead letter after which the page begins: its projection or reactor, and the position of the event.
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

    /// The token of the page after the dead letter with this name.
    #[must_use]
    pub fn letter_token(&self, id: &str) -> String {
        self.key.seal(id.as_bytes())
    }
}

impl<T> Page<T> {
    /// Cuts off the probing row and the rows beyond [`PAGE_BYTES`].
    pub(crate) fn cut(mut items: Vec<T>, request: &PageRequest, place: impl Fn(&T) -> Place) -> Self
    where
        T: Weigh,
    {
        let more = items.len() > request.limit();
        items.truncate(request.limit());
        let more = cut_by_bytes(&mut items, PAGE_BYTES, T::weight) || more;
        let next = items.last().filter(|_| more).map(|last| place(last).token(&request.key));
        Self { items, next }
    }
}

/// The weight of a row without its texts, in bytes of JSON, estimated.
pub(crate) const FRAME: usize = 512;

/// The weight of a row in a page. Every row type has one, so that every page is limited by bytes.
pub(crate) trait Weigh {
    /// In bytes.
    fn weight(&self) -> usize;
}

/// The weight of a row with these texts.
pub(crate) fn framed<const N: usize>(texts: [&Option<String>; N]) -> usize {
    FRAME + texts.into_iter().map(bytes_of).sum::<usize>()
}

/// The bytes of a text; 0 if absent.
pub(crate) fn bytes_of(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

/// Cuts off the rows beyond `room` bytes and returns whether there were any. At least one row remains.
pub fn cut_by_bytes<T>(items: &mut Vec<T>, room: usize, weight: impl Fn(&T) -> usize) -> bool {
    let mut taken = 0_usize;
    let fits = items.iter().take_while(|item| {
        taken = taken.saturating_add(weight(item));
        taken <= room
    });
    let kept = fits.count().max(1);
    let cut = kept < items.len();
    items.truncate(kept);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_by_bytes_and_has_one_row_at_least() {
        for (weights, room, want) in [
            (vec![1, 2, 3], 6, 3),
            (vec![1, 2, 3], 5, 2),
            (vec![9, 1], 5, 1),
            (vec![usize::MAX; 2], 5, 1),
            (vec![], 5, 0),
        ] {
            let mut items = weights.clone();
            let cut = cut_by_bytes(&mut items, room, |weight| *weight);
            assert_eq!((items.len(), cut), (want, want < weights.len()), "{weights:?}");
        }
    }

    #[test]
    fn a_token_names_its_place_and_nothing_else_does() {
        let place = Place { number: -7, id: Uuid::from_u128(9) };
        let key = PageKey::new([7; 32]);
        let token = place.token(&key);
        let request = |after: &str| PageRequest { limit: None, after: Some(after.to_owned()), key };
        assert_eq!(request(&token).place().unwrap(), place);
        let others = place.token(&PageKey::new([8; 32]));
        let mut forged = URL_SAFE_NO_PAD.decode(&token).unwrap();
        forged[7] ^= 1;
        let forged = URL_SAFE_NO_PAD.encode(forged);
        let old = URL_SAFE_NO_PAD.encode([0; 24]);
        for bad in ["", "!", "AAAA", &(token + "AAAA"), &others, &forged, &old] {
            assert!(matches!(request(bad).place(), Err(QueryError::BadToken)), "{bad:?}");
        }
    }

    #[test]
    fn limits_are_kept_within_bounds() {
        let limit = |limit| PageRequest { limit, ..PageRequest::default() }.limit();
        assert_eq!([limit(None), limit(Some(0)), limit(Some(7)), limit(Some(9_999))], [50, 1, 7, 200]);
    }
}
