//! Every error a client can get, as RFC 9457 problem details: one mapping for all doors.
//!
//! A [`Problem`] travels in the extensions of its response; the outermost layer adds the request's id and writes it.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use commands::CommandError;
use domain::{Refusal, RefusalKind, UserId};
use event_store::OpenError;
use projections::queries::QueryError;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

const NO_TOKEN: &str = "this needs an access token: send the header `Authorization: Bearer <token>`";
const BAD_TOKEN: &str = "this token is not valid: it has expired, was revoked, or is not of this server";
/// Where it belongs in a request of HTTP.
const IN_HEADER: &str = "it belongs into the header `Authorization: Bearer <token>`, without quotes";

/// An error as a client gets it (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What kind of problem: a URI that ends in `code`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    pub kind: Box<str>,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A sentence for people.
    #[schema(value_type = String)]
    pub detail: Box<str>,
    /// A stable snake_case word for programs; `x-codes` lists all of them.
    pub code: &'static str,
    /// Whether the same request may succeed later.
    pub temporary: bool,
    /// Names the request in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// The fields at fault, for bad input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// After how many seconds to try again, for some that are temporary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The field: `email`, `attachments[0].fileUrl`.
    pub field: String,
    /// A stable word: `required`, `wrong_type`, `empty`, `too_long`, `malformed`; `x-codes` lists all of them.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

impl Problem {
    /// A problem with its status, stable word and sentence.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:chatchit:problem:{code}").into(),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into().into(),
            code,
            temporary: false,
            request_id: None,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// The thing is not there, or the caller may not know that it is.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing, or you may not see it")
    }

    /// The request cannot be read at all.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// Fields that do not fit, all of them named. One that is not known gives the problem its word: what else is wrong may
    /// follow from it.
    #[must_use]
    pub fn invalid(errors: Vec<FieldProblem>) -> Self {
        let named = errors.iter().map(|error| format!("{}: {}", error.field, error.detail));
        let detail = named.collect::<Vec<_>>().join("; ");
        let is_unknown = errors.iter().any(|error| error.code == "unknown_field");
        let code = if is_unknown { "unknown_field" } else { "invalid" };
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail) }
    }

    /// One field that does not fit.
    #[must_use]
    pub fn field(field: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldProblem { field: field.to_owned(), code: code.to_owned(), detail: detail.into() }])
    }

    /// A field or parameter that is given more than once: nobody knows which of them is meant.
    #[must_use]
    pub fn repeated(name: &str) -> Self {
        let name: String = name.chars().take(64).collect();
        Self::field(&name, "repeated", "is given more than once")
    }

    /// Why a command was refused that names several people, with the place in its list `field` of whom it is about.
    #[must_use]
    pub fn of_people(error: CommandError, field: &str, people: &[UserId]) -> Self {
        let about = if let CommandError::Refused { about, .. } = &error { *about } else { None };
        let place = about.and_then(|about| people.iter().position(|user| *user == about));
        let problem = Self::from(error);
        let Some(place) = place else { return problem };
        let field = format!("{field}[{place}]");
        let detail = format!("{field}: {}", problem.detail).into();
        let errors = if problem.code == "not_found" {
            vec![FieldProblem { field, code: problem.code.to_owned(), detail: problem.detail.into() }]
        } else {
            problem.errors
        };
        Self { detail, errors, ..problem }
    }

    /// The same, of a client that calls a field otherwise.
    #[must_use]
    pub fn renamed(self, from: &str, to: &str) -> Self {
        if self.errors.iter().all(|error| error.field != from) {
            return self;
        }
        let errors = self.errors.into_iter();
        let errors = errors.map(|error| match error.field == from {
            true => FieldProblem { field: to.to_owned(), ..error },
            false => error,
        });
        Self { request_id: self.request_id, ..Self::invalid(errors.collect()) }
    }

    /// No credentials came with the request.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", NO_TOKEN)
    }

    /// The token is expired, revoked or not ours.
    #[must_use]
    pub fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", BAD_TOKEN).for_token_in(IN_HEADER)
    }

    /// The same, where tokens belong elsewhere.
    #[must_use]
    pub fn for_token_in(self, place: &str) -> Self {
        match self.code {
            "invalid_token" => Self { detail: format!("{BAD_TOKEN}; {place}").into(), ..self },
            _ => self,
        }
    }

    /// A part of the server is away or has no room; the same request may succeed after `seconds`.
    #[must_use]
    pub fn unavailable(code: &'static str, detail: &str, seconds: u32) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
        Self { temporary: true, retry_after: Some(seconds), ..problem }
    }

    /// Too many; there is room again after `wait`.
    #[must_use]
    pub fn rate_limited(wait: Duration) -> Self {
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "too many of these: wait a while");
        let seconds = wait.as_millis().div_ceil(1_000).clamp(1, u128::from(u32::MAX));
        Self { temporary: true, retry_after: seconds.try_into().ok(), ..problem }
    }

    /// An internal error: logged here with its cause, which no client sees.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(error.cause = %cause, "a request failed by a fault of the server");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
    }

    /// A refusal of the domain.
    #[must_use]
    pub fn refusal(refusal: &dyn Refusal) -> Self {
        refused(refusal.kind(), refusal.code(), refusal.to_string(), refusal.field())
    }

    /// Names the request it answers.
    #[must_use]
    pub fn for_request(self, id: Uuid) -> Self {
        Self { request_id: Some(id), ..self }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }
}

