//! Who of those who are here wants to seem not to be: known without asking, since what follows from it is asked often.

use domain::{Timestamp, UserId};
use projections::{Chosen, presence::Choice};
use std::collections::HashMap;

/// Who hides, of those with a socket in this process. Of nobody else anything is kept.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    people: HashMap<UserId, Known>,
    /// Grows with each preference that was stored.
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    hides: Option<Hides>,
    /// The generation in which this was known.
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
enum Hides {
    UntilTheyChoose,
    Until(Timestamp),
}

impl Hides {
    fn by(choice: &Choice) -> Option<Self> {
        let hides = choice.until.map_or(Self::UntilTheyChoose, Self::Until);
        Some(hides).filter(|_| choice.chosen == Some(Chosen::Invisible))
    }
}

impl Hidden {
    /// Whether somebody hides at `now`; `None` when that must be asked.
    pub(super) fn knows(&self, user: UserId, now: Timestamp) -> Option<bool> {
        let known = self.people.get(&user)?;
        Some(match known.hides {
            None => false,
            Some(Hides::UntilTheyChoose) => true,
            Some(Hides::Until(until)) => now < until,
        })
    }

    /// Grows with each preference that is stored; a reader notes it before asking for one.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Somebody who is here has chosen this.
    pub(super) fn chose(&mut self, user: UserId, choice: &Choice) {
        self.generation += 1;
        self.people.insert(user, Known { hides: Hides::by(choice), generation: self.generation });
    }

    /// The database says this of somebody who is here. It was asked in that generation: what was chosen since is newer.
    pub(super) fn learn(&mut self, user: UserId, choice: &Choice, generation: u64) {
        if self.people.get(&user).is_none_or(|known| known.generation <= generation) {
            self.people.insert(user, Known { hides: Hides::by(choice), generation });
        }
    }

    /// Somebody is no longer here.
    pub(super) fn forget(&mut self, user: UserId) {
        self.people.remove(&user);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ANA: UserId = UserId(Uuid::from_u128(1));

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn choice(chosen: Option<Chosen>, until: Option<i64>) -> Choice {
        Choice { chosen, until: until.map(at), ..Choice::default() }
    }

    #[test]
    fn what_was_chosen_last_counts_however_late_the_database_answers() {
        let mut hidden = Hidden::default();
        assert_eq!(hidden.knows(ANA, at(0)), None);
        let asked = hidden.generation();
        hidden.chose(ANA, &choice(Some(Chosen::Invisible), None));
        hidden.learn(ANA, &choice(None, None), asked);
        assert_eq!(hidden.knows(ANA, at(0)), Some(true), "the answer is older");
        hidden.learn(ANA, &choice(Some(Chosen::Busy), None), hidden.generation());
        assert_eq!(hidden.knows(ANA, at(0)), Some(false));
        hidden.chose(ANA, &choice(Some(Chosen::Invisible), Some(10)));
        assert_eq!([9, 10].map(|now| hidden.knows(ANA, at(now))), [Some(true), Some(false)]);
        hidden.forget(ANA);
        assert_eq!(hidden.knows(ANA, at(0)), None);
    }
}
