//! The commands of one socket that are under way.
//!
//! Commands about the same thing run one after the other in the order they came; others run beside them.

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use std::collections::VecDeque;

const RUNNING: usize = 16;

/// The commands of one socket that are under way, each with what it is about.
pub struct Pipeline<'a, T> {
    running: FuturesUnordered<BoxFuture<'a, (String, T)>>,
    busy: Vec<String>,
    waiting: VecDeque<(String, BoxFuture<'a, T>)>,
}

impl<T> Default for Pipeline<'_, T> {
    fn default() -> Self {
        Self { running: FuturesUnordered::new(), busy: Vec::new(), waiting: VecDeque::new() }
    }
}

impl<'a, T: Send + 'a> Pipeline<'a, T> {
    /// Adds a command about `about`.
    pub fn push(&mut self, about: String, command: BoxFuture<'a, T>) {
        self.waiting.push_back((about, command));
        self.start();
    }

    /// How many are under way.
    #[must_use]
    pub fn len(&self) -> usize {
        self.running.len() + self.waiting.len()
    }

    /// Whether none is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the next command to finish answers; `None` when none is under way. Cancel-safe.
    pub async fn next(&mut self) -> Option<T> {
        let (about, answer) = self.running.next().await?;
        self.busy.retain(|busy| *busy != about);
        self.start();
        Some(answer)
    }

    fn start(&mut self) {
        while self.busy.len() < RUNNING {
            let free = self.waiting.iter().position(|(about, _)| !self.busy.contains(about));
            let Some((about, command)) = free.and_then(|at| self.waiting.remove(at)) else { return };
            self.busy.push(about.clone());
            self.running.push(command.map(|answer| (about, answer)).boxed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn one_thing_keeps_its_order_and_others_pass() {
        let (release, held) = oneshot::channel::<()>();
        let mut pipeline = Pipeline::default();
        pipeline.push("room".into(), held.map(|_| 1).boxed());
        pipeline.push("room".into(), async { 2 }.boxed());
        pipeline.push("other".into(), async { 3 }.boxed());
        assert_eq!(pipeline.next().await, Some(3));
        assert_eq!(pipeline.len(), 2);
        release.send(()).unwrap();
        assert_eq!(pipeline.next().await, Some(1));
        assert_eq!(pipeline.next().await, Some(2));
        assert_eq!(pipeline.next().await, None);
    }

    #[tokio::test]
    async fn many_are_started_in_the_order_they_came() {
        let mut pipeline = Pipeline::default();
        for n in 0..100 {
            pipeline.push("room".into(), async move { n }.boxed());
        }
        for n in 0..100 {
            assert_eq!(pipeline.next().await, Some(n));
        }
        assert!(pipeline.is_empty());
    }
}
