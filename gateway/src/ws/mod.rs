//! The raw WebSocket at `GET /ws`.

mod credentials;
mod frame;
mod socket;
mod wire;

pub use frame::{Auth, Command, CursorNow, Emoji, Hello, HelloBody, HelloLimits, Pong, SignedOn, Sync};

use crate::{App, Problem, problem::PROBLEM_JSON, rest::client_ip};
use axum::{
    extract::{
        FromRequestParts, Request, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use credentials::Offer;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Read at once; small, because most sockets are idle.
const READ_BUFFER: usize = 4 * 1024;
/// Written at once.
const WRITE_BUFFER: usize = 16 * 1024;

/// `GET /ws`.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(upgrade))
}

/// The socket, described in `/asyncapi.json`. Credentials come as a header, as a subprotocol, or in the first frame.
#[utoipa::path(
    get, path = "/ws", tag = "sockets", security((), ("bearer" = [])),
    params(("since" = Option<String>, Query, description = "the cursor to resume from")),
    responses(
        (status = 101, description = "the socket is open"),
        (status = 400, body = Problem, content_type = PROBLEM_JSON, description = "a token in the address"),
        (status = 401, body = Problem, content_type = PROBLEM_JSON, description = "no valid credentials"),
        (status = 403, body = Problem, content_type = PROBLEM_JSON, description = "the origin or the account may not"),
        (status = 426, body = Problem, content_type = PROBLEM_JSON, description = "this is a WebSocket"),
    )
)]
async fn upgrade(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    check_origin(&parts.headers, &app.config.allowed_origins)?;
    let offer = Offer::of(&parts)?;
    if let Some(token) = offer.token.as_deref().filter(|_| !offer.in_subprotocol) {
        crate::auth::authenticate(&app, token).await?;
    }
    let ip = client_ip(&parts, &app.config.trusted_proxies);
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &app).await.map_err(|error| not_a_socket(&error))?;
    let frame_bytes = app.hub.settings().frame_bytes;
    let upgrade = upgrade
        .protocols([credentials::SUBPROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(app.hub.settings().outbox_bytes + 2 * WRITE_BUFFER)
        .max_message_size(frame_bytes)
        .max_frame_size(frame_bytes);
    Ok(upgrade.on_upgrade(move |web_socket| socket::serve(app, web_socket, offer, ip)))
}

/// A browser sends cookies and reaches private networks: only listed origins may, where a list is set.
fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Problem> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let listed = |allowed: &String| allowed == "*" || allowed.as_bytes() == origin.as_bytes();
    if allowed.is_empty() || allowed.iter().any(listed) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", "pages of this origin may not connect"))
}

fn not_a_socket(error: &WebSocketUpgradeRejection) -> Problem {
    Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", format!("this is a WebSocket: {error}"))
}
