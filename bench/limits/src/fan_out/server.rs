//! The server: passes the messages of a room to all of its members.

use anyhow::{Context, Result};
use clap::Args;
use futures_util::{SinkExt, StreamExt};
use std::{cell::RefCell, collections::HashMap, convert::Infallible, io::Read, net::Ipv4Addr, rc::Rc};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::spawn_local,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

/// The most messages that are written at once.
const AT_ONCE: usize = 64;

/// The server of a fan-out.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Server {
    /// Members of each room.
    #[arg(long, default_value_t = 10)]
    room: usize,
}

/// The outboxes of the members of each room.
type Rooms = Rc<RefCell<HashMap<usize, Vec<mpsc::UnboundedSender<Message>>>>>;

impl Server {
    /// Prints its address, and serves until its standard input ends: so it does not outlive its client.
    #[expect(clippy::print_stdout, reason = "the address is the output")]
    pub(crate) async fn serve(self) -> Result<Infallible> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?);
        let rooms = Rooms::default();
        std::thread::spawn(|| {
            let _ = std::io::stdin().read(&mut [0]);
            std::process::exit(0);
        });
        loop {
            let (stream, _) = listener.accept().await?;
            let rooms = Rc::clone(&rooms);
            spawn_local(async move {
                if let Err(error) = member(stream, self.room, rooms).await {
                    eprintln!("a socket ended: {error:#}");
                }
            });
        }
    }
}

/// Serves one member. Its first message is its number.
async fn member(stream: TcpStream, room: usize, rooms: Rooms) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut sink, mut incoming) = accept_async(stream).await?.split();
    let first = incoming.next().await.context("a socket without a number")??;
    let user: usize = first.to_text()?.parse()?;
    let own = user / room.max(1);
    let (outbox, mut queued) = mpsc::unbounded_channel();
    // The answer to the number: from now on it receives.
    outbox.send(Message::text("ready"))?;
    rooms.borrow_mut().entry(own).or_default().push(outbox);
    let writing = spawn_local(async move {
        let mut some = Vec::with_capacity(AT_ONCE);
        while queued.recv_many(&mut some, AT_ONCE).await > 0 {
            for message in some.drain(..) {
                sink.feed(message).await?;
            }
            sink.flush().await?;
        }
        anyhow::Ok(())
    });
    while let Some(message) = incoming.next().await {
        let message = message?;
        if !message.is_text() {
            continue;
        }
        for outbox in rooms.borrow().get(&own).into_iter().flatten() {
            // An error: that member has left.
            let _ = outbox.send(message.clone());
        }
    }
    writing.abort();
    Ok(())
}
