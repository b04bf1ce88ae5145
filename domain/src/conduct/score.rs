//! The spam filter: what is known of a message and of those before it, and what that makes of it.

use serde::{Deserialize, Serialize};

/// The version of the formula. Whoever changes a figure below raises it: a stored verdict says by which it was made.
pub const FORMULA: u16 = 2;
/// So many points refuse a message.
pub const REFUSED: u32 = 100;

/// An account is new for so many seconds.
const NEW_S: u64 = 3_600;
/// Of each input, the most that passes.
const IDENTICAL: u32 = 100;
const LINKS: u32 = 50;
const RECENT_LINKS: u32 = 120;
const MENTIONS: u32 = 200;
const CONVERSATIONS: u32 = 200;
const BURST: u32 = 1_000;
const STRANGERS: u32 = 500;
const UNASKED_LINKS: u32 = 4;
/// Of an account of any age: how often it puts the same stranger into groups.
const UNASKED: u32 = 3;

/// All that a verdict rests on: on a message, or on whatever else one says (a title, a story, a comment, a status), and
/// on first contacts with strangers. "Lately" is the last minute, the message itself included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// How often the account sent the same text lately, whatever its case and spaces.
    pub identical: u32,
    /// Links in the message.
    pub links: u32,
    /// Links that the account sent lately.
    pub recent_links: u32,
    /// People the account mentioned lately, one as often as it did.
    pub recent_mentions: u32,
    /// Conversations the account wrote into lately.
    pub conversations: u32,
    /// Messages the account sent within the last ten seconds.
    pub burst: u32,
    /// Strangers the account approached within a day: by requests, conversations, groups.
    #[serde(default, skip_serializing_if = "is_none")]
    pub strangers: u32,
    /// How often the account put one of these strangers into groups within a day; of several, the greatest.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unasked: u32,
    /// Links in the titles of these groups.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unasked_links: u32,
    /// How old the account is, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
}

impl Inputs {
    /// Whether the account was opened a short while ago.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.age.is_some_and(|age| age < NEW_S)
    }

    /// The points of a message: of each input, how much of what passes it is, in hundredths; the greatest counts.
    /// What floods and bursts may be of an account that is new is half of what others may, or not asked of others.
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

    /// Whether that is spam.
    #[must_use]
    pub fn is_spam(&self) -> bool {
        self.points() >= REFUSED
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_none(count: &u32) -> bool {
    *count == 0
}

/// How many links a text has.
#[must_use]
pub fn links(text: &str) -> u32 {
    let text = text.to_ascii_lowercase();
    let found = text.match_indices("http://").count() + text.match_indices("https://").count();
    // One that stands behind a scheme is counted by it.
    let bare = text.match_indices("www.").filter(|(at, _)| !text[..*at].ends_with("//")).count();
    u32::try_from(found + bare).unwrap_or(u32::MAX)
}
