//! One socket, from its credentials to its close, whatever it speaks.

use super::{
    Auth, BURST, Close, CursorNow, Delivered, Gone, Hello, Outbox, Pipeline, SignedOn,
    commands::Authenticate,
    delivery_probe::DeliveryProbe,
    door::{Answered, Door, Inbound, Incoming, Turn, Want},
    registry::{Commands, Parsed, Ready, Registration},
};
use crate::SocketApp;
use axum::extract::ws::Utf8Bytes;
use domain::{Timestamp, UserId};
use futures_util::{FutureExt as _, future::BoxFuture};
use limits::{Kind, Strikes};
use metrics::{Gauge, counter, gauge};
use operations::{Answer, App, DONE, Operation as _, Order, Request, SocketContext, auth::authenticate, count_command};
use protocol::{Problem, request::parse_with};
use realtime::{Caller, Flood, hub::Seat, presence::ONLINE};
use serde_json::json;
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokens::Claims;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tracing::Instrument as _;
use uuid::Uuid;

/// The parameters of the request that opened a socket.
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
    /// The request of the first frame, if that had the token.
    ask: Option<A>,
}

/// The close code of a client that left without one.
const VANISHED: u16 = 1006;

/// Serves a socket until it closes.
pub(crate) async fn serve<D: Door>(app: SocketApp, mut door: D, offer: Offer) {
    let why = session(&app, &mut door, offer).await;
    let code = why.as_ref().map_or(VANISHED, |why| why.code());
    counter!("chatchit_socket_closes_total", "door" => D::DIALECT.door(), "code" => code.to_string()).increment(1);
    if let Ok(why) = why {
        door.close(why).await;
    }
}

async fn session<D: Door>(app: &SocketApp, door: &mut D, offer: Offer) -> Result<Close, Gone> {
    let Offer { token, since, ip } = offer;
    let login = match token {
        Some(token) => Login { token, since, ask: None },
        None => match timeout(app.hub.settings().credentials_within, first_frame(app, door, since)).await {
            Ok(Ok(login)) => login,
            Ok(Err(why)) => return why,
            Err(_) => return Ok(Close::NoCredentials),
        },
    };
    let outbox = Arc::new(app.hub.outbox(D::DIALECT, (app.ids)()));
    // Boxed, as catching up is: a socket spends its life after them, and should not keep room for them.
    let entered = Box::pin(enter(app, &login, &outbox)).await;
    let outcome = entered.as_ref().map_or_else(|problem| problem.code, |_| DONE);
    counter!("chatchit_sign_ins_total", "method" => "socket", "outcome" => outcome).increment(1);
    let (claims, seat, hello) = match entered {
        Ok(entered) => entered,
        Err(problem) => {
            let why = turned_away(&problem);
            if let Some(ask) = login.ask {
                let refused = refused::<D>(app, problem);
                door.write(D::answer(ask, refused).into_iter().collect()).await?;
            }
            return Ok(why);
        }
    };
    let welcome = door.welcome(&hello, login.ask.as_ref());
    door.write(welcome).await?;
    if let Some(ask) = login.ask {
        let on = SignedOn { user_id: claims.user.0, session_id: claims.session.0 };
        let answered = Answered { answer: Answer::read(&on), request: None, user: claims.user, now: (app.clock)() };
        door.write(D::answer(ask, answered).into_iter().collect()).await?;
    }
    Socket::new(app, door, claims, seat, outbox, ip).run().await
}

/// What somebody is answered who is not signed in.
fn refused<D: Door>(app: &App, problem: Problem) -> Answered {
    let request = (app.ids)();
    log::<D>(request, None, Authenticate::NAME, Err(&problem), Duration::ZERO);
    Answered { answer: Err(problem), request: Some(request), user: UserId::default(), now: (app.clock)() }
}

