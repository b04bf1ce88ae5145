//! Where the next page begins: a position, bound to the log and to what was asked. Whatever is changed of it shows.

use crate::{Problem, problem::FieldProblem};
use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use event_store::Position;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

const VERSION: &[u8] = b"chatchit.audit.page.1";
const CHECK: usize = 12;

/// Writes and reads the tokens of one question.
pub struct PageToken(Sha256);

impl PageToken {
    /// Of a question with its filters.
    #[must_use]
    pub fn new(incarnation: Uuid, question: &str, filters: &BTreeMap<String, String>) -> Self {
        let mut hash = Sha256::new_with_prefix(VERSION);
        hash.update(incarnation.as_bytes());
        let fields = filters.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        for text in std::iter::once(question).chain(fields) {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        Self(hash)
    }

    /// The token of a page that begins after a position.
    #[must_use]
    pub fn write(&self, after: Position) -> String {
        let position = after.to_be_bytes();
        URL_SAFE_NO_PAD.encode([&position[..], &self.check(position)].concat())
    }

    /// The position of a token.
    ///
    /// # Errors
    /// `bad_page_token` for one that was not written for this question.
    pub fn read(&self, token: &str) -> Result<Position, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok();
        let split = bytes.as_deref().and_then(|bytes| bytes.split_first_chunk());
        match split {
            Some((position, check)) if check == self.check(*position) => Ok(Position::from_be_bytes(*position)),
            _ => Err(bad_token()),
        }
    }

    fn check(&self, position: [u8; 8]) -> [u8; CHECK] {
        let digest = self.0.clone().chain_update(position).finalize();
        std::array::from_fn(|n| digest[n])
    }
}

/// The problem that a token is not one.
#[must_use]
pub(crate) fn bad_token() -> Problem {
    let detail = "must be the next of an earlier page of the same question";
    let errors = vec![FieldProblem { field: "after".into(), code: "malformed".into(), detail: detail.into() }];
    Problem { errors, ..Problem::new(StatusCode::BAD_REQUEST, "bad_page_token", format!("after {detail}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_question_and_as_it_was_written() {
        let filters = |value: &str| BTreeMap::from([("type".to_owned(), value.to_owned())]);
        let question = PageToken::new(Uuid::nil(), "events", &filters("message.sent"));
        let token = question.write(4_711);
        assert_eq!(question.read(&token).unwrap(), 4_711);
        for other in [
            PageToken::new(Uuid::nil(), "events", &filters("message.edited")),
            PageToken::new(Uuid::nil(), "export", &filters("message.sent")),
            PageToken::new(Uuid::max(), "events", &filters("message.sent")),
        ] {
            assert_eq!(other.read(&token).unwrap_err().code, "bad_page_token");
        }
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(question.read(std::str::from_utf8(&changed).unwrap()).is_err(), "{at}");
        }
        for bad in ["", "!", "AAAA", &token[1..], &(token.clone() + "AAAA")] {
            assert_eq!(question.read(bad).unwrap_err().status, 400, "{bad:?}");
        }
    }
}
