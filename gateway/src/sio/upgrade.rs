//! From polling to a WebSocket: the client probes it, and moves once nothing is under way on the polling side.

use super::polling::Request;
use crate::session::{Close, Heard, Wire};
use axum::extract::ws::Utf8Bytes;
use std::time::Duration;
use tokio::{sync::mpsc, time::timeout};

/// How long a probe may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Moves a session to `wire`, if its client does; otherwise it stays polled.
pub(super) async fn move_over(mut wire: Wire, session: mpsc::Sender<Request>) {
    let probed = timeout(WITHIN, probe(&mut wire, &session)).await;
    if probed == Ok(true) {
        // Gone, should the session have ended meanwhile: the client hears of it by the socket's end.
        let _ = session.send(Request::Moved(Box::new(wire))).await;
    } else {
        let _ = session.send(Request::Probing(false)).await;
        wire.close(Close::NotOurs).await;
    }
}

async fn probe(wire: &mut Wire, session: &mpsc::Sender<Request>) -> bool {
    if !says(wire, "2probe").await || session.send(Request::Probing(true)).await.is_err() {
        return false;
    }
    wire.write([Utf8Bytes::from_static("3probe")]).await.is_ok() && says(wire, "5").await
}

async fn says(wire: &mut Wire, word: &str) -> bool {
    loop {
        match wire.hear().await {
            Heard::Text(text) => return text.as_str() == word,
            Heard::Life => (),
            Heard::Bad(_) | Heard::Gone => return false,
        }
    }
}
