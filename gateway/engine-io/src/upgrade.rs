//! From polling to a WebSocket: the client probes it, and moves once nothing is under way on the polling side.

use crate::{Received, Wire, polling::Request};
use axum::extract::ws::Utf8Bytes;
use std::time::Duration;
use tokio::{sync::mpsc, time::timeout};

/// How a WebSocket is closed that no session has moved to.
const NOT_MOVED: (u16, &str) = (1002, "this is not of the protocol spoken here");

/// How long a probe may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Moves a session to `wire`, if its client does; otherwise it stays polled.
pub(crate) async fn move_over(mut wire: Wire, session: mpsc::Sender<Request>) {
    let probed = timeout(WITHIN, probe(&mut wire, &session)).await;
    if probed == Ok(true) {
        // Gone, should the session have ended meanwhile: the client sees the socket end.
        let _ = session.send(Request::Moved(Box::new(wire))).await;
    } else {
        let _ = session.send(Request::Probing(false)).await;
        wire.close(NOT_MOVED.0, NOT_MOVED.1).await;
    }
}

/// A WebSocket of a session that is over, or has moved already.
pub(crate) async fn turn_away(wire: Wire) {
    wire.close(NOT_MOVED.0, NOT_MOVED.1).await;
}

async fn probe(wire: &mut Wire, session: &mpsc::Sender<Request>) -> bool {
    if !says(wire, "2probe").await || session.send(Request::Probing(true)).await.is_err() {
        return false;
    }
    wire.write([Utf8Bytes::from_static("3probe")]).await.is_ok() && says(wire, "5").await
}

async fn says(wire: &mut Wire, word: &str) -> bool {
    loop {
        match wire.receive().await {
            Received::Text(text) => return text.as_str() == word,
            Received::Life => (),
            Received::Binary(_) | Received::Bad(_) | Received::Gone => return false,
        }
    }
}
