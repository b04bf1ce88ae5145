//! The cases of calls during which a gateway dies.

use std::time::Duration;

/// The end of an unanswered call, from the death of the gateway: the time-out of 30 s and a margin.
const UNANSWERED: Duration = Duration::from_secs(40);
/// The end of a lost participant, from the death of the gateway: a lease of 45 s, a grace of 15 s and a margin.
pub(super) const LOST: Duration = Duration::from_secs(95);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Connected to the gateway that survives.
    Safe,
    /// Connected to the gateway that dies; resumes by the cursor at any gateway.
    Returns,
    /// Connected to the gateway that dies; comes back too late.
    Lost,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// The server ends it with one of these statuses, within that time.
    Ends(&'static [&'static str], Duration),
    /// It goes on without the lost, until one hangs up.
    GoesOn,
}

/// One case. The first part is the caller's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) parts: &'static [Part],
    /// Answered before the gateway dies.
    pub(super) is_answered: bool,
    /// The callee answers after the reconnect.
    pub(super) answers_later: bool,
    pub(super) fate: Fate,
}

const fn ringing(name: &'static str, parts: &'static [Part], ends: &'static [&'static str]) -> Case {
    Case { name, parts, is_answered: false, answers_later: false, fate: Fate::Ends(ends, UNANSWERED) }
}

const fn active(name: &'static str, parts: &'static [Part], fate: Fate) -> Case {
    Case { name, parts, is_answered: true, answers_later: false, fate }
}

pub(super) const CASES: [Case; 9] = [
    ringing("rings; the callee is lost", &[Part::Safe, Part::Lost], &["MISSED"]),
    ringing("rings; the caller is lost", &[Part::Lost, Part::Safe], &["MISSED", "ENDED"]),
    ringing("rings; both are lost", &[Part::Lost, Part::Lost], &["MISSED", "ENDED"]),
    Case {
        name: "rings; the callee comes back and answers",
        parts: &[Part::Safe, Part::Returns],
        is_answered: false,
        answers_later: true,
        fate: Fate::GoesOn,
    },
    active("goes on; one is lost", &[Part::Safe, Part::Lost], Fate::Ends(&["ENDED"], LOST)),
    active("goes on; both are lost", &[Part::Lost, Part::Lost], Fate::Ends(&["ENDED"], LOST)),
    active("goes on; one comes back", &[Part::Safe, Part::Returns], Fate::GoesOn),
    active("goes on; both are on the other gateway", &[Part::Safe, Part::Safe], Fate::GoesOn),
    active("goes on among three; one is lost", &[Part::Safe, Part::Safe, Part::Lost], Fate::GoesOn),
];
