//! A socket whose client is known: catching up, outbox, order of commands, limits, signs of life, reasons to close.

use super::{
    BURST, Close, CursorNow, Delivered, Gone, Outbox, Pipeline,
    delivery_probe::DeliveryProbe,
    dispatch::{self, Read, UNKNOWN, log},
    door::{Answered, Door, Inbound, Incoming, Turn, Want},
    registry::Parsed,
};
use crate::SocketApp;
use axum::extract::ws::Utf8Bytes;
use domain::Timestamp;
use futures_util::FutureExt as _;
use limits::Strikes;
use metrics::{Gauge, counter, gauge};
use operations::{Answer, App, Order, SocketContext};
use protocol::Problem;
use realtime::{Caller, Flood, hub::Seat};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokens::Claims;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tracing::Instrument as _;
use uuid::Uuid;

/// A socket whose client is known.
pub(super) struct Socket<'a, D: Door> {
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
    pub(super) fn new(
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

    pub(super) async fn run(mut self) -> Result<Close, Gone> {
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
                reply = self.pipeline.next(), if !self.pipeline.is_empty() => self.tell(reply.flatten()),
                _ = beat.tick(), if D::UNANSWERED.is_some() => {
                    if D::UNANSWERED.is_some_and(|most| unanswered >= most) {
                        return Ok(Close::GoingAway);
                    }
                    unanswered += 1;
                    let Self { door, outbox, pipeline, .. } = &mut self;
                    pipeline.run_while(door.ping(), |reply| tell(outbox, reply)).await?;
                }
                () = &mut expiry => return Ok(Close::Expired),
            }
            if self.is_renewed() {
                expiry.as_mut().reset(Instant::now() + self.lifetime());
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
        let Self { door, outbox, pipeline, .. } = self;
        let writing = async {
            tokio::select! {
                written = door.write(frames) => written,
                () = outbox.given_up() => Err(Gone),
            }
        };
        pipeline.run_while(writing, |reply| tell(outbox, reply)).await
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
        tell(&self.outbox, frame);
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
                    dispatch::run(&app, &caller, key, socket, operation).await
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

fn tell(outbox: &Outbox, frame: Option<Utf8Bytes>) {
    if let Some(frame) = frame {
        outbox.push(frame);
    }
}