/// A line for each command: at the default level those that were refused, so that the id in the answer is found.
fn log<D: Door>(
    request: Uuid,
    user: Option<UserId>,
    cmd: &'static str,
    outcome: Result<&Answer, &Problem>,
    took: Duration,
) {
    let code = outcome.map_or_else(|problem| problem.code, |_| DONE);
    count_command(D::DIALECT.door(), cmd, code, took);
    let (user, took) = (user.map(tracing::field::display), took.as_secs_f64() * 1e3);
    match outcome {
        Ok(_) => tracing::debug!(
            request.id = %request,
            user.id = user,
            socket.command = cmd,
            duration.ms = took,
            "ran a command"
        ),
        // Counters report an overload: a line for each command would cost more than its refusal.
        Err(problem) if problem.code == "overloaded" => {
            tracing::debug!(request.id = %request, socket.command = cmd, "refused a command: overloaded");
        }
        Err(problem) => tracing::info!(
            request.id = %request,
            user.id = user,
            socket.command = cmd,
            problem.code = problem.code,
            http.status = problem.status,
            duration.ms = took,
            "refused a command"
        ),
    }
}

/// Why a client with these credentials is sent away.
const fn turned_away(problem: &Problem) -> Close {
    if problem.temporary { Close::Restarting } else { Close::Refused }
}

