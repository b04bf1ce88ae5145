//! Requests of accounts that are under way, until their answers are read: so many of an account at once, and so many bytes
//! of answers in all. An answer leaves its body in small pieces as the client takes them, so what is counted is what is
//! in memory. When there is too much of it, who has most and has had it longest is hung up on: nobody else is refused.

use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use bytes::Bytes;
use domain::UserId;
use hyper::body::{Body as _, Frame, SizeHint};
use limits::{Room, Turn, Turns};
use operations::connection::Hangup;
use protocol::Problem;
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

/// Requests of an account under way at once; further ones wait.
const ROOM: Room = Room { all: usize::MAX, share: 32, line: 512, within: Duration::from_secs(10) };
/// Answers up to this size are not counted, in bytes: they leave at once.
const SMALL: usize = 16 * 1024;
/// What all unread answers may take of memory, in bytes.
const UNREAD: usize = 256 << 20;

/// Requests of accounts that are under way. Clones share them.
#[derive(Clone, Debug)]
pub struct Answers {
    turns: Turns,
    unread: Arc<Mutex<Unread>>,
    most: usize,
}

/// What is in memory of answers, the oldest first.
#[derive(Debug, Default)]
struct Unread {
    total: usize,
    next: u64,
    by_age: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    user: UserId,
    bytes: usize,
    hangup: Option<Hangup>,
}

impl Held {
    /// Whether its client was not hung up on.
    fn is_kept(&self) -> bool {
        self.hangup.as_ref().is_none_or(|hangup| !hangup.0.is_cancelled())
    }
}

/// A request of an account, until its answer is read.
#[derive(Debug)]
pub(crate) struct Place {
    user: UserId,
    _turn: Turn,
}

/// The place of the request, once it is known whose it is.
#[derive(Clone, Debug, Default)]
pub struct Underway(Arc<Mutex<Option<Place>>>);

impl Default for Answers {
    fn default() -> Self {
        Self::new(ROOM, UNREAD)
    }
}

impl Answers {
    fn new(room: Room, most: usize) -> Self {
        Self { turns: Turns::new(room), unread: Arc::default(), most }
    }

    /// Takes a place for a request of `user`.
    ///
    /// # Errors
    /// 429 `too_many_at_once`.
    pub(crate) async fn enter(&self, user: UserId) -> Result<Place, Problem> {
        Ok(Place { user, _turn: self.turns.enter(user).await? })
    }

    /// The response, whose place is given up when it has been read.
    pub(crate) async fn until_read(&self, response: Response, underway: Underway, hangup: Option<Hangup>) -> Response {
        let Some(place) = underway.taken() else { return response };
        let (parts, body) = response.into_parts();
        let body = match body.size_hint().exact() {
            Some(size) if size <= SMALL as u64 => body,
            None => Body::new(Streamed { body, _place: place }),
            Some(size) => match to_bytes(body, usize::try_from(size).unwrap_or(usize::MAX)).await {
                // What serialising took beyond it is given back.
                Ok(bytes) => Body::new(self.taken_in(place, Bytes::copy_from_slice(&bytes), hangup)),
                Err(error) => Body::from(Problem::internal(error).detail.to_string()),
            },
        };
        Response::from_parts(parts, body)
    }

    fn taken_in(&self, place: Place, bytes: Bytes, hangup: Option<Hangup>) -> Whole {
        let mut unread = self.lock();
        let number = unread.next;
        unread.next += 1;
        unread.total += bytes.len();
        unread.by_age.insert(number, Held { user: place.user, bytes: bytes.len(), hangup });
        if unread.total > self.most {
            unread.give_up(self.most, number);
        }
        drop(unread);
        Whole { bytes, number, answers: self.clone(), _place: place }
    }

    fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unread {
    /// Hangs up on who has most, the oldest first, until the rest is at most `most`; never for the answer `newest`.
    fn give_up(&mut self, most: usize, newest: u64) {
        let mut of_each: HashMap<UserId, usize> = HashMap::new();
        for held in self.by_age.values().filter(|held| held.is_kept()) {
            *of_each.entry(held.user).or_default() += held.bytes;
        }
        let mut total: usize = of_each.values().sum();
        while total > most {
            let Some((user, _)) = of_each.iter().max_by_key(|(_, bytes)| **bytes).map(|(user, bytes)| (*user, *bytes))
            else {
                return;
            };
            let mut theirs = self.by_age.iter().filter(|(number, held)| **number != newest && held.user == user);
            let theirs = theirs.find(|(_, held)| held.hangup.is_some() && held.is_kept());
            let Some((_, held)) = theirs else {
                of_each.remove(&user);
                continue;
            };
            if let Some(hangup) = &held.hangup {
                hangup.0.cancel();
            }
            total = total.saturating_sub(held.bytes);
            if let Some(bytes) = of_each.get_mut(&user) {
                *bytes = bytes.saturating_sub(held.bytes);
            }
        }
    }
}

impl Underway {
    /// Keeps the turn until the answer is read.
    pub(crate) fn hold(&self, place: Place) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    fn taken(&self) -> Option<Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body that is in memory, given away in pieces.
struct Whole {
    bytes: Bytes,
    number: u64,
    answers: Answers,
    _place: Place,
}

impl hyper::body::Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let size = self.bytes.len().min(SMALL);
        // A piece of its own: the whole stays in memory while a part of it is used.
        let piece = Bytes::copy_from_slice(&self.bytes.split_to(size));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        let mut unread = self.answers.lock();
        if let Some(held) = unread.by_age.remove(&self.number) {
            unread.total -= held.bytes;
        }
    }
}

/// A body that is read from somewhere as it is taken.
struct Streamed {
    body: Body,
    _place: Place,
}

impl hyper::body::Body for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const SIZE: usize = 3 * SMALL;

    fn user(n: u128) -> UserId {
        UserId(Uuid::from_u128(n))
    }

    async fn answered(answers: &Answers, n: u128, size: usize) -> (Body, Hangup) {
        let (underway, hangup) = (Underway::default(), Hangup::default());
        underway.hold(answers.enter(user(n)).await.unwrap());
        let response = Response::new(Body::from(vec![b'x'; size]));
        (answers.until_read(response, underway, Some(hangup.clone())).await.into_body(), hangup)
    }

    #[tokio::test]
    async fn an_answer_counts_until_it_is_read_and_comes_whole() {
        let answers = Answers::default();
        let (body, _) = answered(&answers, 1, SIZE + 7).await;
        assert_eq!((answers.lock().total, body.size_hint().exact()), (SIZE + 7, Some(SIZE as u64 + 7)));
        assert_eq!(to_bytes(body, usize::MAX).await.unwrap(), vec![b'x'; SIZE + 7]);
        assert_eq!(answers.lock().total, 0);
        assert!(answers.lock().by_age.is_empty());
        let (small, _) = answered(&answers, 1, SMALL).await;
        assert_eq!(answers.lock().total, 0, "a small one leaves at once");
        drop(small);
    }

    #[tokio::test]
    async fn an_account_has_so_many_unread_answers() {
        let answers = Answers::new(Room { share: 2, line: 1, within: Duration::from_millis(1), ..ROOM }, UNREAD);
        let held = [answered(&answers, 1, SIZE).await, answered(&answers, 1, SIZE).await];
        assert_eq!(answers.enter(user(1)).await.unwrap_err().code, "too_many_at_once");
        answers.enter(user(2)).await.unwrap();
        drop(held);
        answers.enter(user(1)).await.unwrap();
    }

    #[tokio::test]
    async fn who_leaves_most_unread_is_hung_up_on_first() {
        let answers = Answers::new(ROOM, 4 * SIZE);
        let (first, second) = (answered(&answers, 1, SIZE).await, answered(&answers, 1, SIZE).await);
        let (third, honest) = (answered(&answers, 1, SIZE).await, answered(&answers, 2, SIZE).await);
        let late = answered(&answers, 3, SIZE).await;
        let given_up = [&first, &second, &third, &honest, &late].map(|(_, hangup)| hangup.0.is_cancelled());
        assert_eq!(given_up, [true, false, false, false, false]);
        let _last = answered(&answers, 4, SIZE).await;
        assert!(second.1.0.is_cancelled() && !honest.1.0.is_cancelled() && !late.1.0.is_cancelled());
    }
}
