//! The HTTP server: accepts connections as long as there is room, bounds how large a request's head is and how long
//! it takes, gives up on clients that do not read, and lets requests end when it stops.

use super::{connection_limiter::ConnectionLimiter, pace::Paced};
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use config::Config;
use futures_util::FutureExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use operations::connection::{Hangup, Peer};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// After a connection could not be accepted (no file descriptors left, say).
const PAUSE: Duration = Duration::from_millis(100);
/// How long an idle connection stays readable after the stop: a proxy may have sent a request before it could see the end, and
/// would answer 502 in its place.
const LINGER: Duration = Duration::from_secs(1);
/// The most connections that are taken over after the stop: those that the system accepted before.
const ACCEPTED: usize = 1_024;
/// The most headers that are read. What is read is bounded closer, and answered, by a layer of the routes.
const HEADERS: usize = 200;
/// The most bytes of a head that are read.
const HEAD: usize = 64 * 1024;

/// What is kept of an answer for a client that does not read it, in bytes; the rest waits in its body.
const UNREAD: usize = 64 * 1024;

/// How long a client may take.
#[derive(Clone, Copy)]
struct Patience {
    /// To send the head of a request.
    head: Duration,
    /// To read as much of what is written to it as [`Paced`] wants.
    write: Duration,
}

/// Serves until `stop`; then takes no more connections, and returns those that are still busy. `is_peer` tells the address of
/// another gateway.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    config: &Config,
    is_peer: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    stop: CancellationToken,
) -> TaskTracker {
    let connections = TaskTracker::new();
    let limiter = ConnectionLimiter::new(config.connections, config.trusted_proxies.clone(), is_peer);
    let patience = Patience { head: config.patience, write: config.sockets.write_within };
    let mut accepted_before = 0;
    loop {
        let accepted = match stop.run_until_cancelled(listener.accept()).await {
            Some(accepted) => accepted,
            // Connections that the system has accepted already are served, too: closing the listener would reset them.
            None => match listener.accept().now_or_never() {
                Some(Ok(accepted)) if accepted_before < ACCEPTED => {
                    accepted_before += 1;
                    Ok(accepted)
                }
                _ => break,
            },
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(permit) = limiter.try_acquire(peer.ip()) else {
                    tracing::debug!(peer = %peer, "a connection is turned away: there are too many");
                    continue;
                };
                let served = connection(stream, peer, routes.clone(), patience, stop.clone());
                connections.spawn(async move {
                    served.await;
                    drop(permit);
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
    let stopped = stop.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(hangup.clone());
        let (answer, stopped) = (routes.clone().oneshot(request), stopped.clone());
        async move { answer.await.map(|response| if stopped.is_cancelled() { last(response) } else { response }) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.head).max_headers(HEADERS).max_header_size(HEAD);
    http.max_buf_size(UNREAD);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            let ended = async {
                if let Ok(served) = timeout(LINGER, connection.as_mut()).await {
                    return served;
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            };
            tokio::select! {
                served = ended => served,
                () = given_up.cancelled() => return,
            }
        }
        () = given_up.cancelled() => {
            tracing::debug!(peer = %peer, "a connection is given up: it does not read its answers, and others need the memory");
            return;
        }
    };
    if let Err(error) = served {
        if error.is_parse() {
            tracing::info!(error.cause = %error, peer = %peer, "refused what cannot be read as a request");
            return;
        }
        tracing::debug!(error.cause = %error, peer = %peer, "a connection ended early");
    }
}

/// The last response of a connection: it says so, and the connection is closed after it.
fn last(mut response: Response) -> Response {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