/// The response carries the problem in its extensions; [`written`] gives it its body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the problem that a response carries, if it carries one, naming the request.
#[must_use]
pub fn written(mut response: Response, request: Uuid) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let retry_after = problem.retry_after;
    let body = serde_json::to_vec(&problem.for_request(request)).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    parts.headers.remove(header::CONTENT_LENGTH);
    if let Some(seconds) = retry_after {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if parts.status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Response::from_parts(parts, body.into())
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let detail = error.to_string();
        match error {
            CommandError::Refused { kind, code, detail, field, .. } => refused(kind, code, detail, field),
            CommandError::Invalid(fields) => Self::invalid(
                fields
                    .into_iter()
                    .map(|fault| FieldProblem { field: fault.field, code: fault.code, detail: fault.detail })
                    .collect(),
            ),
            CommandError::Taken(event_store::ClaimKind::Email) => Self::conflict("email_taken", detail),
            CommandError::Taken(event_store::ClaimKind::Bootstrap) => Self::conflict(
                "bootstrap_token_used",
                "this bootstrap token is void: an administrator was created already",
            ),
            CommandError::Taken(event_store::ClaimKind::ActiveCall) => Self::conflict("call_active", detail),
            CommandError::Taken(event_store::ClaimKind::Invite) => Self::conflict("invite_taken", detail),
            CommandError::Taken(event_store::ClaimKind::OpenReport | event_store::ClaimKind::Reported) => {
                Self::unavailable("contended", &detail, 1)
            }
            CommandError::KeyReused => Self::conflict("idempotency_key_reused", detail),
            CommandError::Contended => Self::unavailable("contended", &detail, 1),
            CommandError::Overloaded => Self::unavailable("overloaded", &detail, 1),
            CommandError::TooManyAtOnce => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_at_once", detail);
                Self { temporary: true, retry_after: Some(1), ..problem }
            }
            CommandError::Unavailable => Self::unavailable("unavailable", &detail, 2),
            CommandError::AnotherBuild(_) => Self::unavailable("newer_version", &detail, 5),
            CommandError::WrongCredentials => Self::new(StatusCode::UNAUTHORIZED, "wrong_credentials", detail),
            CommandError::TooManyTries { wait_ms } => Self::rate_limited(millis(wait_ms)),
            CommandError::Spam { wait_ms } => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "spam", detail);
                Self { retry_after: Self::rate_limited(millis(wait_ms)).retry_after, temporary: true, ..problem }
            }
            CommandError::TooOften { wait_ms, .. } => {
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_often", detail);
                Self { retry_after: Self::rate_limited(millis(wait_ms)).retry_after, temporary: true, ..problem }
            }
            CommandError::InvalidToken => Self::invalid_token(),
            CommandError::Internal(cause) => Self::internal(cause),
        }
    }
}

fn millis(wait: i64) -> Duration {
    Duration::from_millis(wait.try_into().unwrap_or(0))
}

/// A refusal of the domain. Everything the caller may not see has the same words, so that they reveal nothing.
fn refused(kind: RefusalKind, code: &'static str, detail: String, field: Option<&'static str>) -> Problem {
    match kind {
        RefusalKind::NotFound if code == "not_found" => Problem::not_found(),
        RefusalKind::NotFound => Problem::new(StatusCode::NOT_FOUND, code, detail),
        RefusalKind::Forbidden => Problem::new(StatusCode::FORBIDDEN, code, detail),
        RefusalKind::Conflict => Problem::conflict(code, detail),
        RefusalKind::Invalid => match field {
            Some(field) => Problem::field(field, code, detail),
            None => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail),
        },
    }
}

impl From<event_store::ReadError> for Problem {
    fn from(error: event_store::ReadError) -> Self {
        match error {
            event_store::ReadError::Unavailable(cause) => {
                tracing::warn!(error.cause = %cause, "a request failed because the event store is away");
                Self::unavailable("unavailable", "the event store is unavailable", 2)
            }
            event_store::ReadError::Newer(_) => Self::unavailable("newer_version", &error.to_string(), 5),
            event_store::ReadError::Damaged(cause) => Self::internal(cause),
        }
    }
}

impl From<sql::Error> for Problem {
    fn from(error: sql::Error) -> Self {
        if error.is_temporary() {
            tracing::warn!(error.cause = %error, "a request failed because the read models are away");
            return Self::unavailable("unavailable", "the read models are unavailable", 2);
        }
        Self::internal(error)
    }
}
impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::NotFound => Self::not_found(),
            QueryError::BadToken => Self::field("after", "malformed", "must be the next of an earlier page"),
            QueryError::Sql(error) => error.into(),
        }
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Read(error) => error.into(),
            error => Self::internal(error),
        }
    }
}
