//! A stream that gives up on who reads too slowly: while something waits to be written, so much of it must go in each
//! span of time. A little now and then keeps no answer in memory for ever.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// The least that must go, in bytes a second.
const RATE: u64 = 1_024;

/// A stream whose other end must read at a pace.
#[derive(Debug)]
pub(crate) struct Paced<S> {
    stream: S,
    span: Duration,
    written: u64,
    /// Since when something waits, and what had been written then. The timer is made the first time.
    waiting: Option<u64>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// In each `span` in which something waits, [`RATE`] bytes a second must go, and one at least.
    pub(crate) const fn new(stream: S, span: Duration) -> Self {
        Self { stream, span, written: 0, waiting: None, timer: None }
    }

    /// What came of an attempt to write `wanted` bytes.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        wanted: usize,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(count)) => {
                self.written += count as u64;
                if count >= wanted {
                    self.waiting = None;
                }
                Poll::Ready(Ok(count))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let error = ready!(self.poll_too_slow(context));
                Poll::Ready(Err(error))
            }
        }
    }

    /// Ready when too little has gone.
    fn poll_too_slow(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let span = self.span;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(span)));
        if self.waiting.is_none() {
            self.waiting = Some(self.written);
            timer.as_mut().reset(Instant::now() + span);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            let gone = self.written - self.waiting.unwrap_or(self.written);
            let least = (RATE.saturating_mul(span.as_millis().try_into().unwrap_or(u64::MAX)) / 1_000).max(1);
            if gone < least {
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the client reads too slowly"));
            }
            self.waiting = Some(self.written);
            timer.as_mut().reset(Instant::now() + span);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, bytes.len(), written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        let wanted = slices.iter().map(|slice| slice.len()).sum();
        self.judge(context, wanted, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    const SPAN: Duration = Duration::from_millis(200);

    /// Writes much to a client that reads `each` bytes, and again after so long; what comes of it.
    async fn written(each: usize, pause: Duration) -> io::Result<()> {
        let (server, mut client) = duplex(1_024);
        let mut server = Paced::new(server, SPAN);
        let reading = async move {
            let mut bytes = vec![0; each.max(1)];
            loop {
                sleep(pause).await;
                if each > 0 && client.read_exact(&mut bytes).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            written = async {
                for _ in 0..10 {
                    server.write_all(&[0; 16 * 1_024]).await?;
                }
                Ok(())
            } => written,
            () = reading => Ok(()),
        }
    }

    #[tokio::test]
    async fn who_reads_nothing_or_next_to_nothing_is_given_up() {
        for each in [0, 1, 10] {
            let error = written(each, SPAN / 4).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{each}");
        }
        written(1_024, Duration::from_millis(1)).await.unwrap();
    }

    #[tokio::test]
    async fn a_quiet_time_counts_for_nothing() {
        let (server, mut client) = duplex(1_024);
        let mut server = Paced::new(server, SPAN);
        for _ in 0..3 {
            sleep(SPAN * 3).await;
            let (wrote, read) =
                tokio::join!(server.write_all(&[0; 4_096]), async { client.read_exact(&mut [0; 4_096]).await });
            wrote.unwrap();
            read.unwrap();
        }
    }
}
