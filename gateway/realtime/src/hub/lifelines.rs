//! The requests under way that end with their session.

use domain::SessionId;
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The requests under way that end with their session. As many as there are such requests.
#[derive(Default)]
pub(super) struct Lifelines {
    of: HashMap<Uuid, Vec<Line>>,
    count: u64,
}

struct Line {
    id: u64,
    session: SessionId,
    /// Whether it is by an office that somebody holds.
    by_office: bool,
    end: CancellationToken,
}

impl Lifelines {
    pub(super) fn begin(&mut self, user: Uuid, session: SessionId, by_office: bool) -> (u64, CancellationToken) {
        self.count += 1;
        let (id, end) = (self.count, CancellationToken::new());
        self.of.entry(user).or_default().push(Line { id, session, by_office, end: end.clone() });
        (id, end)
    }

    pub(super) fn over(&mut self, user: Uuid, id: u64) {
        if let Some(lines) = self.of.get_mut(&user) {
            lines.retain(|line| line.id != id);
            if lines.is_empty() {
                self.of.remove(&user);
            }
        }
    }

    /// A session, or all of somebody's, has ended.
    pub(super) fn end(&mut self, user: Uuid, session: Option<SessionId>) {
        let lines = self.of.get(&user).into_iter().flatten();
        lines.filter(|line| session.is_none_or(|session| line.session == session)).for_each(|line| line.end.cancel());
    }

    /// Somebody's role has changed.
    pub(super) fn end_office(&mut self, user: Uuid) {
        self.of.get(&user).into_iter().flatten().filter(|line| line.by_office).for_each(|line| line.end.cancel());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: Uuid = Uuid::from_u128(1);

    #[test]
    fn a_line_ends_with_its_session_its_account_or_its_office() {
        let mut lines = Lifelines::default();
        let [phone, laptop] = [1, 2].map(|n| SessionId(Uuid::from_u128(n)));
        let begun: Vec<_> =
            [(phone, false), (laptop, false), (laptop, true)].map(|(at, office)| lines.begin(ANA, at, office)).into();
        let ended = || begun.iter().map(|(_, end)| end.is_cancelled()).collect::<Vec<_>>();
        lines.end(Uuid::from_u128(2), None);
        assert_eq!(ended(), [false; 3]);
        lines.end_office(ANA);
        assert_eq!(ended(), [false, false, true]);
        lines.end(ANA, Some(phone));
        assert_eq!(ended(), [true, false, true]);
        lines.end(ANA, None);
        assert_eq!(ended(), [true; 3]);
        begun.iter().for_each(|(id, _)| lines.over(ANA, *id));
        assert!(lines.of.is_empty());
    }
}
