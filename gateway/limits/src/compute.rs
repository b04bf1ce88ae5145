//! Work on the processor: HTML, pictures, highlights. It runs on threads of its own, as many at a time as leave half of
//! the cores to those who serve sockets, and one piece of an account at a time. On Linux they give way to all others,
//! so that no message waits for a picture. The caller bounds the time and memory of a piece: at most [`MEMORY`].

use crate::turns::{Room, Turn, Turns};
use domain::UserId;
use protocol::Problem;
use std::{num::NonZeroUsize, sync::Arc, thread, time::Duration};
use tokio::sync::oneshot;

/// What one piece of work may take of memory, in bytes.
pub const MEMORY: u64 = 256 << 20;
/// How long a piece of work may wait to begin.
const WITHIN: Duration = Duration::from_secs(20);
/// Pieces of one account that may wait.
const LINE: usize = 63;

/// Where work on the processor is done. Clones share it.
#[derive(Clone, Debug)]
pub struct Compute(Turns);

/// A place for a piece of work.
#[derive(Debug)]
pub struct Bench(Arc<Turn>);

impl Default for Compute {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self(Turns::new(Room { all: (cores / 2).max(1), share: 1, line: LINE, within: WITHIN }))
    }
}

impl Compute {
    /// Waits until a piece of work of `user` may begin.
    ///
    /// # Errors
    /// 429 `too_many_at_once` or 503 `overloaded` when it did not come to its turn.
    pub async fn begin(&self, user: UserId) -> Result<Bench, Problem> {
        Ok(Bench(Arc::new(self.0.enter(user).await?)))
    }

    /// Does a piece of work of `user` when it is its turn.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub async fn run<T: Send + 'static>(
        &self,
        user: UserId,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        self.begin(user).await?.run(work).await
    }
}

impl Bench {
    /// Does a part of the work.
    ///
    /// # Errors
    /// When it panics.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let turn = Arc::clone(&self.0);
        let (tell, done) = oneshot::channel();
        // Of its own, since a thread that has given way may not always take it back. It costs some ten microseconds.
        let thread = thread::Builder::new().name("compute".to_owned());
        let begun = thread.spawn(move || {
            sql::give_way();
            let result = work();
            // It goes with the work: a caller that goes away does not make room for another.
            drop(turn);
            let _ = tell.send(result);
        });
        begun.map_err(Problem::internal)?;
        done.await.map_err(Problem::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::sync::mpsc;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_caller_that_goes_away_makes_no_room() {
        let (compute, user) = (Compute::default(), UserId(Uuid::from_u128(1)));
        let (release, held) = mpsc::channel::<()>();
        let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
        let first = tokio::spawn({
            let compute = compute.clone();
            let work = move || {
                begun.send(()).unwrap();
                held.recv()
            };
            async move { compute.run(user, work).await }
        });
        has_begun.recv().await.unwrap();
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(compute.begin(user).now_or_never().is_none(), "it goes on");
        drop(release);
        assert_eq!(compute.run(user, || 7).await.unwrap(), 7);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_computes_gives_way() {
        let nice = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            // The 19th field, of those that follow the name in brackets the 17th.
            stat.rsplit(") ").next().unwrap().split(' ').nth(16).unwrap().parse::<i64>().unwrap()
        };
        let there = Compute::default().run(UserId(Uuid::from_u128(1)), nice).await.unwrap();
        assert!(there > nice(), "{there}");
    }
}
