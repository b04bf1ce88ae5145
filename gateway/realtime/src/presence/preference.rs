//! Presence preferences, and how a new one changes the stored one; pure.

use super::effective::choice_in_force;
use domain::{Timestamp, text::StatusText};
use projections::{
    Chosen,
    presence::{Choice, Kept},
};
use protocol::request::{Faults, Parse};
use serde_json::Value;

/// How a user wants to be seen.
#[derive(Clone, Debug)]
pub struct PresencePreference {
    /// The status.
    pub status: PreferredStatus,
    /// In their own words.
    pub text: Option<StatusText>,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// How somebody wants to be seen: the first two are said of the device, the others of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreferredStatus {
    /// At this device; whatever else was chosen is over.
    Online,
    /// Away from this device.
    Away,
    /// Not to be disturbed.
    Busy,
    /// As if they were not here.
    Invisible,
}

impl PreferredStatus {
    /// Its word in the protocol.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Busy => Chosen::Busy.as_str(),
            Self::Invisible => Chosen::Invisible.as_str(),
        }
    }
}

/// What a preference makes of what was chosen before, by somebody who was seen last at `seen`.
pub(super) fn chosen(preference: &PresencePreference, kept: &Kept, seen: Option<Timestamp>, now: Timestamp) -> Choice {
    let before = choice_in_force(&kept.choice, now);
    let was_hidden = before.chosen == Some(Chosen::Invisible);
    let hidden_seen = if was_hidden { before.hidden_seen } else { seen };
    let chosen = match preference.status {
        PreferredStatus::Online => None,
        PreferredStatus::Busy => Some(Chosen::Busy),
        PreferredStatus::Invisible => Some(Chosen::Invisible),
        // Of the device alone, unless they say more.
        PreferredStatus::Away if before.chosen.is_some() || preference.text.is_none() => return before,
        PreferredStatus::Away => None,
    };
    let says_something = chosen.is_some() || preference.text.is_some();
    let choice = Choice {
        chosen,
        text: preference.text.clone(),
        until: preference.until.filter(|_| says_something),
        hidden_seen: hidden_seen.filter(|_| chosen == Some(Chosen::Invisible)),
    };
    choice_in_force(&choice, now)
}

impl Parse for PreferredStatus {
    fn parse(value: &Value, faults: &mut Faults) -> Option<Self> {
        let known = [Self::Online, Self::Away, Self::Busy, Self::Invisible];
        let text = faults.text(value)?;
        known
            .into_iter()
            .find(|word| word.as_str() == text)
            .or_else(|| faults.fault("unknown_word", format!("must be one of {}", known.map(Self::as_str).join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn preference(status: PreferredStatus, text: Option<&str>, until: Option<i64>) -> PresencePreference {
        PresencePreference { status, text: text.map(|text| StatusText::parse(text).unwrap()), until: until.map(at) }
    }

    fn kept(choice: Choice) -> Kept {
        Kept { choice, ..Kept::default() }
    }

    fn choice(status: Option<Chosen>, text: Option<&str>, until: Option<i64>, hidden_seen: Option<i64>) -> Choice {
        let PresencePreference { text, until, .. } = preference(PreferredStatus::Online, text, until);
        Choice { chosen: status, text, until, hidden_seen: hidden_seen.map(at) }
    }

    #[test]
    fn online_ends_what_was_chosen_and_away_does_not() {
        let busy = choice(Some(Chosen::Busy), Some("writing"), Some(200), None);
        for (preferred, want) in [
            (preference(PreferredStatus::Online, None, None), Choice::default()),
            (preference(PreferredStatus::Online, None, Some(300)), Choice::default()),
            (preference(PreferredStatus::Online, Some("back"), Some(300)), choice(None, Some("back"), Some(300), None)),
            (preference(PreferredStatus::Away, None, None), busy.clone()),
            (preference(PreferredStatus::Away, Some("lunch"), None), busy.clone()),
            (preference(PreferredStatus::Busy, None, None), choice(Some(Chosen::Busy), None, None, None)),
        ] {
            assert_eq!(chosen(&preferred, &kept(busy.clone()), Some(at(50)), at(100)), want, "{preferred:?}");
        }
        let words = choice(None, Some("at home"), None, None);
        let away = preference(PreferredStatus::Away, None, None);
        assert_eq!(chosen(&away, &kept(words.clone()), Some(at(50)), at(100)), words);
        let lunch = preference(PreferredStatus::Away, Some("lunch"), Some(900));
        assert_eq!(chosen(&lunch, &kept(words), Some(at(50)), at(100)), choice(None, Some("lunch"), Some(900), None));
    }

    #[test]
    fn what_lapsed_before_it_began_was_never_chosen() {
        let late = preference(PreferredStatus::Busy, Some("yesterday"), Some(100));
        assert_eq!(chosen(&late, &Kept::default(), Some(at(50)), at(100)), Choice::default());
    }

    #[test]
    fn who_hides_again_was_last_seen_when_they_hid_first() {
        let hidden = choice(Some(Chosen::Invisible), None, None, Some(50));
        let hide = preference(PreferredStatus::Invisible, None, None);
        assert_eq!(chosen(&hide, &Kept::default(), Some(at(50)), at(100)), hidden);
        assert_eq!(chosen(&hide, &kept(hidden.clone()), Some(at(90)), at(100)), hidden);
        let lapsed = choice(Some(Chosen::Invisible), None, Some(80), Some(50));
        assert_eq!(chosen(&hide, &kept(lapsed), Some(at(90)), at(100)).hidden_seen, Some(at(90)));
    }
}
