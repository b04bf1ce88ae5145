//! A server that sends back what it receives: messages of Engine.IO at `/engine.io/`, events of Socket.IO at `/socket.io/`.

use axum::{
    Router,
    body::Body,
    extract::{Request, State, ws::Utf8Bytes},
    http::Uri,
    response::Response,
    routing::get,
};
use engine_io::{
    Application, Closing, EngineError, Fault, Found, Outlet, Query, Received, Session, Sessions, Settings, Turn,
    binary,
    socket_io::{Attachments, Event, Packet, connect_error, connected, prefix},
};
use serde_json::{json, value::RawValue};
use std::{
    collections::{BTreeSet, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::Notify};

/// The namespaces of its Socket.IO.
const NAMESPACES: [&str; 2] = ["/", "/custom"];

/// As the official suites have it.
pub(crate) const SETTINGS: Settings = Settings {
    ping_interval: Duration::from_millis(300),
    ping_timeout: Duration::from_millis(200),
    max_payload: 1_000_000,
    max_outbox: 1_000_000,
    read_within: Duration::from_secs(10),
    write_within: Duration::from_secs(60),
    polled: 1_000,
    strangers_per_address: 1_000,
};

#[derive(Clone)]
struct Echo {
    sessions: Sessions,
    opened: Arc<AtomicUsize>,
}

/// Listens at an address; answers it, and what serves there.
pub(crate) async fn listen(at: &str, settings: Settings) -> (SocketAddr, impl Future<Output = ()> + Send) {
    let echo = Echo { sessions: Sessions::new(settings), opened: Arc::default() };
    let other = || get(open_or_poll).post(bring).put(no_method).delete(no_method);
    let routes = Router::new().route("/engine.io/", other()).route("/socket.io/", other()).with_state(echo);
    let listener = TcpListener::bind(at).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (address, async move { axum::serve(listener, routes).await.expect("a server") })
}

async fn no_method() -> EngineError {
    EngineError::METHOD
}

async fn open_or_poll(State(echo): State<Echo>, request: Request) -> Result<Response, EngineError> {
    let (mut parts, _) = request.into_parts();
    let uri = parts.uri.clone();
    let Query { transport, sid } = Query::of(&uri)?;
    let found = sid.map(|sid| echo.find(sid)).transpose()?;
    let opening = || {
        let sid = echo.opened.fetch_add(1, Relaxed).to_string();
        Ok::<_, EngineError>((sid, Serving::at(&uri)))
    };
    echo.sessions.get(transport, found, &mut parts, None, opening).await
}

async fn bring(State(echo): State<Echo>, uri: Uri, body: Body) -> Result<Response, EngineError> {
    let Query { transport, sid } = Query::of(&uri)?;
    let found = sid.map(|sid| echo.find(sid)).transpose()?;
    echo.sessions.post(transport, found, body).await
}

impl Echo {
    fn find(&self, sid: &str) -> Result<Found, EngineError> {
        match self.sessions.find(sid) {
            Some(session) => Ok(Found::Here(session)),
            None if sid.parse().is_ok_and(|opened: usize| opened < self.opened.load(Relaxed)) => Ok(Found::Over),
            None => Err(EngineError::SESSION),
        }
    }
}

enum Serving {
    Engine,
    Socket(Namespaces),
}

impl Serving {
    fn at(uri: &Uri) -> Self {
        if uri.path().starts_with("/socket.io") { Self::Socket(Namespaces::default()) } else { Self::Engine }
    }

    /// The answer to what was received.
    fn answer(&mut self, received: Received, sid: &str) -> Result<Vec<String>, Fault> {
        match self {
            Self::Engine => match received {
                Received::Text(text) => Ok(vec![format!("4{text}")]),
                Received::Binary(content) => Ok(vec![binary(&content)]),
                Received::Bad(fault) => Err(fault),
                Received::Life | Received::Gone => Ok(vec![]),
            },
            Self::Socket(namespaces) => namespaces.answer(received, sid),
        }
    }
}

impl Application for Serving {
    async fn serve(mut self, mut session: Session) {
        let (outbox, sid) = (Outbox::default(), session.sid().to_owned());
        let fault = loop {
            match session.turn(&outbox, true).await {
                Turn::Send(frames) | Turn::Write(frames) => {
                    if session.write(frames).await.is_err() {
                        return;
                    }
                }
                Turn::Received(Received::Gone) => return,
                Turn::Received(received) => match self.answer(received, &sid) {
                    Ok(frames) => outbox.push(frames),
                    Err(fault) => break fault,
                },
            }
        };
        let code = if fault == Fault::TooBig { 1009 } else { 1002 };
        session.close(Closing { code, ..Closing::default() }).await;
    }
}

/// The namespaces that a client is in.
#[derive(Default)]
struct Namespaces {
    open: BTreeSet<&'static str>,
    attachments: Attachments,
}

impl Namespaces {
    fn answer(&mut self, received: Received, sid: &str) -> Result<Vec<String>, Fault> {
        let text = match self.attachments.follow(received) {
            Received::Text(text) => text,
            // Of the event before, which was said back already.
            Received::Binary(content) => return Ok(vec![binary(&content)]),
            Received::Bad(fault) => return Err(fault),
            Received::Life | Received::Gone => return Ok(vec![]),
        };
        let named = |wanted: &str| NAMESPACES.into_iter().find(|namespace| *namespace == wanted);
        match Packet::parse(&text).ok_or(Fault::NotOurs)? {
            Packet::Connect { namespace, auth } => Ok(match named(namespace) {
                Some(known) => {
                    self.open.insert(known);
                    let auth = if auth.is_empty() { "{}" } else { auth };
                    let auth = format!(r#"42{}["auth",{auth}]"#, prefix(namespace));
                    vec![connected(namespace, &format!("{sid}{namespace}")), auth]
                }
                None => vec![connect_error(namespace, &json!({"message": "Invalid namespace"}))],
            }),
            Packet::Disconnect { namespace } => {
                self.open.remove(namespace);
                Ok(vec![])
            }
            Packet::Event(event) if self.open.contains(event.namespace) => said_back(event).ok_or(Fault::NotOurs),
            Packet::Event(_) => Err(Fault::NotOurs),
            Packet::Ack => Ok(vec![]),
        }
    }
}

/// `message` comes back as `message-back`, `message-with-ack` as its acknowledgement.
fn said_back(event: Event<'_>) -> Option<Vec<String>> {
    let Event { namespace, id, attachments, payload } = event;
    let arguments: Vec<&RawValue> = serde_json::from_str(payload).ok()?;
    let (name, arguments) = arguments.split_first()?;
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.get()).collect();
    let (kinds, id, arguments) = match (name.get(), id) {
        (r#""message""#, None) => (["2", "5"], String::new(), [&[r#""message-back""#], &*arguments].concat()),
        (r#""message-with-ack""#, Some(id)) => (["3", "6"], id.to_string(), arguments),
        _ => return Some(vec![]),
    };
    let kind = attachments.map_or(kinds[0].to_owned(), |count| format!("{}{count}-", kinds[1]));
    Some(vec![format!("4{kind}{}{id}[{}]", prefix(namespace), arguments.join(","))])
}

/// What waits to be said.
#[derive(Default)]
struct Outbox {
    frames: Mutex<VecDeque<Utf8Bytes>>,
    ready: Notify,
}

impl Outbox {
    fn push(&self, frames: Vec<String>) {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).extend(frames.into_iter().map(Utf8Bytes::from));
        self.ready.notify_one();
    }
}

impl Outlet for Outbox {
    type Burst = Vec<Utf8Bytes>;

    async fn next(&self, _: usize) -> Vec<Utf8Bytes> {
        loop {
            let frames: Vec<_> = self.frames.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
            if !frames.is_empty() {
                return frames;
            }
            self.ready.notified().await;
        }
    }

    async fn last(&self) -> Vec<Utf8Bytes> {
        std::future::pending().await
    }
}
