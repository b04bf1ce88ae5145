//! One socket, from its credentials to its close.

use super::{
    credentials::Offer,
    frame::{self, Auth, Command, CursorNow, Hello, Inbound, Pong, SignedOn, Sync},
    wire::{Gone, Heard, Wire},
};
use crate::{
    App, Problem,
    auth::{Claims, authenticate},
    hub::Seat,
    operations::{self, Answer, Caller},
    request,
    session::{Close, Flood, Outbox, Pipeline},
};
use axum::{
    extract::ws::{Utf8Bytes, WebSocket},
    http::StatusCode,
};
use futures_util::FutureExt as _;
use serde::Serialize;
use serde_json::Value;
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

/// What is written at once.
const BURST: usize = 64 * 1024;
/// Pings that a client may leave unanswered.
const UNANSWERED: u32 = 2;
/// Events of one `sync`, by default and at most.
const SYNC: (u64, u64) = (50, 200);

/// Who is on a socket, and where it resumes.
struct Login {
    token: String,
    since: Option<String>,
    /// The id of the `auth` frame, if that brought the token.
    reply_to: Option<Value>,
}

/// Serves a socket until it closes.
pub(super) async fn serve(app: App, socket: WebSocket, offer: Offer, ip: Option<IpAddr>) {
    let mut wire = Wire::new(socket, app.hub.settings().write_within);
    let why = match session(&app, &mut wire, offer, ip).await {
        Ok(why) => why,
        Err(Gone) => return,
    };
    wire.close(why).await;
}

async fn session(app: &App, wire: &mut Wire, offer: Offer, ip: Option<IpAddr>) -> Result<Close, Gone> {
    let login = match offer.token {
        Some(token) => Login { token, since: offer.since, reply_to: None },
        None => match timeout(app.hub.settings().credentials_within, first_frame(wire, offer.since)).await {
            Ok(Ok(login)) => login,
            Ok(Err(why)) => return why,
            Err(_) => return Ok(Close::NoCredentials),
        },
    };
    let outbox = Arc::new(Outbox::new(app.hub.settings().outbox_bytes));
    // Boxed, as catching up is: a socket spends its life after them, and should not keep room for them.
    let entered = Box::pin(enter(app, &login, &outbox)).await;
    let (claims, seat, hello) = match entered {
        Ok(entered) => entered,
        Err(problem) => {
            let why = if problem.temporary { Close::Restarting } else { Close::Revoked };
            if let Some(id) = &login.reply_to {
                wire.write([frame::reply(id, Err(problem), None)]).await?;
            }
            return Ok(why);
        }
    };
    wire.write([frame::write(&hello)]).await?;
    if let Some(id) = &login.reply_to {
        let on = SignedOn { user_id: claims.user.0, session_id: claims.session.0 };
        wire.write([frame::reply(id, answer(&on), None)]).await?;
    }
    Socket::new(app, wire, claims, seat, outbox, ip).run().await
}

/// The `auth` frame; nothing else may come first.
async fn first_frame(wire: &mut Wire, since: Option<String>) -> Result<Login, Result<Close, Gone>> {
    loop {
        let text = match wire.hear().await {
            Heard::Text(text) => text,
            Heard::Life => continue,
            Heard::Bad(why) => return Err(Ok(why)),
            Heard::Gone => return Err(Err(Gone)),
        };
        let Ok(Inbound::Command(Command { id, cmd, data, .. })) = frame::read(&text) else {
            return Err(Ok(Close::NoCredentials));
        };
        return match request::parse::<Auth>(&data) {
            Ok(auth) if cmd == "auth" => {
                Ok(Login { token: auth.token, since: auth.since.or(since), reply_to: Some(id) })
            }
            _ => Err(Ok(Close::NoCredentials)),
        };
    }
}

/// Takes a seat, and only then asks whether the session still lives: whatever ends it from here on closes the
/// socket.
async fn enter(app: &App, login: &Login, outbox: &Arc<Outbox>) -> Result<(Claims, Seat, Hello), Problem> {
    let claims = app.tokens.verify(&login.token, (app.clock)())?;
    let mut seat = app.hub.seat(claims.user, claims.session, Arc::clone(outbox));
    authenticate(app, &login.token).await?;
    let start = seat.start(login.since.as_deref()).await?;
    let hello = Hello::new(claims.user.0, claims.session.0, start, app.hub.settings());
    Ok((claims, seat, hello))
}

/// A socket whose client is known.
struct Socket<'a> {
    app: &'a App,
    wire: &'a mut Wire,
    claims: Claims,
    seat: Seat,
    outbox: Arc<Outbox>,
    ip: Option<IpAddr>,
    flood: Flood,
    pipeline: Pipeline<'static, Utf8Bytes>,
}

impl<'a> Socket<'a> {
    fn new(
        app: &'a App,
        wire: &'a mut Wire,
        claims: Claims,
        seat: Seat,
        outbox: Arc<Outbox>,
        ip: Option<IpAddr>,
    ) -> Self {
        let settings = app.hub.settings();
        let flood = Flood::new(settings.frames_per_second, settings.frames_at_once, (app.clock)());
        Self { app, wire, claims, seat, outbox, ip, flood, pipeline: Pipeline::default() }
    }

