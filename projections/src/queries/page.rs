//! Pages of a list, and the tokens that name where the next one begins: authenticated, so that nobody makes one up, and
//! bound to whom and for which list they were given.

use super::QueryError;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event_store::Authenticator;
use std::fmt;
use uuid::Uuid;

/// Rows of a page when nothing is said.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most rows of a page.
pub const MAX_LIMIT: u32 = 200;

/// What the rows of a page may have together, in bytes of their texts and links; one row at least is there, however
/// large. A page that ends here is shorter than its limit, and `next` goes on after it.
pub const PAGE_BYTES: usize = 1 << 20;

/// Which page is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// How many rows; [`DEFAULT_LIMIT`] when nothing is said, at least 1, at most [`MAX_LIMIT`].
    pub limit: Option<u32>,
    /// The token of the page before; `None` for the first.
    pub after: Option<String>,
    /// What authenticates the tokens of this list.
    pub key: PageKey,
}

/// Authenticates the tokens of one list, of one person.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct PageKey([u8; 32]);

/// Bytes of a tag.
const TAG: usize = 16;

impl PageKey {
    /// A key that nobody else has; it MUST differ for each person and list.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The token that says this.
    #[must_use]
    pub fn seal(&self, text: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([text, &self.tag(text)].concat())
    }

    /// What a token says; `None` for one that was not [sealed](Self::seal) with this key.
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

    pub(super) fn token(self, key: &PageKey) -> String {
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
    /// How many rows the page is to have.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT) as usize
    }

    /// What the page costs, in pages of the default size.
    #[must_use]
    pub fn cost(&self) -> u32 {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT).div_ceil(DEFAULT_LIMIT)
    }

    /// How many rows to ask for: one more tells whether there is a next page.
    pub(super) fn probe(&self) -> i64 {
        self.limit() as i64 + 1
    }

    /// The row after which the page begins.
    pub(super) fn place(&self) -> Result<Place, QueryError> {
        match &self.after {
            None => Ok(Place::TOP),
            Some(token) => Place::parse(token, &self.key).ok_or(QueryError::BadToken),
        }
    }
}

impl<T> Page<T> {
    /// Cuts the probing row off.
    pub(super) fn cut(items: Vec<T>, request: &PageRequest, place: impl Fn(&T) -> Place) -> Self {
        Self::cut_weighed(items, request, |_| 0, place)
    }

    /// Cuts the probing row off, and what is beyond [`PAGE_BYTES`] by what each row weighs.
    pub(super) fn cut_weighed(
        mut items: Vec<T>,
        request: &PageRequest,
        weight: impl Fn(&T) -> usize,
        place: impl Fn(&T) -> Place,
    ) -> Self {
        let more = items.len() > request.limit();
        items.truncate(request.limit());
        let more = cut_by_bytes(&mut items, PAGE_BYTES, weight) || more;
        let next = items.last().filter(|_| more).map(|last| place(last).token(&request.key));
        Self { items, next }
    }
}

/// What a text that may be absent weighs.
pub(super) fn bytes_of(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

/// Cuts off what is beyond `room` bytes, by what each row weighs; whether anything was.
pub(super) fn cut_by_bytes<T>(items: &mut Vec<T>, room: usize, weight: impl Fn(&T) -> usize) -> bool {
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
