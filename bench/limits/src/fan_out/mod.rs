//! Messages to all members of rooms by WebSocket, and nothing else: the client, and the server as a process of its own.

mod server;

pub(crate) use server::Server;

use crate::{board::Board, pace::Pace};
use anyhow::{Context, Result};
use clap::Args;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::{cell::RefCell, net::SocketAddr, process::Stdio, rc::Rc};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    sync::{Barrier, mpsc},
    task::{JoinSet, spawn_local},
};
use tokio_tungstenite::{client_async, tungstenite::Message};

/// The fan-out of rooms.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct FanOut {
    /// Sockets, one per user.
    #[arg(long, default_value_t = 200)]
    users: usize,
    /// Members of each room.
    #[arg(long, default_value_t = 10)]
    room: usize,
    /// Bytes of each message.
    #[arg(long, default_value_t = 200)]
    content: usize,
    #[command(flatten)]
    pace: Pace,
}

/// Orders to the socket of each user.
type Orders = Rc<RefCell<Vec<mpsc::UnboundedSender<()>>>>;

/// Shared by all sockets.
#[derive(Clone)]
struct Shared {
    board: Rc<RefCell<Board>>,
    orders: Orders,
    /// Nobody sends before all are connected.
    connected: Rc<Barrier>,
    filler: Rc<str>,
    is_closed: bool,
}

impl FanOut {
    pub(crate) async fn measure(self) -> Result<Value> {
        let Self { users, room, content, pace } = self;
        let (_server, address) = start_server(room).await?;
        let shared = Shared {
            board: Rc::new(RefCell::new(Board::new(room))),
            orders: Orders::default(),
            connected: Rc::new(Barrier::new(users + 1)),
            // The number takes eight bytes, and a space follows it.
            filler: "x".repeat(content.saturating_sub(9)).into(),
            is_closed: pace.is_closed(),
        };
        let mut sockets = JoinSet::new();
        for user in 0..users {
            let (order, ordered) = mpsc::unbounded_channel();
            shared.orders.borrow_mut().push(order);
            sockets.spawn_local(socket(address, user, shared.clone(), ordered));
        }
        let post = |user: usize| {
            if let Some(order) = shared.orders.borrow().get(user) {
                // An error: the socket has ended, which is noticed below.
                let _ = order.send(());
            }
        };
        let measured = async {
            shared.connected.wait().await;
            pace.run(&shared.board, users, post).await
        };
        let seconds = tokio::select! {
            seconds = measured => seconds,
            Some(ended) = sockets.join_next() => return Err(ended?.err().context("a socket was closed")?),
        };
        let board = shared.board.replace(Board::new(room));
        let mode = if pace.is_closed() { "closed" } else { "open" };
        Ok(board.report(&format!("fan-out: {users} sockets in rooms of {room}, {content} bytes, {mode}"), seconds))
    }
}

/// The server as a process of its own, which ends with this one.
async fn start_server(room: usize) -> Result<(Child, SocketAddr)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("fan-out-server").arg(format!("--room={room}"));
    // It ends when its standard input does.
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let output = child.stdout.take().context("the server has no standard output")?;
    let line = BufReader::new(output).lines().next_line().await?;
    Ok((child, line.context("the server has no address")?.parse()?))
}

/// The socket of one user: sends on order, and counts deliveries. It never ends by itself.
async fn socket(
    address: SocketAddr,
    user: usize,
    Shared { board, orders, connected, filler, is_closed }: Shared,
    mut ordered: mpsc::UnboundedReceiver<()>,
) -> Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (socket, _) = client_async(format!("ws://{address}/"), stream).await?;
    let (mut sink, mut incoming) = socket.split();
    sink.send(Message::text(user.to_string())).await?;
    // The server's answer: from now on it delivers.
    incoming.next().await.context("the server closed a new socket")??;
    connected.wait().await;
    let sending = spawn_local({
        let board = Rc::clone(&board);
        async move {
            while let Some(()) = ordered.recv().await {
                let number = board.borrow_mut().send(user);
                if sink.send(Message::text(format!("{number:08} {filler}"))).await.is_err() {
                    return;
                }
            }
        }
    });
    while let Some(message) = incoming.next().await {
        let message = message?;
        let Some(number) = message.to_text()?.get(..8).and_then(|digits| digits.parse::<usize>().ok()) else {
            continue;
        };
        let sender = board.borrow_mut().deliver(number);
        if let Some(sender) = sender.filter(|_| is_closed)
            && let Some(order) = orders.borrow().get(sender)
        {
            let _ = order.send(());
        }
    }
    sending.abort();
    Ok(())
}
