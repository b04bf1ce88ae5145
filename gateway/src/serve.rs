//! The HTTP server: accepts connections as long as there is room, bounds how large a request's head is and how long
//! it takes, gives up on clients that do not read, and lets requests end when it stops.

use crate::{Config, crowd::Crowd, pace::Paced, rest::Peer};
use axum::{Router, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{net::SocketAddr, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// After a connection could not be accepted (no file descriptors left, say).
const PAUSE: Duration = Duration::from_millis(100);
/// The most headers of a request.
const HEADERS: usize = 100;
/// The most bytes of a request's head.
const HEAD: usize = 32 * 1024;

/// What is kept of an answer for a client that does not read it, in bytes; the rest waits in its body.
const UNREAD: usize = 64 * 1024;

/// Ends the connection of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hangup(pub(crate) CancellationToken);

/// How long a client may take.
#[derive(Clone, Copy)]
struct Patience {
    /// To send the head of a request.
    head: Duration,
    /// To read as much of what is written to it as [`Paced`] wants.
    write: Duration,
}

/// Serves until `stop`; then takes no more connections, and returns those that are still busy.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    config: &Config,
    stop: CancellationToken,
) -> TaskTracker {
    let connections = TaskTracker::new();
    let crowd = Crowd::new(config.connections, config.trusted_proxies.clone());
    let patience = Patience { head: config.patience, write: config.hub.write_within };
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = crowd.enter(peer.ip()) else {
                    tracing::debug!(peer = %peer, "a connection is turned away: there are too many");
                    continue;
                };
                let served = connection(stream, peer, routes.clone(), patience, stop.clone());
                connections.spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(error.cause = %error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    connections.close();
    connections
}

async fn connection(stream: TcpStream, peer: SocketAddr, routes: Router, patience: Patience, stop: CancellationToken) {
    // Without it a small answer waits for the client's delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let stream = Paced::new(stream, patience.write);
    let hangup = Hangup::default();
    let given_up = hangup.0.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(hangup.clone());
        routes.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head).max_headers(HEADERS).max_header_size(HEAD);
    http.max_buf_size(UNREAD);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                served = connection => served,
                () = given_up.cancelled() => return,
            }
        }
        () = given_up.cancelled() => {
            tracing::debug!(peer = %peer, "a connection is given up: it does not read its answers, and others need the memory");
            return;
        }
    };
    if let Err(error) = served {
        tracing::debug!(error.cause = %error, peer = %peer, "a connection ended early");
    }
}
