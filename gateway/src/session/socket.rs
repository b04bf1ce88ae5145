//! One socket, from its credentials to its close, whatever it speaks.

use super::{
    Auth, Close, CursorNow, Flood, Hello, Outbox, Pipeline, SignedOn, Sync, Told,
    door::{Answered, Door, Gone, Heard, Inbound, Turn, Want},
    ears::Ears,
};
use crate::{
    App, Problem,
    auth::{Claims, authenticate},
    hub::{Seat, Watcher},
    limits::{Kind, Strikes},
    operations::{self, Answer, Caller},
    request,
};
use axum::{extract::ws::Utf8Bytes, http::StatusCode};
use domain::UserId;
use futures_util::FutureExt as _;
use serde::Serialize;
use serde_json::{Value, json};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use uuid::Uuid;

/// Pings that a client may leave unanswered.
const UNANSWERED: u32 = 2;
/// Events of one `sync`, by default and at most.
const SYNC: (u64, u64) = (50, 200);

/// What the request that opened a socket brought.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    /// The access token; without one, the first frame must bring it.
    pub(crate) token: Option<String>,
    /// The cursor to resume from.
    pub(crate) since: Option<String>,
    /// Where it comes from.
    pub(crate) ip: Option<IpAddr>,
}

/// Who is on a socket, and where it resumes.
struct Login<A> {
    token: String,
    since: Option<String>,
    /// What the first frame asked, if that brought the token.
    ask: Option<A>,
}

/// Serves a socket until it closes.
pub(crate) async fn serve<D: Door>(app: App, mut door: D, offer: Offer) {
    let why = match session(&app, &mut door, offer).await {
        Ok(why) => why,
        Err(Gone) => return,
    };
    door.close(why).await;
}

async fn session<D: Door>(app: &App, door: &mut D, offer: Offer) -> Result<Close, Gone> {
    let Offer { token, since, ip } = offer;
    let login = match token {
        Some(token) => Login { token, since, ask: None },
        None => match timeout(app.hub.settings().credentials_within, first_frame(door, since)).await {
            Ok(Ok(login)) => login,
            Ok(Err(why)) => return why,
            Err(_) => return Ok(Close::NoCredentials),
        },
    };
    let outbox = Arc::new(Outbox::new(app.hub.settings().outbox_bytes, D::DIALECT));
    // Boxed, as catching up is: a socket spends its life after them, and should not keep room for them.
    let entered = Box::pin(enter(app, &login, &outbox)).await;
    let (claims, seat, hello) = match entered {
        Ok(entered) => entered,
        Err(problem) => {
            let (why, now) = (turned_away(&problem), (app.clock)());
            if let Some(ask) = login.ask {
                let answered = Answered { answer: Err(problem), request: None, user: UserId::default(), now };
                door.write(D::answer(ask, answered).into_iter().collect()).await?;
            }
            return Ok(why);
        }
    };
    let welcome = door.welcome(&hello, login.ask.as_ref());
    door.write(welcome).await?;
    if let Some(ask) = login.ask {
        let on = SignedOn { user_id: claims.user.0, session_id: claims.session.0 };
        let answered = Answered { answer: answer(&on), request: None, user: claims.user, now: (app.clock)() };
        door.write(D::answer(ask, answered).into_iter().collect()).await?;
    }
    Socket::new(app, door, claims, seat, outbox, ip).run().await
}

/// Why a client with these credentials is sent away.
const fn turned_away(problem: &Problem) -> Close {
    if problem.temporary { Close::Restarting } else { Close::Revoked }
}

/// The frame with the credentials; nothing else may come first.
async fn first_frame<D: Door>(door: &mut D, since: Option<String>) -> Result<Login<D::Ask>, Result<Close, Gone>> {
    loop {
        let text = match door.hear().await {
            Heard::Text(text) => text,
            Heard::Life => continue,
            Heard::Bad(why) => return Err(Ok(why)),
            Heard::Gone => return Err(Err(Gone)),
        };
        let (data, ask) = match D::read(&text) {
            Inbound::Asked(Want::Command { cmd, data, .. }, ask) if cmd == "auth" => (data, ask),
            Inbound::Elsewhere(frame) => {
                door.write(vec![frame]).await.map_err(Err)?;
                continue;
            }
            Inbound::Goodbye => return Err(Ok(Close::Normal)),
            Inbound::Bad(why) => return Err(Ok(why)),
            _ => return Err(Ok(Close::NoCredentials)),
        };
        return match request::parse::<Auth>(&data) {
            Ok(auth) => Ok(Login { token: auth.token, since: auth.since.or(since), ask: Some(ask) }),
            Err(_) => {
                door.write(D::no_credentials(&ask).into_iter().collect()).await.map_err(Err)?;
                Err(Ok(Close::NoCredentials))
            }
        };
    }
}

