//! What others see of somebody, by what they chose and what their devices say: the rule alone.

use domain::{SessionId, Timestamp};
use projections::{
    Chosen,
    presence::{Choice, Kept},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// How somebody is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// At one of their devices.
    Online,
    /// Away from all of them.
    Away,
    /// Not to be disturbed.
    Busy,
    /// Not here, or so it seems.
    #[default]
    Offline,
}

/// What others see of somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// How they are here.
    pub status: Status,
    /// In their own words.
    pub text: Option<String>,
    /// Until when they mean it.
    pub until: Option<Timestamp>,
    /// When they were last here; `None` while they are, and when it is not known.
    pub last_seen: Option<Timestamp>,
}

/// What others see of somebody now, and from when on something else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What they see.
    pub shown: Shown,
    /// When that changes by itself.
    pub lapses_at: Option<Timestamp>,
}

impl Shown {
    fn offline(last_seen: Option<Timestamp>) -> Self {
        Self { last_seen, ..Self::default() }
    }

    /// Whether one who was told the other need not be told this.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        (self.status, &self.text, self.until) == (other.status, &other.text, other.until)
    }
}

/// What of a choice holds at `now`.
#[must_use]
pub(super) fn holding(choice: &Choice, now: Timestamp) -> Choice {
    let holds = choice.until.is_none_or(|until| now < until);
    if holds { choice.clone() } else { Choice::default() }
}

/// What others see of somebody of whom this is kept, and who is `here` with these devices.
#[must_use]
pub(super) fn standing(kept: &Kept, here: &BTreeSet<SessionId>, now: Timestamp) -> Standing {
    let Choice { chosen, text, until, hidden_seen } = holding(&kept.choice, now);
    let at_a_device = here.iter().any(|device| !kept.away.contains(device));
    let status = match chosen {
        _ if here.is_empty() => Status::Offline,
        Some(Chosen::Invisible) => Status::Offline,
        Some(Chosen::Busy) => Status::Busy,
        None if at_a_device => Status::Online,
        None => Status::Away,
    };
    let shown = match status {
        Status::Offline if chosen == Some(Chosen::Invisible) => Shown::offline(hidden_seen),
        Status::Offline => Shown::offline(kept.last_seen),
        status => Shown { status, text: text.map(Into::into), until, last_seen: None },
    };
    Standing { shown, lapses_at: until }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::text::StatusText;
    use uuid::Uuid;

    const NOW: Timestamp = at(100);

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn devices<const N: usize>(devices: [u128; N]) -> BTreeSet<SessionId> {
        devices.map(|n| SessionId(Uuid::from_u128(n))).into()
    }

    fn chose(chosen: Option<Chosen>, until: Option<i64>) -> Kept {
        let text = StatusText::parse("a word").ok();
        let choice = Choice { chosen, text, until: until.map(at), hidden_seen: Some(at(40)) };
        Kept { choice, last_seen: Some(at(50)), away: devices([1, 2]) }
    }

    #[test]
    fn the_best_device_counts_unless_the_person_chose() {
        use Status::{Away, Busy, Offline, Online};
        for (chosen, here, want) in [
            (None, devices([]), Offline),
            (None, devices([1]), Away),
            (None, devices([1, 2]), Away),
            (None, devices([1, 3]), Online),
            (Some(Chosen::Busy), devices([1]), Busy),
            (Some(Chosen::Busy), devices([3]), Busy),
            (Some(Chosen::Busy), devices([]), Offline),
            (Some(Chosen::Invisible), devices([3]), Offline),
            (Some(Chosen::Invisible), devices([]), Offline),
        ] {
            let shown = standing(&chose(chosen, None), &here, NOW).shown;
            assert_eq!(shown.status, want, "{chosen:?} {here:?}");
            assert_eq!(shown.text.is_some(), want != Offline, "a text is of somebody who is here");
        }
    }

    #[test]
    fn who_is_invisible_was_last_here_when_they_went_and_that_does_not_move() {
        for here in [devices([]), devices([3])] {
            let shown = standing(&chose(Some(Chosen::Invisible), None), &here, NOW).shown;
            assert_eq!(shown, Shown::offline(Some(at(40))));
        }
        assert_eq!(standing(&chose(None, None), &devices([]), NOW).shown, Shown::offline(Some(at(50))));
        assert_eq!(standing(&chose(None, None), &devices([3]), NOW).shown.last_seen, None, "now");
    }

    #[test]
    fn a_choice_lapses_with_its_text_when_its_time_has_come() {
        for (until, want) in [(101, Status::Busy), (100, Status::Online), (99, Status::Online)] {
            let Standing { shown, lapses_at } = standing(&chose(Some(Chosen::Busy), Some(until)), &devices([3]), NOW);
            assert_eq!(shown.status, want, "{until}");
            let holds = want == Status::Busy;
            assert_eq!([shown.text.is_some(), shown.until.is_some(), lapses_at.is_some()], [holds; 3]);
        }
        let hidden = standing(&chose(Some(Chosen::Invisible), Some(101)), &devices([3]), NOW);
        assert_eq!((hidden.shown.until, hidden.lapses_at), (None, Some(at(101))), "it is nobody's business till when");
    }
}
