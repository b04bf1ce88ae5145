//! The raw WebSocket at `GET /ws`.

mod credentials;
mod door;
mod frame;

pub use frame::{Command, Pong};

use crate::{
    SocketApp,
    session::{self, Wire, limited},
};
use axum::{
    extract::{
        FromRequestParts, Request, State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use credentials::Offer;
use limits::Kind;
use operations::connection::client_ip;
use protocol::{Problem, problem::PROBLEM_JSON};
use utoipa_axum::{router::OpenApiRouter, routes};

/// `GET /ws`.
pub(crate) fn routes() -> OpenApiRouter<SocketApp> {
    OpenApiRouter::new().routes(routes!(upgrade))
}

/// The socket, described in `/asyncapi.json`. Credentials come as a header, as a subprotocol, or in the first frame.
#[utoipa::path(
    get, path = "/ws", operation_id = "openSocket", tag = "sockets", security((), ("bearer" = [])),
    params(("since" = Option<String>, Query, description = "the cursor to resume from")),
    responses(
        (status = 101, description = "the socket is open"),
        (status = 400, body = Problem, content_type = PROBLEM_JSON, description = "a token in the address"),
        (status = 401, body = Problem, content_type = PROBLEM_JSON, description = "no valid credentials"),
        (status = 403, body = Problem, content_type = PROBLEM_JSON, description = "the origin or the account may not"),
        (status = 422, body = Problem, content_type = PROBLEM_JSON, description = "a parameter is not known"),
        (status = 429, body = Problem, content_type = PROBLEM_JSON, description = "too many sockets are opened"),
        (status = 426, body = Problem, content_type = PROBLEM_JSON, description = "this is a WebSocket",
         headers(("Upgrade" = String), ("Sec-WebSocket-Version" = String))),
    )
)]
async fn upgrade(State(app): State<SocketApp>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let ip = client_ip(&parts, &app.config.trusted_proxies);
    app.limits.admit(Kind::Connect, ip, None).await?;
    let offer = Offer::of(&parts)?;
    if let Some(token) = offer.token.as_deref().filter(|_| !offer.in_subprotocol) {
        operations::auth::authenticate(&app, token).await?;
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &app).await {
        Ok(upgrade) => upgrade,
        Err(error) => return Ok(not_a_socket(&error)),
    };
    let upgrade = limited(upgrade.protocols([credentials::SUBPROTOCOL]), app.hub.settings());
    Ok(upgrade.on_upgrade(move |socket| {
        let door = door::Plain(Wire::new(socket, app.hub.settings().write_within));
        session::serve(app, door, session::Offer { token: offer.token, since: offer.since, ip })
    }))
}

/// Says what to upgrade to (RFC 9110, 15.5.22), and which version is spoken (RFC 6455, 4.2.2).
fn not_a_socket(error: &WebSocketUpgradeRejection) -> Response {
    let detail = format!("this is a WebSocket: {error}");
    let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail);
    let headers =
        [(header::UPGRADE, "websocket"), (header::CONNECTION, "upgrade"), (header::SEC_WEBSOCKET_VERSION, "13")];
    (headers, problem).into_response()
}
