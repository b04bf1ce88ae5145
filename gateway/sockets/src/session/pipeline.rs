//! The commands of one socket that are under way.
//!
//! Commands about the same thing run one after the other in the order they came; others run beside them.

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use operations::Order;
use std::{collections::VecDeque, pin::pin};

const RUNNING: usize = 16;

/// The commands of one socket that are under way, each with what it waits behind.
pub struct Pipeline<'a, T> {
    running: FuturesUnordered<BoxFuture<'a, (Order, T)>>,
    busy: Vec<Order>,
    waiting: VecDeque<(Order, BoxFuture<'a, T>)>,
}

impl<T> Default for Pipeline<'_, T> {
    fn default() -> Self {
        Self { running: FuturesUnordered::new(), busy: Vec::new(), waiting: VecDeque::new() }
    }
}

impl<'a, T: Send + 'a> Pipeline<'a, T> {
    /// Adds a command.
    pub fn push(&mut self, order: Order, command: BoxFuture<'a, T>) {
        self.waiting.push_back((order, command));
        self.start();
    }

    /// Runs them while something else is awaited, and hands on what they give. One that nobody polls keeps what it holds, a
    /// connection of a pool or its turn at a lock, from everybody else.
    pub async fn run_while<R>(&mut self, awaited: impl Future<Output = R>, mut take: impl FnMut(T)) -> R {
        let mut awaited = pin!(awaited);
        loop {
            tokio::select! {
                biased;
                done = &mut awaited => return done,
                Some(given) = self.next(), if !self.is_empty() => take(given),
            }
        }
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
        let (order, answer) = self.running.next().await?;
        if let Some(at) = self.busy.iter().position(|busy| *busy == order) {
            self.busy.swap_remove(at);
        }
        self.start();
        Some(answer)
    }

    fn start(&mut self) {
        while self.busy.len() < RUNNING {
            let is_free = |order: &Order| *order == Order::Free || !self.busy.contains(order);
            let free = self.waiting.iter().position(|(order, _)| is_free(order));
            let Some((order, command)) = free.and_then(|at| self.waiting.remove(at)) else { return };
            self.busy.push(order);
            self.running.push(command.map(move |answer| (order, answer)).boxed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use uuid::Uuid;

    fn of(thing: u128) -> Order {
        Order::Of(Uuid::from_u128(thing))
    }

    #[tokio::test]
    async fn one_thing_keeps_its_order_and_others_pass() {
        let (release, held) = oneshot::channel::<()>();
        let mut pipeline = Pipeline::default();
        pipeline.push(of(1), held.map(|_| 1).boxed());
        pipeline.push(of(1), async { 2 }.boxed());
        pipeline.push(of(2), async { 3 }.boxed());
        assert_eq!(pipeline.next().await, Some(3));
        assert_eq!(pipeline.len(), 2);
        release.send(()).unwrap();
        assert_eq!(pipeline.next().await, Some(1));
        assert_eq!(pipeline.next().await, Some(2));
        assert_eq!(pipeline.next().await, None);
    }

    #[tokio::test]
    async fn commands_go_on_while_something_else_is_awaited() {
        let (release, held) = oneshot::channel();
        let mut pipeline = Pipeline::default();
        pipeline.push(of(1), async move { release.send(2).map_or(0, |()| 1) }.boxed());
        let mut given = Vec::new();
        assert_eq!(pipeline.run_while(held, |answer| given.push(answer)).await, Ok(2));
        assert_eq!((given, pipeline.is_empty()), (vec![1], true));
    }

    #[tokio::test]
    async fn what_has_no_order_waits_for_nothing_but_a_free_place() {
        let (release, held) = oneshot::channel::<()>();
        let mut pipeline = Pipeline::default();
        pipeline.push(Order::Free, held.map(|_| 0).boxed());
        for n in 1..100 {
            pipeline.push(Order::Free, async move { n }.boxed());
        }
        for _ in 1..100 {
            assert_ne!(pipeline.next().await, Some(0));
        }
        release.send(()).unwrap();
        assert_eq!((pipeline.next().await, pipeline.next().await), (Some(0), None));
    }

    #[tokio::test]
    async fn many_are_started_in_the_order_they_came() {
        let mut pipeline = Pipeline::default();
        for n in 0..100 {
            pipeline.push(of(1), async move { n }.boxed());
        }
        for n in 0..100 {
            assert_eq!(pipeline.next().await, Some(n));
        }
        assert!(pipeline.is_empty());
    }
}
