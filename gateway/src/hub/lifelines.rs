//! Requests under way that end with their session: what is read or brought piece by piece for as long as somebody is
//! signed in, and no longer.

use super::Hub;
use crate::{App, Problem, operations::Caller};
use axum::body::{Body, Bytes};
use domain::SessionId;
use futures_util::{StreamExt as _, stream::unfold};
use std::{collections::HashMap, io};
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

/// Holds for as long as the session lives, the account may act, and, of what is read by an office, the role stays.
pub struct Lifeline {
    hub: Hub,
    user: Uuid,
    id: u64,
    end: CancellationToken,
}

impl Lifelines {
    fn begin(&mut self, user: Uuid, session: SessionId, by_office: bool) -> (u64, CancellationToken) {
        self.count += 1;
        let (id, end) = (self.count, CancellationToken::new());
        self.of.entry(user).or_default().push(Line { id, session, by_office, end: end.clone() });
        (id, end)
    }

    fn over(&mut self, user: Uuid, id: u64) {
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

impl Lifeline {
    /// Ends when it does.
    pub async fn ended(&self) {
        self.end.cancelled().await;
    }

    /// The body, broken off should the session end before it.
    pub fn bind(self, body: Body) -> Body {
        let stream = unfold(Some((body.into_data_stream(), self)), |under_way| async {
            let (mut stream, line) = under_way?;
            let piece: Option<Result<Bytes, axum::Error>> = tokio::select! {
                biased;
                () = line.ended() => {
                    let over = io::Error::new(io::ErrorKind::ConnectionAborted, "the session has ended");
                    return Some((Err(axum::Error::new(over)), None));
                }
                piece = stream.next() => piece,
            };
            piece.map(|piece| (piece, Some((stream, line))))
        });
        Body::from_stream(stream)
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        self.hub.state().lifelines.over(self.user, self.id);
    }
}

impl App {
    /// What `caller` has under way from here on ends with their session; `by_office`, also when their role changes.
    ///
    /// # Errors
    /// `invalid_token` when it has ended already.
    pub(crate) async fn lifeline(&self, caller: &Caller, by_office: bool) -> Result<Lifeline, Problem> {
        let (user, session) = (caller.user, caller.session);
        let (id, end) = self.hub.state().lifelines.begin(user.0, session, by_office);
        let line = Lifeline { hub: self.hub.clone(), user: user.0, id, end };
        // Asked after it was begun: whatever ends the session from here on ends it, too.
        match self.commands.session_is_live(session, user).await? {
            true => Ok(line),
            false => Err(Problem::invalid_token()),
        }
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
