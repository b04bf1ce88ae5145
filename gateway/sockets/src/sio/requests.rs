//! The requests of `/socket.io/`.

use super::{line::Serving, sessions::Whose};
use crate::{
    SocketApp,
    peers::{NotPassedOn, is_passed_on},
    session::Offer,
};
use axum::{
    body::Body,
    extract::{self, State},
    http::{Method, Request as HttpRequest, request::Parts},
    response::{IntoResponse, Response},
    routing::{get as on_get, put},
};
use config::SocketSettings;
use engine_io::{EngineError, Found, Query};
use limits::Kind;
use operations::{connection::client_ip, token_in_query};
use protocol::{Problem, problem::PROBLEM_JSON};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

/// `/socket.io/`, and the same without the slash at its end, as clients with `addTrailingSlash: false` ask.
pub(crate) fn routes() -> OpenApiRouter<SocketApp> {
    let other_methods = || put(no_method).delete(no_method).patch(no_method);
    OpenApiRouter::new()
        .routes(routes!(get, post))
        .route("/socket.io/", other_methods())
        .route("/socket.io", other_methods().merge(on_get(get).post(post)))
}

async fn no_method() -> EngineError {
    EngineError::METHOD
}

/// Why a request is refused: in the words of Engine.IO, which its clients understand, or in ours.
enum Refused {
    Engine(EngineError),
    Problem(Problem),
}

impl From<EngineError> for Refused {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Opens a session, polls one, or opens a WebSocket: Engine.IO 4, with the events described in `/asyncapi.json`. The
/// access token belongs into `auth.token` of the CONNECT packet. Any gateway may be asked: what is another's is passed on
/// to it. A second GET of a session while one waits is refused, and closes the session.
#[utoipa::path(
    get, path = "/socket.io/", operation_id = "openOrPollSocketIo", tag = "sockets", security(()),
    params(
        ("EIO" = String, Query, description = "4"),
        ("transport" = String, Query, description = "`polling` or `websocket`"),
        ("sid" = Option<String>, Query, description = "the session; absent: a new one"),
    ),
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "packets; the first is `0` with an `Open`"),
        (status = 101, description = "the socket is open"),
        (status = 400, body = EngineError, description = "no request of Engine.IO 4, or no such session"),
        (status = 403, body = Problem, content_type = PROBLEM_JSON, description = "the origin may not"),
        (status = 429, body = EngineError, description = "too many sessions without credentials, or requests on their way to other gateways"),
    )
)]
async fn get(State(app): State<SocketApp>, request: extract::Request) -> Response {
    // A router takes HEAD for GET, and would open a session that nobody polls.
    if request.method() == Method::HEAD {
        return EngineError::METHOD.into_response();
    }
    let (parts, body) = request.into_parts();
    answered(answer_get(&app, parts, body).await)
}

/// Brings packets to a session that is polled. A second POST while one is under way is refused, and closes the session.
#[utoipa::path(
    post, path = "/socket.io/", operation_id = "postToSocketIo", tag = "sockets", security(()),
    params(
        ("EIO" = String, Query, description = "4"),
        ("transport" = String, Query, description = "`polling`"),
        ("sid" = String, Query, description = "the session"),
    ),
    request_body(content = String, content_type = "text/plain", description = "packets, with U+001E between them"),
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "`ok`"),
        (status = 400, body = EngineError, description = "no request of Engine.IO 4, or no such session"),
        (status = 403, body = Problem, content_type = PROBLEM_JSON, description = "the origin may not"),
        (status = 408, body = EngineError, description = "the payload took too long"),
        (status = 413, body = EngineError, description = "the payload is too large; the session is closed"),
        (status = 429, body = EngineError, description = "too many requests are on their way to other gateways"),
    )
)]
async fn post(State(app): State<SocketApp>, request: extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    answered(answer_post(&app, parts, body).await)
}

fn answered(answer: Result<Response, Refused>) -> Response {
    match answer {
        Ok(response) => response,
        Err(Refused::Engine(error)) => error.into_response(),
        Err(Refused::Problem(problem)) => problem.into_response(),
    }
}

/// Where a session is: in this process, or in another, which answers.
enum Place {
    Here(Found),
    Elsewhere(Uuid),
}

/// Where the session of a sid is. A request that another gateway passed on is not passed on again.
fn find(app: &SocketApp, parts: &Parts, sid: &str) -> Result<Place, EngineError> {
    if let Some(session) = app.polled.engine.find(sid) {
        return Ok(Place::Here(Found::Here(session)));
    }
    match app.polled.whose(sid) {
        Whose::Another(node) if !is_passed_on(&parts.headers) => Ok(Place::Elsewhere(node)),
        Whose::Ours => Ok(Place::Here(Found::Over)),
        Whose::Another(_) | Whose::Nobody => Err(EngineError::SESSION),
    }
}

/// What the process of a session answers.
async fn pass_on(app: &SocketApp, node: Uuid, parts: Parts, body: Body) -> Result<Response, Refused> {
    let SocketSettings { heartbeat, outbox_bytes, frame_bytes, .. } = *app.hub.settings();
    // A poll is answered by the next ping at the latest; a payload once it and those before it were received.
    let within = if parts.method == Method::GET { 2 * heartbeat } else { app.config.patience + heartbeat };
    let request = HttpRequest::from_parts(parts, body);
    let answer = app.peers.pass_on(node, request, within, outbox_bytes + frame_bytes).await;
    answer.map_err(|error| {
        tracing::debug!(error.cause = %error, "a request could not be passed on to the process of its session");
        match error {
            NotPassedOn::TooMany => EngineError::TOO_MANY.into(),
            NotPassedOn::Away(_) => EngineError::SESSION.into(),
        }
    })
}

async fn answer_get(app: &SocketApp, mut parts: Parts, body: Body) -> Result<Response, Refused> {
    token_in_query(&parts.uri)?;
    let uri = parts.uri.clone();
    let Query { transport, sid } = Query::of(&uri)?;
    let found = match sid.map(|sid| find(app, &parts, sid)).transpose()? {
        Some(Place::Elsewhere(node)) => return pass_on(app, node, parts, body).await,
        Some(Place::Here(found)) => Some(found),
        None => None,
    };
    let ip = client_ip(&parts, &app.config.trusted_proxies);
    if found.is_none() && app.limits.admit(Kind::Connect, ip, None).await.is_err() {
        return Err(EngineError::TOO_MANY.into());
    }
    let opening = || {
        let (sid, name) = names(app)?;
        Ok::<_, Refused>((sid, Serving { app: app.clone(), offer: Offer { ip, ..Offer::default() }, name }))
    };
    app.polled.engine.get(transport, found, &mut parts, ip, opening).await
}

/// The sid of a session and the name of its socket.
fn names(app: &SocketApp) -> Result<(String, String), Problem> {
    let no_names = || Problem::unavailable("no_randomness", "the system gives no randomness", 1);
    app.polled.sid().zip(app.polled.sid()).ok_or_else(no_names)
}

async fn answer_post(app: &SocketApp, parts: Parts, body: Body) -> Result<Response, Refused> {
    token_in_query(&parts.uri)?;
    let uri = parts.uri.clone();
    let Query { transport, sid } = Query::of(&uri)?;
    let found = match find(app, &parts, sid.ok_or(EngineError::METHOD)?)? {
        Place::Elsewhere(node) => return pass_on(app, node, parts, body).await,
        Place::Here(found) => found,
    };
    Ok(app.polled.engine.post(transport, Some(found), body).await?)
}
