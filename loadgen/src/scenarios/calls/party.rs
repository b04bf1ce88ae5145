//! A participant of a call: a socket, and the events of calls that it received.

use super::case::Part;
use crate::{
    client::{Client, Cursor},
    frames::beginning,
    socket::{Ended, Socket},
    traffic::seed::Seat,
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

pub(super) struct Party {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) part: Part,
    orders: UnboundedSender<Order>,
    record: Rc<RefCell<Received>>,
}

enum Order {
    Command { frame: String, id: String, answer: oneshot::Sender<Value> },
    ComeBack,
}

/// The events of a party, and the state of its socket.
#[derive(Default)]
struct Received {
    is_connected: bool,
    /// Name and call, in order.
    events: Vec<(String, String)>,
    faults: Vec<String>,
}

struct Life {
    client: Client,
    socket: Socket,
    cursor: Cursor,
    part: Part,
    record: Rc<RefCell<Received>>,
    waiting: HashMap<String, oneshot::Sender<Value>>,
}

impl Party {
    /// Connects at the gateway that dies, or at the other if it is safe. It runs in the local set.
    pub(super) async fn connect(doors: &Arc<[SocketAddr]>, seat: &Seat, part: Part) -> Result<Self> {
        let door = usize::from(part == Part::Safe);
        let mut client = Client::new(Arc::clone(doors), door, seat.token.clone());
        let (socket, cursor) = client.connect().await.with_context(|| format!("{} cannot connect", seat.id))?;
        let record = Rc::new(RefCell::new(Received { is_connected: true, ..Received::default() }));
        let (orders, received) = unbounded_channel();
        let life = Life { client, socket, cursor, part, record: Rc::clone(&record), waiting: HashMap::new() };
        let notes = Rc::clone(&record);
        tokio::task::spawn_local(async move {
            if let Err(why) = life.live(received).await {
                notes.borrow_mut().faults.push(format!("{why:#}"));
            }
        });
        Ok(Self { id: seat.id.clone(), token: seat.token.clone(), part, orders, record })
    }

    /// Runs a command. A refusal is an error.
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

    /// Reconnects, if it has stayed away.
    pub(super) fn come_back(&self) {
        let _ = self.orders.send(Order::ComeBack);
    }

    pub(super) fn is_connected(&self) -> bool {
        self.record.borrow().is_connected
    }

    /// The names of its events of a call, in order.
    pub(super) fn received(&self, call: &str) -> Vec<String> {
        let record = self.record.borrow();
        record.events.iter().filter(|(_, of)| of == call).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn faults(&self) -> Vec<String> {
        self.record.borrow().faults.clone()
    }
}

impl Life {
    async fn live(mut self, mut orders: UnboundedReceiver<Order>) -> Result<()> {
        loop {
            let Err(why) = self.serve(&mut orders).await;
            self.record.borrow_mut().is_connected = false;
            // Ends the waits for answers that will not come.
            self.waiting.clear();
            if self.part == Part::Lost && !is_called_back(&mut orders).await {
                return Ok(());
            }
            let (socket, is_recovered) = self.client.come_back(&why, &self.cursor).await.context("sent away")?;
            self.socket = socket;
            let mut record = self.record.borrow_mut();
            record.is_connected = true;
            if !is_recovered {
                record.faults.push("came back with a cursor, and must reload".to_owned());
            }
        }
    }

    async fn serve(&mut self, orders: &mut UnboundedReceiver<Order>) -> Result<Infallible, Ended> {
        let Self { socket, cursor, record, waiting, .. } = self;
        loop {
            tokio::select! {
                biased;
                ready = socket.ready() => {
                    ready?;
                    socket.take(|frame| note(frame, cursor, &mut record.borrow_mut(), waiting))?;
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

/// Waits for the order to come back, and drops all others. False: it never comes.
async fn is_called_back(orders: &mut UnboundedReceiver<Order>) -> bool {
    loop {
        match orders.recv().await {
            Some(Order::ComeBack) => return true,
            Some(Order::Command { .. }) => {}
            None => return false,
        }
    }
}

fn note(
    frame: &[u8],
    cursor: &mut Cursor,
    record: &mut Received,
    waiting: &mut HashMap<String, oneshot::Sender<Value>>,
) {
    cursor.note(frame);
    let Ok(received) = serde_json::from_slice::<Value>(frame) else {
        return record.faults.push(format!("no JSON: {}", beginning(frame)));
    };
    if let Some(answer) = received["reply"].as_str().and_then(|id| waiting.remove(id)) {
        let _ = answer.send(received);
    } else if let (Some(name), Some(call)) = (received["event"].as_str(), received["data"]["id"].as_str())
        && name.starts_with("call.")
    {
        record.events.push((name.to_owned(), call.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, HashMap, Received, note};

    #[test]
    fn only_events_of_calls_are_kept() {
        let (mut cursor, mut record, mut waiting) = (Cursor::default(), Received::default(), HashMap::new());
        let (answer, mut answered) = tokio::sync::oneshot::channel();
        waiting.insert("1".to_owned(), answer);
        for frame in [
            r#"{"event":"call.ringing","position":1,"cursor":"a","data":{"id":"c"}}"#,
            r#"{"event":"message.sent","position":2,"cursor":"b","data":{"id":"m"}}"#,
            r#"{"reply":"1","ok":{"id":"c"}}"#,
        ] {
            note(frame.as_bytes(), &mut cursor, &mut record, &mut waiting);
        }
        assert_eq!(record.events, [("call.ringing".to_owned(), "c".to_owned())]);
        assert!(answered.try_recv().is_ok_and(|answer| answer["ok"]["id"] == "c") && record.faults.is_empty());
    }
}
