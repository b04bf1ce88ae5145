//! The spam formula: scores a text by its properties and the account's recent ones.

use serde::{Deserialize, Serialize};

/// The version of the formula, stored with each verdict. Raise it with any change of a figure below or of what is counted.
pub const FORMULA: u16 = 3;
/// The least score of a refused text.
pub const REFUSED: u32 = 100;

/// The age, in seconds, below which an account is new.
const NEW_S: u64 = 3_600;
/// The most of each input that passes.
const IDENTICAL: u32 = 100;
const LINKS: u32 = 50;
const RECENT_LINKS: u32 = 120;
const MENTIONS: u32 = 200;
const CONVERSATIONS: u32 = 200;
const BURST: u32 = 1_000;
const STRANGERS: u32 = 500;
const UNASKED_LINKS: u32 = 4;
/// For accounts of any age: additions of the same stranger to groups.
const UNASKED: u32 = 3;

/// The basis of a verdict: a text (message, title, story, comment, status) and
/// first contacts with strangers. "Recent" is the last minute, the text itself included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// Recent texts of the account equal to this one, apart from case and spaces. A title counts once for each stranger
    /// who received it.
    pub identical: u32,
    /// Links in the text.
    pub links: u32,
    /// Recent links of the account.
    pub recent_links: u32,
    /// Recent mentions by the account, repeated ones included.
    pub recent_mentions: u32,
    /// Conversations with recent texts of the account.
    pub conversations: u32,
    /// Texts of the account within the last ten seconds.
    pub burst: u32,
    /// Strangers the account approached within a day: by requests, conversations, groups.
    #[serde(default, skip_serializing_if = "is_none")]
    pub strangers: u32,
    /// The most additions of one of these strangers to groups within a day.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unasked: u32,
    /// Links in the titles of these groups, once for each stranger who received it.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unasked_links: u32,
    /// The age of the account in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
}

impl Inputs {
    /// True if the account is new.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.age.is_some_and(|age| age < NEW_S)
    }

    /// The score: the greatest ratio of an input to the most that passes, in hundredths.
    /// For a new account the limits of floods are halved, and bursts count, too.
    #[must_use]
    pub fn points(&self) -> u32 {
        let part = |value: u32, most: u32| value.saturating_mul(REFUSED) / (most + 1);
        let flood = part(self.links, LINKS).max(part(self.recent_links, RECENT_LINKS));
        let flood = flood.max(part(self.recent_mentions, MENTIONS)).max(part(self.strangers, STRANGERS));
        let flood = flood.max(part(self.unasked_links, UNASKED_LINKS));
        let repeated = part(self.identical, IDENTICAL).max(part(self.unasked, UNASKED));
        if !self.is_new() {
            return repeated.max(flood);
        }
        let burst = part(self.burst, BURST).max(part(self.conversations, CONVERSATIONS));
        repeated.max(flood.saturating_mul(2)).max(burst)
    }

    /// True for spam.
    #[must_use]
    pub fn is_spam(&self) -> bool {
        self.points() >= REFUSED
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_none(count: &u32) -> bool {
    *count == 0
}

/// The number of links in a text.
#[must_use]
pub fn links(text: &str) -> u32 {
    let text = text.to_ascii_lowercase();
    let found = text.match_indices("http://").count() + text.match_indices("https://").count();
    // A link with a scheme is counted by its scheme.
    let bare = text.match_indices("www.").filter(|(at, _)| !text[..*at].ends_with("//")).count();
    u32::try_from(found + bare).unwrap_or(u32::MAX)
}
