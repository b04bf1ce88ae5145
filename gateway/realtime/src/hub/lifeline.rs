//! A request that streams for as long as its caller is signed in.

use super::Hub;
use crate::Caller;
use axum::body::{Body, Bytes};
use commands::Commands;
use futures_util::{StreamExt as _, stream::unfold};
use protocol::Problem;
use std::{io, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long what is read piece by piece goes on before its right is looked at again.
const CHECK_AGAIN: Duration = Duration::from_millis(250);

/// Holds for as long as the session lives, the account may act, and, of what is read by an office, the role stays.
pub struct Lifeline {
    hub: Hub,
    user: Uuid,
    id: u64,
    end: CancellationToken,
}

impl Lifeline {
    /// Ends when it does.
    pub async fn ended(&self) {
        self.end.cancelled().await;
    }

    /// The body, broken off should the session end before it.
    pub fn bind(self, body: Body) -> Body {
        self.bind_while(body, || std::future::ready(true))
    }

    /// The same, broken off as well should `may` no longer hold: it is asked before a piece is handed on, four times a
    /// second at most.
    pub fn bind_while<F>(self, body: Body, may: impl Fn() -> F + Send + 'static) -> Body
    where
        F: Future<Output = bool> + Send,
    {
        let begun = (body.into_data_stream(), self, may, Instant::now());
        let stream = unfold(Some(begun), |under_way| async {
            let (mut stream, line, may, mut looked_at) = under_way?;
            let piece: Option<Result<Bytes, axum::Error>> = tokio::select! {
                biased;
                () = line.ended() => return Some((Err(broken_off("the session has ended")), None)),
                piece = stream.next() => piece,
            };
            if piece.is_some() && looked_at.elapsed() >= CHECK_AGAIN {
                if !may().await {
                    return Some((Err(broken_off("the right to it has ended")), None));
                }
                looked_at = Instant::now();
            }
            piece.map(|piece| (piece, Some((stream, line, may, looked_at))))
        });
        Body::from_stream(stream)
    }
}

fn broken_off(why: &'static str) -> axum::Error {
    axum::Error::new(io::Error::new(io::ErrorKind::ConnectionAborted, why))
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        self.hub.state().lifelines.over(self.user, self.id);
    }
}

impl Hub {
    /// What `caller` has under way from here on ends with their session; `by_office`, also when their role changes.
    ///
    /// # Errors
    /// `invalid_token` when it has ended already.
    pub async fn lifeline(&self, commands: &Commands, caller: &Caller, by_office: bool) -> Result<Lifeline, Problem> {
        let (user, session) = (caller.user, caller.session);
        let (id, end) = self.state().lifelines.begin(user.0, session, by_office);
        let line = Lifeline { hub: self.clone(), user: user.0, id, end };
        // Asked after it was begun: whatever ends the session from here on ends it, too.
        match commands.session_is_live(session, user).await? {
            true => Ok(line),
            false => Err(Problem::invalid_token()),
        }
    }
}
