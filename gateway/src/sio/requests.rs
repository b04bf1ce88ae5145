//! The requests of `/socket.io/`.

use super::{
    engine::{EngineError, Open, packets, payload},
    line::Line,
    polling::{Polled, Request},
    sessions::sid,
    upgrade::move_over,
};
use crate::{
    App, Problem,
    limits::Kind,
    problem::PROBLEM_JSON,
    rest::client_ip,
    session::{self, Close, Offer, Wire, limited, pairs, token_in_query},
};
use axum::{
    body::Body,
    extract::{self, FromRequestParts, State, ws::WebSocketUpgrade},
    http::{Uri, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt as _;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// The version of Engine.IO that is spoken.
const VERSION: &str = "4";

/// `/socket.io/`.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get, post))
}

/// What the query of a request names.
struct Query<'a> {
    transport: Transport,
    sid: Option<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Polling,
    WebSocket,
}

impl<'a> Query<'a> {
    fn of(uri: &'a Uri) -> Result<Self, EngineError> {
        let named = |name: &str| pairs(uri).find(|(other, _)| *other == name).map(|(_, value)| value);
        let transport = match named("transport") {
            Some("polling") => Transport::Polling,
            Some("websocket") => Transport::WebSocket,
            _ => return Err(EngineError::TRANSPORT),
        };
        if named("EIO") != Some(VERSION) {
            return Err(EngineError::VERSION);
        }
        Ok(Self { transport, sid: named("sid") })
    }
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
/// access token belongs into `auth.token` of the CONNECT packet.
#[utoipa::path(
    get, path = "/socket.io/", tag = "sockets", security(()),
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
        (status = 429, body = EngineError, description = "too many sessions without credentials"),
    )
)]
async fn get(State(app): State<App>, request: extract::Request) -> Response {
    let (parts, _) = request.into_parts();
    answered(answer_get(&app, parts).await)
}

/// Brings packets to a session that is polled.
#[utoipa::path(
    post, path = "/socket.io/", tag = "sockets", security(()),
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
    )
)]
async fn post(State(app): State<App>, request: extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    answered(answer_post(&app, &parts, body).await)
}

fn answered(answer: Result<Response, Refused>) -> Response {
    match answer {
        Ok(response) => response,
        Err(Refused::Engine(error)) => error.into_response(),
        Err(Refused::Problem(problem)) => problem.into_response(),
    }
}

async fn answer_get(app: &App, mut parts: Parts) -> Result<Response, Refused> {
    token_in_query(&parts.uri)?;
    let uri = parts.uri.clone();
    let Query { transport, sid } = Query::of(&uri)?;
    let session = sid.map(|sid| app.polled.find(sid).ok_or(EngineError::SESSION)).transpose()?;
    let ip = client_ip(&parts, &app.config.trusted_proxies);
    if session.is_none() && app.limits.admit(Kind::Connect, ip, None).await.is_err() {
        return Err(EngineError::TOO_MANY.into());
    }
    if transport == Transport::Polling {
        return match session {
            Some(session) => poll(&session).await,
            None => open(app, Offer { ip, ..Offer::default() }),
        };
    }
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, app).await.map_err(|_| EngineError::BAD_REQUEST)?;
    let upgrade = limited(upgrade, app.hub.settings());
    let write_within = app.hub.settings().write_within;
    if let Some(session) = session {
        return Ok(upgrade.on_upgrade(move |socket| move_over(Wire::new(socket, write_within), session)));
    }
    let (sid, name) = names()?;
    let opening = Open::new(&sid, &[], app.hub.settings()).packet();
    let app = app.clone();
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut wire = Wire::new(socket, write_within);
        if wire.write([opening.into()]).await.is_ok() {
            session::serve(app, Line::over_socket(wire, name), Offer { ip, ..Offer::default() }).await;
        }
    }))
}

/// The sid of a session and the name of its socket.
fn names() -> Result<(String, String), Problem> {
    let no_names = || Problem::unavailable("no_randomness", "the system gives no randomness", 1);
    sid().zip(sid()).ok_or_else(no_names)
}

/// Opens a session that is polled: it has a task of its own, for no connection is its own.
fn open(app: &App, offer: Offer) -> Result<Response, Refused> {
    let (sid, name) = names()?;
    let settings = app.hub.settings();
    let opening = Open::new(&sid, &["websocket"], settings).packet();
    let (place, requests) = app.polled.open(sid, offer.ip, settings).ok_or(EngineError::TOO_MANY)?;
    let line = Line::polled(Polled::new(requests, settings.write_within), place, name);
    tokio::spawn(session::serve(app.clone(), line, offer));
    Ok(payload(opening))
}

async fn poll(session: &mpsc::Sender<Request>) -> Result<Response, Refused> {
    let (poll, answer) = oneshot::channel();
    session.send(Request::Poll(poll)).await.map_err(|_| EngineError::SESSION)?;
    Ok(payload(answer.await.map_err(|_| EngineError::BAD_REQUEST)?))
}

async fn answer_post(app: &App, parts: &Parts, body: Body) -> Result<Response, Refused> {
    token_in_query(&parts.uri)?;
    let Query { transport, sid } = Query::of(&parts.uri)?;
    let sid = sid.ok_or(EngineError::METHOD)?;
    let session = app.polled.find(sid).ok_or(EngineError::SESSION)?;
    if transport != Transport::Polling {
        return Err(EngineError::BAD_REQUEST.into());
    }
    let reading = read(body, app.hub.settings().frame_bytes);
    let brought = match timeout(app.config.patience, reading).await {
        Ok(Ok(text)) => packets(text.into()),
        Ok(Err((why, error))) => {
            if let Some(why) = why {
                let _ = session.send(Request::Bad(why)).await;
            }
            return Err(error.into());
        }
        Err(_) => return Err(EngineError::TOO_SLOW.into()),
    };
    let (taken, answer) = oneshot::channel();
    session.send(Request::Packets(brought, taken)).await.map_err(|_| EngineError::SESSION)?;
    answer.await.map_err(|_| EngineError::BAD_REQUEST)?;
    Ok(payload("ok".to_owned()))
}

/// A payload of at most `limit` bytes; more is not read. Else also why the session must be closed, if it must.
async fn read(body: Body, limit: usize) -> Result<String, (Option<Close>, EngineError)> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| (None, EngineError::BAD_REQUEST))?;
        if bytes.len() + chunk.len() > limit {
            return Err((Some(Close::TooBig), EngineError::TOO_BIG));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| (Some(Close::NotUtf8), EngineError::BAD_REQUEST))
}