    async fn run(mut self) -> Result<Close, Gone> {
        if let Some(why) = Box::pin(self.catch_up()).await? {
            return Ok(why);
        }
        let heartbeat = self.app.hub.settings().heartbeat;
        let mut beat = interval_at(Instant::now() + heartbeat, heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let expiry = sleep(self.lifetime());
        tokio::pin!(expiry);
        let mut unanswered = 0;
        loop {
            let has_room = self.pipeline.len() < self.app.hub.settings().commands_in_flight;
            tokio::select! {
                burst = self.outbox.next(BURST) => {
                    self.wire.write(burst.frames).await?;
                    if let Some(why) = burst.close {
                        return Ok(why);
                    }
                }
                reply = self.pipeline.next(), if !self.pipeline.is_empty() => {
                    self.outbox.push(reply.unwrap_or_default());
                }
                heard = self.wire.hear(), if has_room => {
                    unanswered = 0;
                    if let Some(why) = self.heard(heard)? {
                        return Ok(why);
                    }
                }
                _ = beat.tick() => {
                    if unanswered >= UNANSWERED {
                        return Ok(Close::GoingAway);
                    }
                    unanswered += 1;
                    self.wire.ping().await?;
                }
                () = &mut expiry => return Ok(Close::Revoked),
            }
        }
    }

    /// Writes what the client missed. The client's pace is the pace of reading it.
    async fn catch_up(&mut self) -> Result<Option<Close>, Gone> {
        loop {
            match self.seat.missed().await {
                Ok(Some(frames)) => self.wire.write(frames).await?,
                Ok(None) => return Ok(None),
                Err(error) => {
                    tracing::warn!(error.cause = %error, "a socket could not catch up and is sent back");
                    return Ok(Some(Close::Restarting));
                }
            }
            if let Some(why) = self.outbox.closing() {
                return Ok(Some(why));
            }
        }
    }

    fn lifetime(&self) -> Duration {
        let left = self.claims.expires_at.millis() - (self.app.clock)().millis();
        Duration::from_millis(left.try_into().unwrap_or(0))
    }

    fn heard(&mut self, heard: Heard) -> Result<Option<Close>, Gone> {
        let text = match heard {
            Heard::Text(text) => Some(text),
            Heard::Life => None,
            Heard::Bad(why) => return Ok(Some(why)),
            Heard::Gone => return Err(Gone),
        };
        if !self.flood.admits((self.app.clock)()) {
            return Ok(Some(Close::Flooding));
        }
        match text.as_deref().map(frame::read) {
            Some(Ok(Inbound::Command(command))) => self.command(command),
            Some(Ok(Inbound::Ping(pong))) => {
                let pong = Pong { pong, cursor: self.seat.cursor() };
                self.outbox.push(frame::write(&pong));
            }
            Some(Err(malformed)) => drop(self.outbox.push(malformed)),
            Some(Ok(Inbound::Pong)) | None => (),
        }
        Ok(None)
    }

    fn command(&mut self, Command { id, key, cmd, data }: Command) {
        let app = self.app.clone();
        let correlation_id = (app.ids)();
        let caller = Caller { user: self.claims.user, session: self.claims.session, correlation_id, ip: self.ip };
        let here = match cmd.as_str() {
            "ping" => Some(answer(&CursorNow { cursor: self.seat.cursor() })),
            "auth" => Some(Err(already_authenticated())),
            _ => None,
        };
        if let Some(answer) = here {
            self.outbox.push(frame::reply(&id, answer, Some(correlation_id)));
            return;
        }
        let about = subject(&data);
        let watcher = self.seat.watcher();
        let run = async move {
            let answer = match cmd.as_str() {
                "presence.subscribe" => operations::watch(&app, &caller, &watcher, &data).await,
                "sync" => sync(&app, &caller, &data).await,
                cmd => operations::run(&app, &caller, cmd, key, data).await,
            };
            frame::reply(&id, answer, Some(correlation_id))
        };
        self.pipeline.push(about, run.boxed());
    }
}

/// What a command is about: those about the same thing keep their order.
fn subject(data: &Value) -> String {
    let named =
        ["conversationId", "messageId", "callId", "userId"].into_iter().find_map(|name| data.get(name)?.as_str());
    named.unwrap_or_default().to_owned()
}

async fn sync(app: &App, caller: &Caller, data: &Value) -> Result<Answer, Problem> {
    let Sync { since, limit } = request::parse(data)?;
    let limit = limit.unwrap_or(SYNC.0).clamp(1, SYNC.1);
    let limit = u32::try_from(limit).map_err(Problem::internal)?;
    answer(&app.hub.sync(caller.user, since.as_deref(), limit).await?)
}

/// An answer that changed nothing.
fn answer(body: &impl Serialize) -> Result<Answer, Problem> {
    let body = serde_json::to_value(body).map_err(Problem::internal)?;
    Ok(Answer { status: StatusCode::OK.as_u16(), body, position: None })
}

fn already_authenticated() -> Problem {
    Problem::new(StatusCode::CONFLICT, "already_authenticated", "this socket has its credentials already")
}
