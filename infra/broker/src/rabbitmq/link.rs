//! A connection to RabbitMQ, and the pauses before the next one.

use crate::random;
use futures_util::Stream;
use lapin::{
    AsyncTcpStream, Channel, Connection, ConnectionProperties, Event,
    tcp::{AMQPUriTcpExt, TLSConfig},
    uri::{AMQPScheme, AMQPUri},
};
use std::{
    io,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// How long RabbitMQ may take to answer any request.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// How long an orderly close may take.
const CLOSING: Duration = Duration::from_secs(2);
/// The first pause after a failure; each further one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The failure of a connection, or of a request on it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("{0}")]
    Lapin(#[from] lapin::Error),
    #[error("no answer in time to {0}")]
    TimedOut(&'static str),
    #[error("{0}")]
    Ended(&'static str),
}

/// A connection. Its socket is shut down with it, even when the peer is silent: lapin by itself would keep a thread for each
/// connection that hangs.
#[derive(Debug)]
pub(crate) struct Link {
    connection: Connection,
    ending: Ending,
}

/// The socket, once connected.
#[derive(Clone, Debug, Default)]
struct Socket(Arc<OnceLock<TcpStream>>);

/// Shuts down the socket when dropped, after time for an orderly close.
#[derive(Debug)]
struct Ending(Socket);

/// The current connection for consuming, if there is one.
pub(crate) type Links = watch::Sender<Option<Arc<Link>>>;

impl Link {
    /// Connects, with a name for RabbitMQ's lists.
    pub(crate) async fn connect(address: &AMQPUri, name: &str) -> Result<Self, LinkError> {
        let ending = Ending(Socket::default());
        let socket = ending.0.clone();
        let runtime = lapin::runtime::default_runtime()?;
        let tokio = runtime.clone();
        let connect = async move |address: AMQPUri, _| {
            let plain = AMQPUri { scheme: AMQPScheme::AMQP, ..address.clone() };
            let stream = timeout(PATIENCE, plain.connect_async(&tokio)).await.map_err(io::Error::from)??;
            if let AsyncTcpStream::Plain(stream) = &stream {
                // Set once: lapin's own recovery is off.
                let _ = socket.0.set(stream.get_ref().as_fd().try_clone_to_owned()?.into());
            }
            Ok(match address.scheme {
                AMQPScheme::AMQP => stream,
                AMQPScheme::AMQPS => stream.into_tls(&address.authority.host, TLSConfig::default()).await?,
            })
        };
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connected = within("connect", Connection::connector(address.clone(), runtime, connect, properties)).await;
        let connection = connected.inspect_err(|_| ending.0.end())?;
        Ok(Self { connection, ending })
    }

    /// The events of the connection from now on. Errors of channels are among them; after an error of the connection itself
    /// it is not up.
    pub(crate) fn events(&self) -> Result<impl Stream<Item = Event> + Send + Unpin, LinkError> {
        let events = Box::pin(self.connection.events_listener());
        // Earlier events are lost, so the state is checked.
        self.is_up().then_some(events).ok_or(LinkError::Ended("the connection ended"))
    }

    pub(crate) async fn channel(&self) -> Result<Channel, LinkError> {
        within("open a channel", self.connection.create_channel()).await
    }

    pub(crate) fn is_up(&self) -> bool {
        self.connection.status().connected()
    }

    /// Shuts down the socket without an orderly close.
    pub(crate) fn cut(&self) {
        self.ending.0.end();
    }
}

impl Socket {
    fn end(&self) {
        if let Some(socket) = self.0.get() {
            // An error means that it is closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// lapin closes a connection in order when it is dropped.
impl Drop for Ending {
    fn drop(&mut self) {
        let socket = self.0.clone();
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                sleep(CLOSING).await;
                socket.end();
            })),
            Err(_) => socket.end(),
        }
    }
}

/// The answer to the request `what`, if it arrives in time.
pub(crate) async fn within<T, E: Into<LinkError>>(
    what: &'static str,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, LinkError> {
    timeout(PATIENCE, answer).await.map_err(|_| LinkError::TimedOut(what))?.map_err(Into::into)
}

/// Pauses that grow with each failure, and differ between processes.
#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    since: Instant,
}

impl Pauses {
    pub(crate) fn new() -> Self {
        Self { next: FIRST_PAUSE, since: Instant::now() }
    }

    /// Waits before the next attempt. After a long success the pauses are short again.
    pub(crate) async fn pause(&mut self) {
        if self.since.elapsed() > 2 * LONGEST_PAUSE + PATIENCE {
            self.next = FIRST_PAUSE;
        }
        let percent = 50 + random::bits() % 51;
        sleep(self.next * u32::try_from(percent).unwrap_or(100) / 100).await;
        self.next = (2 * self.next).min(LONGEST_PAUSE);
        self.since = Instant::now();
    }
}
