//! The caller of a REST request, from its `Authorization` header.

use super::authenticate;
use crate::{App, Problem, answers::Underway, limits::Kind, operations::Caller, rest::RequestId};
use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{HeaderMap, header, request::Parts},
};
use domain::UserId;

/// Who the caller of a request is, for whatever reads it after [`Authenticated`].
#[derive(Clone, Copy)]
pub(crate) struct CallerId(pub(crate) UserId);

/// A signed-in caller whose session lives.
pub struct Authenticated(pub Caller);

impl FromRequestParts<App> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let ip = crate::rest::client_ip(parts, &app.config.trusted_proxies);
        let kind = kind_of(parts);
        app.limits.admit(kind, ip, None).await?;
        let token = bearer(&parts.headers).ok_or_else(Problem::unauthenticated)?;
        let claims = authenticate(app, token).await?;
        app.limits.admit(kind, None, Some(claims.user)).await?;
        if let Some(underway) = parts.extensions.get::<Underway>() {
            underway.hold(app.answers.enter(claims.user).await?);
        }
        parts.extensions.insert(CallerId(claims.user));
        let request = RequestId::of(parts);
        Ok(Self(Caller { user: claims.user, session: claims.session, correlation_id: request.0, ip }))
    }
}

/// What a request counts as.
pub(crate) fn kind_of(parts: &Parts) -> Kind {
    let template = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    Kind::of_request(&parts.method, template)
}

/// The token of an `Authorization: Bearer` header.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}