/// Asks whether the session lives, takes a seat, and asks once more: whatever ends it from here on closes the socket.
/// Whose session has ended takes no seat at all, for that would cost another socket its own.
async fn enter<A>(app: &App, login: &Login<A>, outbox: &Arc<Outbox>) -> Result<(Claims, Seat, Hello), Problem> {
    let claims = authenticate(app, &login.token).await?;
    let mut seat = app.hub.seat(claims.user, claims.session, Arc::clone(outbox));
    authenticate(app, &login.token).await?;
    let start = seat.start(login.since.as_deref()).await?;
    let hello = Hello::new(claims.user.0, claims.session.0, start, app.hub.settings());
    Ok((claims, seat, hello))
}

/// A socket whose client is known.
struct Socket<'a, D: Door> {
    app: &'a App,
    door: &'a mut D,
    claims: Claims,
    seat: Seat,
    outbox: Arc<Outbox>,
    ip: Option<IpAddr>,
    /// Frames; `None` when nothing is limited.
    flood: Option<Flood>,
    strikes: Arc<Strikes>,
    ears: Ears,
    pipeline: Pipeline<'static, Option<Utf8Bytes>>,
}

impl<'a, D: Door> Socket<'a, D> {
    fn new(app: &'a App, door: &'a mut D, claims: Claims, seat: Seat, outbox: Arc<Outbox>, ip: Option<IpAddr>) -> Self {
        let settings = app.hub.settings();
        let flood = || Flood::new(settings.frames_per_second, settings.frames_at_once, (app.clock)());
        let flood = app.limits.is_on().then(flood);
        let (ears, pipeline, strikes) = Default::default();
        Self { app, door, claims, seat, outbox, ip, flood, strikes, ears, pipeline }
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
                turn = self.door.turn(&self.outbox, has_room) => match turn {
                    Turn::Write(burst) => {
                        self.door.write(burst.frames).await?;
                        if let Some(why) = burst.close {
                            return Ok(why);
                        }
                    }
                    Turn::Heard(heard) => {
                        unanswered = 0;
                        if let Some(why) = self.heard(heard)? {
                            return Ok(why);
                        }
                    }
                },
                reply = self.pipeline.next(), if !self.pipeline.is_empty() => self.tell(reply.flatten()),
                _ = beat.tick() => {
                    if unanswered >= UNANSWERED {
                        return Ok(Close::GoingAway);
                    }
                    unanswered += 1;
                    self.door.ping().await?;
                }
                () = &mut expiry => return Ok(Close::Revoked),
            }
        }
    }

    /// Writes what the client missed. The client's pace is the pace of reading it.
    async fn catch_up(&mut self) -> Result<Option<Close>, Gone> {
        loop {
            match self.seat.missed().await {
                Ok(Some(frames)) => self.door.write(frames).await?,
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

    fn tell(&self, frame: Option<Utf8Bytes>) {
        if let Some(frame) = frame {
            self.outbox.push(frame);
        }
    }

    fn heard(&mut self, heard: Heard) -> Result<Option<Close>, Gone> {
        let text = match heard {
            Heard::Text(text) => Some(text),
            Heard::Life => None,
            Heard::Bad(why) => return Ok(Some(why)),
            Heard::Gone => return Err(Gone),
        };
        if self.flood.as_mut().is_some_and(|flood| !flood.admits((self.app.clock)())) {
            return Ok(Some(Close::Flooding));
        }
        match text.as_deref().map(D::read) {
            Some(Inbound::Asked(want, ask)) => self.asked(want, ask),
            Some(Inbound::Beat(cursor, ask)) => return Ok(self.beat(cursor.as_deref(), ask)),
            Some(Inbound::Malformed(frame) | Inbound::Elsewhere(frame)) => self.tell(Some(frame)),
            Some(Inbound::Goodbye) => return Ok(Some(Close::Normal)),
            Some(Inbound::Bad(why)) => return Ok(Some(why)),
            Some(Inbound::Nothing) | None => (),
        }
        Ok(None)
    }

    /// Whoever says that less has come than was written is connected but deaf, and must resume.
    fn beat(&mut self, cursor: Option<&str>, ask: Option<D::Ask>) -> Option<Close> {
        let written = self.outbox.written().map(|told| Told::marks(told, self.seat.told()));
        if self.ears.exchange(cursor, written) {
            return Some(Close::SlowConsumer);
        }
        if let Some(ask) = ask {
            let here = self.answered(answer(&CursorNow { cursor: self.seat.cursor() }), None);
            self.tell(D::answer(ask, here));
        }
        None
    }

    fn answered(&self, answer: Result<Answer, Problem>, request: Option<Uuid>) -> Answered {
        Answered { answer, request, user: self.claims.user, now: (self.app.clock)() }
    }

    fn asked(&mut self, want: Want, ask: D::Ask) {
        let app = self.app.clone();
        let correlation_id = (app.ids)();
        let caller = Caller { user: self.claims.user, session: self.claims.session, correlation_id, ip: self.ip };
        let here = match &want {
            Want::Command { cmd, .. } if cmd == "ping" => Some(answer(&CursorNow { cursor: self.seat.cursor() })),
            Want::Command { cmd, .. } if cmd == "auth" => Some(Err(already_authenticated())),
            _ => None,
        };
        if let Some(answer) = here {
            let answered = self.answered(answer, Some(correlation_id));
            self.tell(D::answer(ask, answered));
            return;
        }
        if matches!(&want, Want::Command { cmd, .. } if cmd.starts_with("call.")) {
            self.outbox.act(correlation_id);
        }
        let about = subject(&want).unwrap_or_else(|| correlation_id.to_string());
        let watcher = self.seat.watcher();
        let (outbox, strikes) = (Arc::clone(&self.outbox), Arc::clone(&self.strikes));
        let run = async move {
            let answer = match app.limits.admit(kind_of(&want), caller.ip, Some(caller.user)).await {
                Ok(()) => run(&app, &caller, &watcher, want).await,
                Err(refused) => {
                    if strikes.strike((app.clock)().millis()) {
                        outbox.close(Close::Flooding);
                    }
                    Err(refused)
                }
            };
            let (request, user, now) = (Some(correlation_id), caller.user, (app.clock)());
            D::answer(ask, Answered { answer, request, user, now })
        };
        self.pipeline.push(about, run.boxed());
    }
}

/// What a command is about: those about the same thing keep their order. `None` for a marker: it only rises, and of
/// many that come at once one is moved for all.
fn subject(want: &Want) -> Option<String> {
    let Want::Command { cmd, data, .. } = want else { return Some(String::new()) };
    if matches!(cmd.as_str(), "message.read" | "message.delivered") {
        return None;
    }
    let names = ["conversationId", "callId", "messageId", "userId"];
    let named = names.into_iter().find_map(|name| data.get(name)?.as_str());
    Some(named.unwrap_or_default().to_owned())
}

/// What a client's wish counts as.
fn kind_of(want: &Want) -> Kind {
    match want {
        Want::Command { cmd, .. } => Kind::of_command(cmd),
        Want::Online => Kind::Read,
    }
}

async fn run(app: &App, caller: &Caller, watcher: &Watcher, want: Want) -> Result<Answer, Problem> {
    match want {
        Want::Command { cmd, data, .. } if cmd == "presence.subscribe" => {
            operations::watch(app, caller, watcher, &data).await
        }
        Want::Command { cmd, data, .. } if cmd == "sync" => sync(app, caller, &data).await,
        Want::Command { cmd, key, data } => operations::run(app, caller, &cmd, key, data).await,
        Want::Online => {
            let online = app.presences.online(caller.user).await?;
            answer(&json!({"users": online}))
        }
    }
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
