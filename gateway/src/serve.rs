//! The HTTP server: accepts connections, gives each a time to send its head, and lets requests end when it stops.

use crate::rest::Peer;
use axum::{Router, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{net::SocketAddr, time::Duration};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// After a connection could not be accepted (no file descriptors left, say).
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`; then takes no more connections, and returns those that are still busy.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    patience: Duration,
    stop: CancellationToken,
) -> TaskTracker {
    let connections = TaskTracker::new();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                connections.spawn(connection(stream, peer, routes.clone(), patience, stop.clone()));
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

async fn connection(stream: TcpStream, peer: SocketAddr, routes: Router, patience: Duration, stop: CancellationToken) {
    // Without it a small answer waits for the client's delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        routes.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(error.cause = %error, peer = %peer, "a connection ended early");
    }
}