/// The frame with the credentials; nothing else may come first.
async fn first_frame<D: Door>(
    app: &App,
    door: &mut D,
    since: Option<String>,
) -> Result<Login<D::Ask>, Result<Close, Gone>> {
    loop {
        let text = match door.receive().await {
            Incoming::Text(text) => text,
            Incoming::Life => continue,
            Incoming::Bad(why) => return Err(Ok(why)),
            Incoming::Gone => return Err(Err(Gone)),
        };
        let (data, unknown, ask) = match D::read(&text) {
            Inbound::Asked(Want::Command { cmd, data, unknown, .. }, ask) if cmd == Authenticate::NAME => {
                (data, unknown, ask)
            }
            Inbound::Elsewhere(frame) => {
                door.write(vec![frame]).await.map_err(Err)?;
                continue;
            }
            Inbound::Goodbye => return Err(Ok(Close::Normal)),
            Inbound::Bad(why) => return Err(Ok(why)),
            _ => return Err(Ok(Close::NoCredentials)),
        };
        return match parse_with::<Auth>(&data, unknown) {
            Ok(auth) => Ok(Login { token: auth.token, since: auth.since.or(since), ask: Some(ask) }),
            Err(problem) => {
                let refused = refused::<D>(app, D::no_credentials(problem));
                door.write(D::answer(ask, refused).into_iter().collect()).await.map_err(Err)?;
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
    app: &'a SocketApp,
    door: &'a mut D,
    claims: Claims,
    seat: Seat,
    outbox: Arc<Outbox>,
    ip: Option<IpAddr>,
    /// Frames; `None` when nothing is limited.
    flood: Option<Flood>,
    strikes: Arc<Strikes>,
    probe: DeliveryProbe,
    pipeline: Pipeline<'static, Option<Utf8Bytes>>,
    /// When the latest token of the session that was shown here expires, in milliseconds.
    good_until: Arc<AtomicI64>,
}

impl<'a, D: Door> Socket<'a, D> {
    fn new(
        app: &'a SocketApp,
        door: &'a mut D,
        claims: Claims,
        seat: Seat,
        outbox: Arc<Outbox>,
        ip: Option<IpAddr>,
    ) -> Self {
        let settings = app.hub.settings();
        let flood = || Flood::new(settings.frames_per_second, settings.frames_at_once, (app.clock)());
        let flood = app.limits.is_on().then(flood);
        let (probe, pipeline, strikes) = Default::default();
        let good_until = Arc::new(AtomicI64::new(claims.expires_at.millis()));
        Self { app, door, claims, seat, outbox, ip, flood, strikes, probe, pipeline, good_until }
    }

    async fn run(mut self) -> Result<Close, Gone> {
        let _open = Open::at(D::DIALECT.door());
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
                        self.write(burst.frames).await?;
                        if let Some(why) = burst.close {
                            return Ok(why);
                        }
                    }
                    Turn::Incoming(received) => {
                        unanswered = 0;
                        if let Some(why) = self.received(received)? {
                            return Ok(why);
                        }
                    }
                },
                reply = self.pipeline.next(), if !self.pipeline.is_empty() => {
                    self.tell(reply.flatten());
                    if self.is_renewed() {
                        expiry.as_mut().reset(Instant::now() + self.lifetime());
                    }
                }
                _ = beat.tick(), if D::UNANSWERED.is_some() => {
                    if D::UNANSWERED.is_some_and(|most| unanswered >= most) {
                        return Ok(Close::GoingAway);
                    }
                    unanswered += 1;
                    self.door.ping().await?;
                }
                () = &mut expiry => return Ok(Close::Expired),
            }
        }
    }

    /// Writes what the client missed. The client's pace is the pace of reading it.
    async fn catch_up(&mut self) -> Result<Option<Close>, Gone> {
        loop {
            match self.seat.missed().await {
                Ok(Some(frames)) => self.write(frames).await?,
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

    /// Writes frames in bursts, so that of what counts as written no more than one is on its way.
    async fn write(&mut self, frames: Vec<Utf8Bytes>) -> Result<(), Gone> {
        let outbox = Arc::clone(&self.outbox);
        let _writing = outbox.hold(&frames);
        let (mut burst, mut bytes) = (Vec::new(), 0);
        for frame in frames {
            bytes += frame.len();
            burst.push(frame);
            if bytes >= BURST {
                bytes = 0;
                self.write_burst(std::mem::take(&mut burst)).await?;
            }
        }
        self.write_burst(burst).await
    }

    /// Whose outbox is given up meanwhile is hung up on.
    async fn write_burst(&mut self, frames: Vec<Utf8Bytes>) -> Result<(), Gone> {
        tokio::select! {
            written = self.door.write(frames) => written,
            () = self.outbox.given_up() => Err(Gone),
        }
    }

    fn lifetime(&self) -> Duration {
        let left = self.claims.expires_at.millis() - (self.app.clock)().millis();
        Duration::from_millis(left.try_into().unwrap_or(0))
    }

    /// Whether a later token was shown since this was last asked.
    fn is_renewed(&mut self) -> bool {
        let until = Timestamp::from_millis(self.good_until.load(Relaxed));
        std::mem::replace(&mut self.claims.expires_at, until) != until
    }

    fn tell(&self, frame: Option<Utf8Bytes>) {
        if let Some(frame) = frame {
            self.outbox.push(frame);
        }
    }

    fn received(&mut self, received: Incoming) -> Result<Option<Close>, Gone> {
        let text = match received {
            Incoming::Text(text) => Some(text),
            Incoming::Life => None,
            Incoming::Bad(why) => return Ok(Some(why)),
            Incoming::Gone => return Err(Gone),
        };
        if self.flood.as_mut().is_some_and(|flood| !flood.admits((self.app.clock)())) {
            return Ok(Some(Close::Flooding));
        }
        match text.as_deref().map(D::read) {
            Some(Inbound::Asked(want, ask)) => self.asked(want, ask),
            Some(Inbound::Beat(cursor, ask)) => return Ok(self.beat(cursor.as_deref(), ask)),
            Some(Inbound::Malformed(problem, ask)) => {
                let request = (self.app.ids)();
                self.at_once(request, UNKNOWN, ask, Err(problem));
            }
            Some(Inbound::Elsewhere(frame)) => self.tell(Some(frame)),
            Some(Inbound::Goodbye) => return Ok(Some(Close::Normal)),
            Some(Inbound::Bad(why)) => return Ok(Some(why)),
            Some(Inbound::Nothing) | None => (),
        }
        Ok(None)
    }

    /// A client that misses frames which were written is closed, so that it resumes.
    fn beat(&mut self, cursor: Option<&str>, ask: Option<D::Ask>) -> Option<Close> {
        let written = self.outbox.written().map(|queued| Delivered::marks(queued, self.seat.delivered()));
        if self.probe.exchange(cursor, written) {
            counter!("chatchit_slow_sockets_total", "why" => "missed").increment(1);
            return Some(Close::SlowConsumer);
        }
        if let Some(ask) = ask {
            let here = self.answered(self.cursor_now(), None);
            self.tell(D::answer(ask, here));
        }
        None
    }

    fn answered(&self, answer: Result<Answer, Problem>, request: Option<Uuid>) -> Answered {
        Answered { answer, request, user: self.claims.user, now: (self.app.clock)() }
    }

    fn cursor_now(&self) -> Result<Answer, Problem> {
        Answer::read(&CursorNow { cursor: self.seat.cursor() })
    }

    /// Answers without a turn in the pipeline.
    fn at_once(&self, request: Uuid, cmd: &'static str, ask: D::Ask, answer: Result<Answer, Problem>) {
        log::<D>(request, Some(self.claims.user), cmd, answer.as_ref(), Duration::ZERO);
        let answered = self.answered(answer, Some(request));
        self.tell(D::answer(ask, answered));
    }

    fn asked(&mut self, want: Want, ask: D::Ask) {
        let app = App::clone(self.app);
        let correlation_id = (app.ids)();
        let known = want.command().and_then(|cmd| self.app.socket_commands.named(cmd));
        let (name, tier) = known.map_or((UNKNOWN, None), |known| (known.name, known.tier));
        let permit = match app.admit(tier, correlation_id) {
            Ok(permit) => permit,
            Err(refused) => return self.at_once(correlation_id, name, ask, Err(refused)),
        };
        let Claims { user, session, .. } = self.claims;
        let caller = Caller { user, session, socket: Some(self.outbox.socket()), correlation_id, ip: self.ip };
        let Read { name, budget, echoes, key, parsed } = Read::of(want, &self.app.socket_commands);
        let operation = match parsed {
            Parsed::Operation(operation) => operation,
            Parsed::Ping(checked) => {
                let answer = checked.and_then(|()| self.cursor_now());
                return self.at_once(correlation_id, name, ask, answer);
            }
        };
        if !echoes {
            self.outbox.act(correlation_id);
        }
        let order = operation.as_ref().map_or(Order::Free, |operation| operation.order());
        let watcher = self.seat.watcher();
        let (outbox, strikes) = (Arc::clone(&self.outbox), Arc::clone(&self.strikes));
        let good_until = Arc::clone(&self.good_until);
        let run = async move {
            let _permit = permit;
            let began = Instant::now();
            let answer = match app.limits.admit(budget, caller.ip, Some(caller.user)).await {
                Ok(()) => {
                    let socket = SocketContext { watcher: &watcher, good_until: &good_until };
                    run(&app, &caller, key, socket, operation).await
                }
                Err(refused) => {
                    if strikes.strike((app.clock)().millis()) {
                        outbox.close(Close::Flooding);
                    }
                    Err(refused)
                }
            };
            log::<D>(correlation_id, Some(caller.user), name, answer.as_ref(), began.elapsed());
            let (request, user, now) = (Some(correlation_id), caller.user, (app.clock)());
            D::answer(ask, Answered { answer, request, user, now })
        };
        let span = traces::span!("socket.command", socket.command = name, request.id = %correlation_id);
        self.pipeline.push(order, run.instrument(span).boxed());
    }
}

/// The name in the log of a command that does not exist. Its own may contain personal text.
const UNKNOWN: &str = "unknown";

/// A parsed command.
struct Read {
    name: &'static str,
    budget: Kind,
    echoes: bool,
    key: Option<String>,
    parsed: Parsed,
}

impl Read {
    fn of(want: Want, commands: &Commands) -> Self {
        let Want::Command { cmd, key, data, unknown } = want else {
            let parsed = Parsed::Operation(Ok(Box::new(Online)));
            return Self { name: Online::NAME, budget: Kind::Read, echoes: true, key: None, parsed };
        };
        let (found, parsed) = commands.read(&cmd, key.as_deref(), &data, unknown);
        let (name, budget, echoes) = match found {
            Some(Registration { name, budget, echoes, .. }) => (*name, *budget, *echoes),
            None => (UNKNOWN, Kind::Write, true),
        };
        Self { name, budget, echoes, key, parsed }
    }
}

/// Counts an open socket while it lives.
struct Open(Gauge);

impl Open {
    fn at(door: &'static str) -> Self {
        let sockets = gauge!("chatchit_sockets_open", "door" => door);
        sockets.increment(1);
        Self(sockets)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

async fn run(
    app: &App,
    caller: &Caller,
    key: Option<String>,
    socket: SocketContext<'_>,
    operation: Result<Box<dyn Ready>, Problem>,
) -> Result<Answer, Problem> {
    let operation = operation?;
    let request = Request::new(app, caller, key)?.through(socket);
    operation.run(&request).await
}

/// `getOnlineUsers`: those of the caller's circle who are here.
struct Online;

impl Online {
    const NAME: &'static str = "getOnlineUsers";
}

impl Ready for Online {
    fn order(&self) -> Order {
        Order::Socket
    }

    fn run<'r>(self: Box<Self>, request: &'r Request<'r>) -> BoxFuture<'r, Result<Answer, Problem>> {
        async move {
            let (online, _) = request.app.presences.online(request.caller.user, None, ONLINE).await?;
            Answer::read(&json!({"users": online}))
        }
        .boxed()
    }
}
