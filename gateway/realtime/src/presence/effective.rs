//! The effective presence of a user: preference, leases and time combined; pure.

use domain::{SessionId, Timestamp};
use projections::{
    Chosen,
    presence::{Choice, Kept},
};
use protocol::resource::{Status, VisiblePresence};
use std::collections::BTreeSet;

/// What others see of a user now, and when that changes by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EffectivePresence {
    /// What they see.
    pub visible: VisiblePresence,
    /// When that changes by itself.
    pub lapses_at: Option<Timestamp>,
}

/// What of a choice holds at `now`.
#[must_use]
pub(super) fn choice_in_force(choice: &Choice, now: Timestamp) -> Choice {
    let holds = choice.until.is_none_or(|until| now < until);
    if holds { choice.clone() } else { Choice::default() }
}

/// What others see of somebody of whom this is kept, and who is `here` with these devices.
#[must_use]
pub(super) fn effective_presence(kept: &Kept, here: &BTreeSet<SessionId>, now: Timestamp) -> EffectivePresence {
    let Choice { chosen, text, until, hidden_seen } = choice_in_force(&kept.choice, now);
    let at_a_device = here.iter().any(|device| !kept.away.contains(device));
    let status = match chosen {
        _ if here.is_empty() => Status::Offline,
        Some(Chosen::Invisible) => Status::Offline,
        Some(Chosen::Busy) => Status::Busy,
        None if at_a_device => Status::Online,
        None => Status::Away,
    };
    let visible = match status {
        Status::Offline if chosen == Some(Chosen::Invisible) => VisiblePresence::offline(hidden_seen),
        Status::Offline => VisiblePresence::offline(kept.last_seen),
        status => VisiblePresence { status, text: text.map(Into::into), until, last_seen: None },
    };
    EffectivePresence { visible, lapses_at: until }
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
            let visible = effective_presence(&chose(chosen, None), &here, NOW).visible;
            assert_eq!(visible.status, want, "{chosen:?} {here:?}");
            assert_eq!(visible.text.is_some(), want != Offline, "a text is of somebody who is here");
        }
    }

    #[test]
    fn who_is_invisible_was_last_here_when_they_went_and_that_does_not_move() {
        for here in [devices([]), devices([3])] {
            let visible = effective_presence(&chose(Some(Chosen::Invisible), None), &here, NOW).visible;
            assert_eq!(visible, VisiblePresence::offline(Some(at(40))));
        }
        assert_eq!(
            effective_presence(&chose(None, None), &devices([]), NOW).visible,
            VisiblePresence::offline(Some(at(50)))
        );
        assert_eq!(effective_presence(&chose(None, None), &devices([3]), NOW).visible.last_seen, None, "now");
    }

    #[test]
    fn a_choice_lapses_with_its_text_when_its_time_has_come() {
        for (until, want) in [(101, Status::Busy), (100, Status::Online), (99, Status::Online)] {
            let EffectivePresence { visible, lapses_at } =
                effective_presence(&chose(Some(Chosen::Busy), Some(until)), &devices([3]), NOW);
            assert_eq!(visible.status, want, "{until}");
            let holds = want == Status::Busy;
            assert_eq!([visible.text.is_some(), visible.until.is_some(), lapses_at.is_some()], [holds; 3]);
        }
        let hidden = effective_presence(&chose(Some(Chosen::Invisible), Some(101)), &devices([3]), NOW);
        assert_eq!(
            (hidden.visible.until, hidden.lapses_at),
            (None, Some(at(101))),
            "it is nobody's business till when"
        );
    }
}
