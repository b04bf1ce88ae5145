//! Answers that are requested and hardly read.

use super::{acts::Stock, tally::Tally};
use crate::client::jittered;
use anyhow::Result;
use futures_util::future::join_all;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    time::sleep,
};

/// Concurrent requests.
const AT_ONCE: u64 = 100;
/// Bytes that the client's kernel buffers, and bytes that are read at each interval: always some progress.
const WINDOW: u32 = 4_096;
const SIP: usize = 64;
const PAUSE: Duration = Duration::from_secs(2);

/// Requests large pages, and reads them as slowly as possible.
pub(super) async fn hold(door: SocketAddr, stock: &Stock, tally: &Tally) {
    let one = |number: u64| async move {
        // Not all at once: the budget of connections is another matter.
        sleep(Duration::from_millis(number * 50)).await;
        loop {
            match sip(door, stock).await {
                Ok(()) => tally.ended("read to its end"),
                Err(_) => tally.ended("closed by the server"),
            }
            sleep(jittered(500, 1_500)).await;
        }
    };
    join_all((0..AT_ONCE).map(one)).await;
}

async fn sip(door: SocketAddr, stock: &Stock) -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(WINDOW)?;
    let mut stream = socket.connect(door).await?;
    let (path, token) = (stock.fat_page(), &stock.token);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {door}\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut sip = [0; SIP];
    loop {
        if stream.read(&mut sip).await? == 0 {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}
