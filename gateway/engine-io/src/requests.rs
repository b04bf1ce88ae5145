//! The requests of Engine.IO.

use crate::{
    Application, Asked, EngineError, Fault, Session, Sessions, Wire,
    handshake::Open,
    limited,
    packet::packets,
    polling::{Polled, Request},
    upgrade::{move_over, turn_away},
};
use axum::{
    body::Body,
    extract::{FromRequestParts as _, ws::WebSocketUpgrade},
    http::{Uri, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use std::net::IpAddr;
use tokio::{sync::oneshot, time::timeout};

/// The version of Engine.IO that is spoken.
const VERSION: &str = "4";

/// What the query of a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// How it comes.
    pub transport: Transport,
    /// The session; `None` for a new one.
    pub sid: Option<&'a str>,
}

/// How a client is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By GETs that wait, and POSTs.
    Polling,
    /// By a WebSocket.
    WebSocket,
}

/// What a sid names.
#[derive(Clone)]
pub enum Found {
    /// A session that is polled.
    Here(Asked),
    /// A session that is over, or has moved to a WebSocket.
    Over,
}

impl<'a> Query<'a> {
    /// Reads the query of a request.
    ///
    /// # Errors
    /// [`EngineError::TRANSPORT`], [`EngineError::VERSION`].
    pub fn of(uri: &'a Uri) -> Result<Self, EngineError> {
        let pairs =
            || uri.query().unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let named = |name: &str| pairs().find(|(other, _)| *other == name).map(|(_, value)| value);
        let transport = match named("transport") {
            Some("polling") => Transport::Polling,
            Some("websocket") => Transport::WebSocket,
            _ => return Err(EngineError::TRANSPORT),
        };
        if named("EIO") != Some(VERSION) {
            return Err(EngineError::VERSION);
        }
        Ok(Self { transport, sid: named("sid") })
    }
}

impl Sessions {
    /// Answers a GET: polls a session, opens a WebSocket for it, or opens a new one, which `opening` names and serves. Nobody
    /// guesses its name.
    ///
    /// # Errors
    /// [`EngineError`], and what `opening` fails with.
    pub async fn get<A: Application, E: From<EngineError>>(
        &self,
        transport: Transport,
        found: Option<Found>,
        parts: &mut Parts,
        ip: Option<IpAddr>,
        opening: impl FnOnce() -> Result<(String, A), E>,
    ) -> Result<Response, E> {
        if transport == Transport::Polling {
            return match found {
                Some(Found::Here(session)) => Ok(poll(&session).await?),
                Some(Found::Over) => Err(EngineError::SESSION.into()),
                None => {
                    let (sid, application) = opening()?;
                    Ok(self.open(sid, ip, application)?)
                }
            };
        }
        let upgrade = WebSocketUpgrade::from_request_parts(parts, &()).await.map_err(|_| EngineError::BAD_REQUEST)?;
        let settings = *self.settings();
        let upgrade = limited(upgrade, settings.max_payload, settings.max_outbox);
        let wire = move |socket| Wire::new(socket, settings.write_within);
        match found {
            Some(Found::Here(session)) => {
                return Ok(upgrade.on_upgrade(move |socket| move_over(wire(socket), session.requests)));
            }
            // Browsers tell a page no more of a refused upgrade than that it failed.
            Some(Found::Over) => return Ok(upgrade.on_upgrade(move |socket| turn_away(wire(socket)))),
            None => (),
        }
        let (sid, application) = opening()?;
        let opening = Open::new(&sid, &[], &settings).packet();
        Ok(upgrade.on_upgrade(move |socket| async move {
            let mut wire = wire(socket);
            if wire.write([opening.into()]).await.is_ok() {
                application.serve(Session::over_socket(sid, wire, &settings)).await;
            }
        }))
    }

    /// Opens a session that is polled: it has a task of its own, for no connection is its own.
    fn open<A: Application>(&self, sid: String, ip: Option<IpAddr>, application: A) -> Result<Response, EngineError> {
        let settings = self.settings();
        let opening = Open::new(&sid, &["websocket"], settings).packet();
        let (place, requests) = self.place(sid.clone(), ip).ok_or(EngineError::TOO_MANY)?;
        let session = Session::polled(sid, Polled::new(requests, settings.write_within), place, settings);
        tokio::spawn(application.serve(session));
        Ok(payload(opening))
    }

    /// Answers a POST, which brings packets to a session that is polled.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn post(&self, transport: Transport, found: Option<Found>, body: Body) -> Result<Response, EngineError> {
        let session = match found.ok_or(EngineError::METHOD)? {
            Found::Here(session) => session,
            Found::Over => return Err(EngineError::SESSION),
        };
        if transport != Transport::Polling {
            return Err(EngineError::BAD_REQUEST);
        }
        let Some(_underway) = session.post() else {
            end(&session, Fault::NotOurs).await;
            return Err(EngineError::BAD_REQUEST);
        };
        let settings = self.settings();
        let received = match timeout(settings.read_within, read(body, settings.max_payload)).await {
            Ok(Ok(text)) => packets(text.into()),
            Ok(Err((why, error))) => {
                if let Some(why) = why {
                    end(&session, why).await;
                }
                return Err(error);
            }
            Err(_) => return Err(EngineError::TOO_SLOW),
        };
        let (taken, answer) = oneshot::channel();
        session.requests.send(Request::Packets(received, taken)).await.map_err(|_| EngineError::SESSION)?;
        answer.await.map_err(|_| EngineError::BAD_REQUEST)?;
        Ok(payload("ok".to_owned()))
    }
}

/// The answer to a poll or post.
fn payload(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8"), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

async fn poll(session: &Asked) -> Result<Response, EngineError> {
    let (poll, answer) = oneshot::channel();
    session.requests.send(Request::Poll(poll)).await.map_err(|_| EngineError::SESSION)?;
    Ok(payload(answer.await.map_err(|_| EngineError::BAD_REQUEST)?))
}

/// Has a session closed.
async fn end(session: &Asked, why: Fault) {
    // It is over already if nobody takes it.
    let _ = session.requests.send(Request::Bad(why)).await;
}

/// A payload of at most `limit` bytes; more is not read. Else also why the session must be closed, if it must.
async fn read(body: Body, limit: usize) -> Result<String, (Option<Fault>, EngineError)> {
    let mut chunks = body.into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| (None, EngineError::BAD_REQUEST))?;
        if bytes.len() + chunk.len() > limit {
            return Err((Some(Fault::TooBig), EngineError::TOO_BIG));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| (Some(Fault::NotUtf8), EngineError::BAD_REQUEST))
}
