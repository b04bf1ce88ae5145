//! The raw WebSocket at `GET /ws`.

mod credentials;
mod door;
mod frame;

pub use frame::{Command, Emoji, Pong};

use crate::{
    App, Problem,
    limits::Kind,
    problem::PROBLEM_JSON,
    rest::client_ip,
    session::{self, Wire, limited},
};
use axum::{
    extract::{
        FromRequestParts, Request, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::StatusCode,
    response::Response,
};
use credentials::Offer;
use utoipa_axum::{router::OpenApiRouter, routes};

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
        (status = 429, body = Problem, content_type = PROBLEM_JSON, description = "too many sockets are opened"),
        (status = 426, body = Problem, content_type = PROBLEM_JSON, description = "this is a WebSocket"),
    )
)]
async fn upgrade(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let ip = client_ip(&parts, &app.config.trusted_proxies);
    app.limits.admit(Kind::Connect, ip, None).await?;
    let offer = Offer::of(&parts)?;
    if let Some(token) = offer.token.as_deref().filter(|_| !offer.in_subprotocol) {
        crate::auth::authenticate(&app, token).await?;
    }
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &app).await.map_err(|error| not_a_socket(&error))?;
    let upgrade = limited(upgrade.protocols([credentials::SUBPROTOCOL]), app.hub.settings());
    Ok(upgrade.on_upgrade(move |socket| {
        let door = door::Plain(Wire::new(socket, app.hub.settings().write_within));
        session::serve(app, door, session::Offer { token: offer.token, since: offer.since, ip })
    }))
}

fn not_a_socket(error: &WebSocketUpgradeRejection) -> Problem {
    Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", format!("this is a WebSocket: {error}"))
}
