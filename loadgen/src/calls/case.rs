//! What may become of a call when a gateway dies in the middle of it.

use std::time::Duration;

/// When the server has ended a call by itself that nobody answered, seen from the death of the gateway: the time-out of
/// 30 s, and some more.
const UNANSWERED: Duration = Duration::from_secs(40);
/// When it has noticed that somebody is gone whose gateway died: a lease of 45 s, a grace of 15 s, and some more.
pub(super) const LOST: Duration = Duration::from_secs(95);

/// Somebody who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// On the gateway that lives on.
    Safe,
    /// On the one that dies; comes back by the cursor, at whatever door opens.
    Returns,
    /// On the one that dies; does not come back before it is too late.
    Lost,
}

/// What must become of a call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// The server ends it: in one of these ways, within that time.
    Ends(&'static [&'static str], Duration),
    /// It goes on among those who are not lost, until one of them hangs up.
    GoesOn,
}

/// One case. The first part is the caller's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) parts: &'static [Part],
    /// Whether it was answered before the gateway died.
    pub(super) is_answered: bool,
    /// Whether who is called answers as soon as they are back.
    pub(super) answers_later: bool,
    pub(super) fate: Fate,
}

const fn ringing(name: &'static str, parts: &'static [Part], ends: &'static [&'static str]) -> Case {
    Case { name, parts, is_answered: false, answers_later: false, fate: Fate::Ends(ends, UNANSWERED) }
}

const fn active(name: &'static str, parts: &'static [Part], fate: Fate) -> Case {
    Case { name, parts, is_answered: true, answers_later: false, fate }
}

/// All cases.
pub(super) const CASES: [Case; 9] = [
    ringing("rings; who is called is lost", &[Part::Safe, Part::Lost], &["MISSED"]),
    ringing("rings; the caller is lost", &[Part::Lost, Part::Safe], &["MISSED", "ENDED"]),
    ringing("rings; both are lost", &[Part::Lost, Part::Lost], &["MISSED", "ENDED"]),
    Case {
        name: "rings; who is called comes back and answers",
        parts: &[Part::Safe, Part::Returns],
        is_answered: false,
        answers_later: true,
        fate: Fate::GoesOn,
    },
    active("goes on; one is lost", &[Part::Safe, Part::Lost], Fate::Ends(&["ENDED"], LOST)),
    active("goes on; both are lost", &[Part::Lost, Part::Lost], Fate::Ends(&["ENDED"], LOST)),
    active("goes on; one comes back", &[Part::Safe, Part::Returns], Fate::GoesOn),
    active("goes on; nobody was there", &[Part::Safe, Part::Safe], Fate::GoesOn),
    active("goes on among three; one is lost", &[Part::Safe, Part::Safe, Part::Lost], Fate::GoesOn),
];
