//! One who takes part in a call: a socket, and what it was told of calls.

use super::case::Part;
use crate::{
    client::{Client, Cursor},
    frames::beginning,
    rooms::seed::Seat,
    socket::{Ended, Socket},
};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    cell::RefCell, collections::HashMap, convert::Infallible, net::SocketAddr, rc::Rc, sync::Arc, time::Duration,
};
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::timeout,
};

const ANSWER: Duration = Duration::from_secs(15);

/// One who takes part in a call.
pub(super) struct Party {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) part: Part,
    orders: UnboundedSender<Order>,
    heard: Rc<RefCell<Heard>>,
}

enum Order {
    Command { frame: String, id: String, answer: oneshot::Sender<Value> },
    ComeBack,
}

/// What a party was told.
#[derive(Default)]
struct Heard {
    is_there: bool,
    /// Events about calls: name and call, in order.
    events: Vec<(String, String)>,
    faults: Vec<String>,
}

/// A party's life on its sockets.
struct Life {
    client: Client,
    socket: Socket,
    cursor: Cursor,
    part: Part,
    heard: Rc<RefCell<Heard>>,
    waiting: HashMap<String, oneshot::Sender<Value>>,
}

impl Party {
    /// Connects: at the first door who is to lose it, at the second who is not. It lives in the local set.
    pub(super) async fn connect(doors: &Arc<[SocketAddr]>, seat: &Seat, part: Part) -> Result<Self> {
        let door = usize::from(part == Part::Safe);
        let mut client = Client::new(Arc::clone(doors), door, seat.token.clone());
        let (socket, cursor) = client.connect().await.with_context(|| format!("{} cannot connect", seat.id))?;
        let heard = Rc::new(RefCell::new(Heard { is_there: true, ..Heard::default() }));
        let (orders, received) = unbounded_channel();
        let life = Life { client, socket, cursor, part, heard: Rc::clone(&heard), waiting: HashMap::new() };
        let notes = Rc::clone(&heard);
        tokio::task::spawn_local(async move {
            if let Err(why) = life.live(received).await {
                notes.borrow_mut().faults.push(format!("{why:#}"));
            }
        });
        Ok(Self { id: seat.id.clone(), token: seat.token.clone(), part, orders, heard })
    }

    /// What a command answers; an error when it is refused.
    pub(super) async fn command(&self, cmd: &str, data: Value) -> Result<Value> {
        let id = format!("{cmd}-{:x}", crate::server::unique());
        let (answer, answered) = oneshot::channel();
        let frame = json!({"id": id, "cmd": cmd, "data": data}).to_string();
        let _ = self.orders.send(Order::Command { frame, id, answer });
        let mut answer = timeout(ANSWER, answered).await.with_context(|| format!("{cmd}: no answer"))??;
        if answer["ok"].is_null() {
            bail!("{cmd}: {}: {}", answer["error"]["code"].as_str().unwrap_or("?"), answer["error"]["detail"]);
        }
        Ok(answer["ok"].take())
    }

    /// Comes back, if it stayed away until now.
    pub(super) fn come_back(&self) {
        let _ = self.orders.send(Order::ComeBack);
    }

    /// Whether it has a socket now.
    pub(super) fn is_there(&self) -> bool {
        self.heard.borrow().is_there
    }

    /// The names of what it was told of a call, in order.
    pub(super) fn told(&self, call: &str) -> Vec<String> {
        let heard = self.heard.borrow();
        heard.events.iter().filter(|(_, of)| of == call).map(|(name, _)| name.clone()).collect()
    }

    /// What went wrong with its sockets.
    pub(super) fn faults(&self) -> Vec<String> {
        self.heard.borrow().faults.clone()
    }
}

impl Life {
    async fn live(mut self, mut orders: UnboundedReceiver<Order>) -> Result<()> {
        loop {
            let Err(why) = self.serve(&mut orders).await;
            self.heard.borrow_mut().is_there = false;
            // Whoever waits for an answer learns that there is none.
            self.waiting.clear();
            if self.part == Part::Lost && !is_called_back(&mut orders).await {
                return Ok(());
            }
            let (socket, is_recovered) = self.client.come_back(&why, &self.cursor).await.context("sent away")?;
            self.socket = socket;
            let mut heard = self.heard.borrow_mut();
            heard.is_there = true;
            if !is_recovered {
                heard.faults.push("came back with a cursor, and was told to reload".to_owned());
            }
        }
    }

    async fn serve(&mut self, orders: &mut UnboundedReceiver<Order>) -> Result<Infallible, Ended> {
        let Self { socket, cursor, heard, waiting, .. } = self;
        loop {
            tokio::select! {
                biased;
                ready = socket.ready() => {
                    ready?;
                    socket.take(|frame| note(frame, cursor, &mut heard.borrow_mut(), waiting))?;
                }
                Some(order) = orders.recv() => {
                    if let Order::Command { frame, id, answer } = order {
                        waiting.insert(id, answer);
                        socket.send(frame.as_bytes())?;
                    }
                }
            }
        }
    }
}

/// Waits until one who stays away is told to come back; what else they are told meanwhile is lost. False: never.
async fn is_called_back(orders: &mut UnboundedReceiver<Order>) -> bool {
    loop {
        match orders.recv().await {
            Some(Order::ComeBack) => return true,
            Some(Order::Command { .. }) => {}
            None => return false,
        }
    }
}

fn note(frame: &[u8], cursor: &mut Cursor, heard: &mut Heard, waiting: &mut HashMap<String, oneshot::Sender<Value>>) {
    cursor.note(frame);
    let Ok(told) = serde_json::from_slice::<Value>(frame) else {
        return heard.faults.push(format!("no JSON: {}", beginning(frame)));
    };
    if let Some(answer) = told["reply"].as_str().and_then(|id| waiting.remove(id)) {
        let _ = answer.send(told);
    } else if let (Some(name), Some(call)) = (told["event"].as_str(), told["data"]["id"].as_str())
        && name.starts_with("call.")
    {
        heard.events.push((name.to_owned(), call.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, HashMap, Heard, note};

    #[test]
    fn only_what_is_told_of_calls_is_kept() {
        let (mut cursor, mut heard, mut waiting) = (Cursor::default(), Heard::default(), HashMap::new());
        let (answer, mut answered) = tokio::sync::oneshot::channel();
        waiting.insert("1".to_owned(), answer);
        for frame in [
            r#"{"event":"call.ringing","position":1,"cursor":"a","data":{"id":"c"}}"#,
            r#"{"event":"message.sent","position":2,"cursor":"b","data":{"id":"m"}}"#,
            r#"{"reply":"1","ok":{"id":"c"}}"#,
        ] {
            note(frame.as_bytes(), &mut cursor, &mut heard, &mut waiting);
        }
        assert_eq!(heard.events, [("call.ringing".to_owned(), "c".to_owned())]);
        assert!(answered.try_recv().is_ok_and(|answer| answer["ok"]["id"] == "c") && heard.faults.is_empty());
    }
}
