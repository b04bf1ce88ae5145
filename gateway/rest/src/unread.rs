//! Bodies that are not read when their request is answered. The next request on the connection begins behind them
//! (RFC 9112, 9.6): a short rest is read, a longer one ends the connection, and the answer says so.

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// The longest rest that is read, in bytes.
const MOST: usize = 64 * 1024;
/// How long a rest is waited for.
const REST_PATIENCE: Duration = Duration::from_millis(500);

/// The body of a request, after its handler has given it up.
pub(crate) struct Unread(Arc<Mutex<Incoming>>);

struct Incoming {
    body: Body,
    /// Whether somebody has asked for a piece: a client that expects a `100 Continue` has got it then.
    was_asked_for: bool,
}

/// The body of a request for its handler.
struct Lent(Arc<Mutex<Incoming>>);

/// The body for the handler, and, unless it is empty, what reads the rest of it.
pub(crate) fn lent(body: Body) -> (Body, Option<Unread>) {
    if body.is_end_stream() {
        return (body, None);
    }
    let incoming = Arc::new(Mutex::new(Incoming { body, was_asked_for: false }));
    (Body::new(Lent(Arc::clone(&incoming))), Some(Unread(incoming)))
}

impl Unread {
    /// Reads a short rest. False if some of the body is still to come. `is_expecting`: the client sends no body before a
    /// `100 Continue`.
    pub(crate) async fn read(self, is_expecting: bool) -> bool {
        {
            let incoming = lock(&self.0);
            if incoming.body.is_end_stream() {
                return true;
            }
            let is_held_back = is_expecting && !incoming.was_asked_for;
            if is_held_back || incoming.body.size_hint().lower() > MOST as u64 {
                return false;
            }
        }
        let rest = async {
            let mut read = 0;
            while read <= MOST {
                match poll_fn(|context| poll(&self.0, context)).await {
                    Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
                    Some(Err(_)) => return false,
                    None => return true,
                }
            }
            false
        };
        timeout(REST_PATIENCE, rest).await.unwrap_or(false)
    }
}

fn lock(incoming: &Mutex<Incoming>) -> MutexGuard<'_, Incoming> {
    incoming.lock().unwrap_or_else(PoisonError::into_inner)
}

fn poll(incoming: &Mutex<Incoming>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
    let mut incoming = lock(incoming);
    incoming.was_asked_for = true;
    Pin::new(&mut incoming.body).poll_frame(context)
}

impl hyper::body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        poll(&self.0, context)
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.0).body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.0).body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use futures_util::stream;
    use std::convert::Infallible;

    fn pieces(count: usize) -> Body {
        Body::from_stream(stream::iter((0..count).map(|_| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 1_024])))))
    }

    #[tokio::test]
    async fn a_short_rest_is_read_and_a_long_one_is_not() {
        assert!(lent(Body::empty()).1.is_none());
        for (body, is_read) in [
            (Body::from("{}"), true),
            (pieces(3), true),
            (pieces(65), false),
            (Body::from(vec![b'x'; MOST]), true),
            (Body::from(vec![b'x'; MOST + 1]), false),
        ] {
            let (lent, unread) = lent(body);
            drop(lent);
            assert_eq!(unread.unwrap().read(false).await, is_read);
        }
        let (lent, unread) = lent(Body::from("{}"));
        assert_eq!(to_bytes(lent, MOST).await.unwrap(), "{}");
        assert!(unread.unwrap().read(true).await, "it was read whole");
    }

    #[tokio::test]
    async fn nobody_waits_for_a_rest_that_does_not_come() {
        let (_lent, unread) = lent(Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()));
        assert!(!unread.unwrap().read(false).await);
        let (_lent, unread) = lent(Body::from("{}"));
        assert!(!unread.unwrap().read(true).await, "it is not sent before it is asked for");
    }
}
