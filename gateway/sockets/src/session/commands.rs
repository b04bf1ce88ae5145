//! The operations of sockets alone.

use super::{Auth, SignedOn, Sync};
use async_trait::async_trait;
use axum::http::StatusCode;
use limits::Kind;
use operations::{Answer, Operation, Request, auth::authenticate};
use projections::queries::DEFAULT_LIMIT;
use protocol::{Problem, request::Limit};
use realtime::hub::SyncPage;
use std::sync::atomic::Ordering::Relaxed;

/// `auth` on an open socket.
pub(super) struct Authenticate;

#[async_trait]
impl Operation for Authenticate {
    const NAME: &'static str = "auth";
    const SUMMARY: &'static str = "Shows the credentials: the first frame, or, on an open socket, a later token of its \
        session, which renews it.";
    const BUDGET: Kind = Kind::Read;

    type Target = ();
    type Body = Auth;
    type Output = SignedOn;

    /// The socket stays open until the last of its tokens expires.
    async fn run((): (), auth: Auth, request: &Request<'_>) -> Result<Answer, Problem> {
        let (caller, socket) = (request.caller, request.socket()?);
        let claims = authenticate(request.app, &auth.token).await?;
        if (claims.user, claims.session) != (caller.user, caller.session) {
            let detail = "this socket is another session's: a token of its own session renews it";
            return Err(Problem::new(StatusCode::CONFLICT, "already_authenticated", detail));
        }
        socket.good_until.fetch_max(claims.expires_at.millis(), Relaxed);
        Answer::read(&SignedOn { user_id: claims.user.0, session_id: claims.session.0 })
    }
}

/// `sync`.
pub(super) struct Synchronize;

#[async_trait]
impl Operation for Synchronize {
    const NAME: &'static str = "sync";
    const SUMMARY: &'static str = "What was missed since a cursor.";
    const BUDGET: Kind = Kind::Read;

    type Target = ();
    type Body = Sync;
    type Output = SyncPage;

    async fn run((): (), Sync { since, limit }: Sync, request: &Request<'_>) -> Result<Answer, Problem> {
        let limit = limit.map_or(DEFAULT_LIMIT, |Limit(limit)| limit);
        Answer::read(&request.app.hub.sync(request.caller.user, since.as_deref(), limit).await?)
    }
}
