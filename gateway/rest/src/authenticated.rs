//! The caller of a REST request, from its `Authorization` header.

use super::{HttpApp, answers::Underway};
use axum::{
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
};
use domain::UserId;
use limits::Kind;
use operations::{
    auth::{authenticate, bearer, holds},
    connection::{RequestId, client_ip},
};
use protocol::Problem;
use realtime::Caller;
use std::sync::{Arc, OnceLock};
use tokens::{Claims, LinkClaims};

/// Who the caller of a request is, for whatever reads it after [`Authenticated`].
#[derive(Clone, Copy)]
pub struct CallerId(pub(crate) UserId);

/// The same for the log, which is written outside of the route.
#[derive(Clone, Debug, Default)]
pub struct Asker(Arc<OnceLock<UserId>>);

impl Asker {
    /// Who it was, once that is known.
    pub(crate) fn user(&self) -> Option<UserId> {
        self.0.get().copied()
    }
}

/// The budget of the matched route. REST puts it into the request's extensions before the route runs.
#[derive(Clone, Copy, Debug)]
pub struct RouteBudget(pub(crate) Kind);

impl RouteBudget {
    /// The budget that a request is charged to; `Write` if its route declares none.
    pub fn of(parts: &Parts) -> Kind {
        parts.extensions.get().map_or(Kind::Write, |Self(kind)| *kind)
    }
}

/// A signed-in caller whose session lives.
pub struct Authenticated(pub(crate) Caller);

impl FromRequestParts<HttpApp> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let claims = match bearer(&parts.headers) {
            Some(token) => authenticate(app, token).await,
            None => Err(Problem::unauthenticated()),
        };
        admitted(parts, app, claims).await.map(Self)
    }
}

/// A caller who follows a link to a file, as the user for whom the link was made.
pub struct Linked(pub(crate) Caller, pub(crate) LinkClaims);

impl FromRequestParts<HttpApp> for Linked {
    type Rejection = Problem;

    /// A link that is no longer good leads nowhere.
    async fn from_request_parts(parts: &mut Parts, app: &HttpApp) -> Result<Self, Problem> {
        let token = Path::<String>::from_request_parts(parts, app).await.ok();
        let link = token.and_then(|Path(token)| app.tokens.verify_link(&token, (app.clock)()));
        let claims = match link {
            Some(link) => holds(app, link.by).await,
            None => Err(Problem::not_found()),
        };
        let claims = claims.map_err(|problem| match problem.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Problem::not_found(),
            _ => problem,
        });
        let caller = admitted(parts, app, claims).await?;
        link.map(|link| Self(caller, link)).ok_or_else(Problem::not_found)
    }
}

/// The caller with these claims, within their budgets.
async fn admitted(parts: &mut Parts, app: &HttpApp, claims: Result<Claims, Problem>) -> Result<Caller, Problem> {
    let ip = client_ip(parts, &app.config.trusted_proxies);
    let claims = match claims {
        Ok(claims) => claims,
        // Counted apart, so that requests without valid credentials leave others at this address their budgets.
        Err(refused) => return Err(app.limits.admit(Kind::Refused, ip, None).await.err().unwrap_or(refused)),
    };
    app.limits.admit(RouteBudget::of(parts), ip, Some(claims.user)).await?;
    if let Some(underway) = parts.extensions.get::<Underway>() {
        underway.hold(app.answers.enter(claims.user).await?);
    }
    parts.extensions.insert(CallerId(claims.user));
    if let Some(Asker(asker)) = parts.extensions.get() {
        // The same again, when a request is looked at twice.
        let _ = asker.set(claims.user);
    }
    let request = RequestId::of(parts);
    Ok(Caller { user: claims.user, session: claims.session, socket: None, correlation_id: request.0, ip })
}
