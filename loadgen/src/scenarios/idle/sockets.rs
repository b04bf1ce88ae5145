//! Sockets that do nothing, and what arrives at them.

use super::door::Door;
use crate::{
    socket::{Ended, Socket},
    traffic::seed::Seeded,
};
use anyhow::{Context, Result};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
};
use tokio::task::JoinSet;

/// Open sockets of one door: one of each of the first so many people.
pub(super) struct Sockets {
    door: Door,
    doors: Arc<[SocketAddr]>,
    held: JoinSet<()>,
    /// Messages that arrived at each.
    received: Vec<Rc<Cell<usize>>>,
    ended: Rc<RefCell<BTreeMap<String, usize>>>,
}

impl Sockets {
    pub(super) fn new(door: Door, doors: Arc<[SocketAddr]>) -> Self {
        Self { door, doors, held: JoinSet::new(), received: Vec::new(), ended: Rc::default() }
    }

    /// Opens further ones until there are so many.
    pub(super) async fn grow(&mut self, count: usize, seeded: &Seeded) -> Result<()> {
        while self.received.len() < count {
            let user = self.received.len();
            let address = self.doors[user % self.doors.len()];
            let socket = self.door.open(address, &seeded.seats[user].token).await;
            let socket = socket.with_context(|| format!("socket {user} cannot be opened"))?;
            let received = Rc::new(Cell::new(0));
            self.received.push(Rc::clone(&received));
            let (door, ended) = (self.door, Rc::clone(&self.ended));
            self.held.spawn_local(async move {
                let Err(why) = hold(socket, door, &received).await;
                *ended.borrow_mut().entry(why.kind()).or_default() += 1;
            });
        }
        Ok(())
    }

    pub(super) fn ended(&self) -> BTreeMap<String, usize> {
        self.ended.borrow().clone()
    }

    /// The number of messages that arrived at each.
    pub(super) fn received(&self) -> Vec<usize> {
        self.received.iter().map(|received| received.get()).collect()
    }

    pub(super) async fn close(mut self) {
        self.held.shutdown().await;
    }
}

async fn hold(mut socket: Socket, door: Door, received: &Cell<usize>) -> Result<Infallible, Ended> {
    loop {
        socket.ready().await?;
        let mut answers = Vec::new();
        socket.take(|frame| {
            received.set(received.get() + usize::from(door.is_message(frame)));
            answers.extend(door.answer(frame));
        })?;
        answers.into_iter().try_for_each(|answer| socket.send(answer))?;
    }
}
