//! Where the next page begins: a position, bound to the log, to who asked and to what. It is authenticated: nobody makes one
//! up.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::UserId;
use event_store::{Authenticator, EventStore, Position};
use protocol::Problem;
use std::collections::BTreeMap;
use uuid::Uuid;

const CHECK: usize = 12;

/// Writes and reads the tokens of one question.
pub(super) struct PageToken {
    key: Authenticator,
    question: Vec<Vec<u8>>,
}

impl PageToken {
    /// Of a question with its filters.
    #[must_use]
    pub(crate) fn new(store: &EventStore, asker: UserId, question: &str, filters: &BTreeMap<String, String>) -> Self {
        let key = store.authenticator("audit.page");
        Self { key, question: parts(store.incarnation(), asker, question, filters) }
    }

    /// The token of a page that begins after a position.
    #[must_use]
    pub(super) fn write(&self, after: Position) -> String {
        let position = after.to_be_bytes();
        URL_SAFE_NO_PAD.encode([&position[..], &self.check(position)].concat())
    }

    /// The position of a token.
    ///
    /// # Errors
    /// `invalid` for one that was not written for this question.
    pub(super) fn read(&self, token: &str) -> Result<Position, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok();
        let split = bytes.as_deref().and_then(|bytes| bytes.split_first_chunk());
        match split {
            Some((position, check)) if check == self.check(*position) => Ok(Position::from_be_bytes(*position)),
            _ => Err(bad_token()),
        }
    }

    fn check(&self, position: [u8; 8]) -> [u8; CHECK] {
        let mut parts: Vec<_> = self.question.iter().map(Vec::as_slice).collect();
        parts.push(&position);
        let digest = self.key.tag(&parts);
        std::array::from_fn(|n| digest[n])
    }
}

fn parts(incarnation: Uuid, asker: UserId, question: &str, filters: &BTreeMap<String, String>) -> Vec<Vec<u8>> {
    let filters = filters.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    let own = [incarnation.as_bytes().as_slice(), asker.0.as_bytes(), question.as_bytes()];
    own.into_iter().chain(filters).map(<[u8]>::to_vec).collect()
}

/// The problem that a token is not one.
#[must_use]
pub(super) fn bad_token() -> Problem {
    Problem::field("after", "malformed", "must be the next of an earlier page of the same question")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_question_and_as_it_was_written() {
        let filters = |value: &str| BTreeMap::from([("type".to_owned(), value.to_owned())]);
        let token_of = |log, asker: u128, question: &str, value: &str| PageToken {
            key: Authenticator::new(&[7; 32]),
            question: parts(log, UserId(Uuid::from_u128(asker)), question, &filters(value)),
        };
        let question = token_of(Uuid::nil(), 1, "events", "message.sent");
        let token = question.write(4_711);
        assert_eq!(question.read(&token).unwrap(), 4_711);
        for other in [
            token_of(Uuid::nil(), 1, "events", "message.edited"),
            token_of(Uuid::nil(), 1, "export", "message.sent"),
            token_of(Uuid::max(), 1, "events", "message.sent"),
            token_of(Uuid::nil(), 2, "events", "message.sent"),
        ] {
            assert_eq!(other.read(&token).unwrap_err().code, "invalid");
        }
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(question.read(std::str::from_utf8(&changed).unwrap()).is_err(), "{at}");
        }
        for bad in ["", "!", "AAAA", &token[1..], &(token.clone() + "AAAA")] {
            assert_eq!(question.read(bad).unwrap_err().status, 422, "{bad:?}");
        }
    }
}
