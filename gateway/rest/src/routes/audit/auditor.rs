//! Who audits: an administrator, whose reading is recorded.

use crate::{Authenticated, HttpApp, routes::POSITION};
use axum::{extract::FromRequestParts, http::request::Parts};
use commands::{Actor, Context};
use domain::{UserId, audit::Question, user::Role};
use event_store::Position;
use operations::{App, auth::require};
use protocol::Problem;
use realtime::Caller;
use std::collections::BTreeMap;

/// An administrator, by the write side's own state, and from which position on they want to see.
pub(super) struct Auditor {
    caller: Caller,
    wanted: Option<Position>,
}

impl FromRequestParts<HttpApp> for Auditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let Authenticated(caller) = Authenticated::from_request_parts(parts, app).await?;
        require(app, &caller, Role::Admin).await?;
        let malformed = || Problem::malformed("X-ChatChit-Position must be a position: a whole number");
        let wanted = parts.headers.get(POSITION).map(|value| {
            let position = value.to_str().ok().and_then(|text| text.parse().ok());
            position.ok_or_else(malformed)
        });
        Ok(Self { caller, wanted: wanted.transpose()? })
    }
}

impl Auditor {
    /// The user who asks.
    pub(super) const fn user(&self) -> UserId {
        self.caller.user
    }

    /// The caller.
    pub(crate) const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Up to where the index has come, after waiting a while for what was there when it was asked. The position that the
    /// request names must be in it.
    pub(super) async fn indexed(&self, app: &App) -> Result<Position, Problem> {
        let head = app.store.head().await?.position;
        let wanted = self.wanted.map(|wanted| wanted.min(head));
        let indexed = app.audit.wait(&app.store, wanted.unwrap_or(head), app.config.wait).await?;
        if wanted.is_some_and(|wanted| indexed < wanted) {
            return Err(Problem::unavailable("audit_index_behind", "the audit index is not there yet", 1));
        }
        Ok(indexed)
    }

    /// Records what is asked. Without it, no answer.
    pub(super) async fn record(
        &self,
        app: &App,
        what: Question,
        filters: BTreeMap<String, String>,
    ) -> Result<(), Problem> {
        let Caller { user, session, correlation_id, .. } = self.caller;
        let actor = Some(Actor { user, session: Some(session) });
        let ctx = Context { actor, key: None, correlation_id, causation_id: None };
        app.commands.read_audit(&ctx, what, filters).await?;
        Ok(())
    }
}
