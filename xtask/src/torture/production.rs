//! Traffic while engines and processes die: the oracle of `chatchit-loadgen` judges what that did.

use super::Stage;
use crate::{
    engines::Private,
    shell::{Shell, end, say},
};
use anyhow::{Context, Result, bail, ensure};
use std::{
    fmt,
    future::pending,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr},
    sync::oneshot,
    time::{Instant, sleep_until},
};

/// What is done to an engine.
#[derive(Clone, Copy)]
enum Deed {
    FlushRedis,
    KillRedis,
    RestartRedis,
    KillRabbitMq,
    RestartRabbitMq,
    RestartRabbitMqEmpty,
}

/// When, in seconds of the measured time.
const PRODUCTION: [(u64, Deed); 7] = [
    (10, Deed::FlushRedis),
    (20, Deed::KillRabbitMq),
    (50, Deed::RestartRabbitMq),
    (65, Deed::KillRedis),
    (70, Deed::RestartRedis),
    (80, Deed::KillRabbitMq),
    (90, Deed::RestartRabbitMqEmpty),
];
/// What the load generator does itself, and the time whose delays it tells apart.
const FAILURES: [&str; 4] =
    ["--kill-gateway-after=35", "--kill-worker-after=60", "--restart-after=10", "--outage=20..60"];
/// The line with which it says that the measured time begins.
const MEASURING: &str = "measuring";

/// Does it; an error when the oracle found something wrong.
pub(super) async fn run(shell: &mut Shell, seconds: u64, rate: u32) -> Result<()> {
    let mut stage = Stage::set(shell).await?;
    let mut loadgen = stage.loadgen("rooms");
    loadgen.args(["--gateways=2", "--workers=2"]);
    loadgen.arg(format!("--measure={seconds}")).arg(format!("--rate={rate}")).args(FAILURES);
    let mut loadgen = loadgen.stderr(Stdio::piped()).spawn().context("cannot run chatchit-loadgen")?;
    let mut times = Times::default();
    let traffic = under_torture(&mut loadgen, &mut stage.rabbitmq, &mut stage.redis, &mut times);
    let (status, is_done) = match shell.unless_interrupted(traffic).await {
        Some(Ok(ended)) => ended,
        failed => {
            end(&mut loadgen).await?;
            return failed.map_or_else(|| bail!("interrupted"), |failed| failed.map(drop));
        }
    };
    times.note(format_args!("the load generator ended: {status}"));
    times.show();
    ensure!(status.success(), "the oracle found faults, or the traffic did not go on: {status}");
    ensure!(is_done, "the load generator ended before all was done to it");
    say("nothing was lost, doubled or disordered");
    Ok(())
}

/// Does all deeds while there is traffic: how the load generator ended, and whether it outlived them.
async fn under_torture(
    loadgen: &mut Child,
    rabbitmq: &mut Private,
    redis: &mut Private,
    times: &mut Times,
) -> Result<(ExitStatus, bool)> {
    let (begin, begins) = oneshot::channel();
    let told = loadgen.stderr.take().context("the load generator is mute")?;
    let telling = tokio::spawn(pass_on(told, begin));
    let torture = async {
        // Never, if the load generator ends before.
        let Ok(began) = begins.await else { return pending().await };
        times.begin(began);
        for (seconds, deed) in PRODUCTION {
            sleep_until(began + Duration::from_secs(seconds)).await;
            deed.carry_out(rabbitmq, redis).await?;
            times.note(deed.done());
        }
        anyhow::Ok(())
    };
    let ended_early = tokio::select! {
        status = loadgen.wait() => Some(status?),
        tortured = torture => {
            tortured?;
            None
        }
    };
    let ended = match ended_early {
        Some(status) => (status, false),
        None => (loadgen.wait().await?, true),
    };
    telling.await?;
    Ok(ended)
}

/// Shows what the load generator says, and tells when the measured time begins.
async fn pass_on(told: ChildStderr, begin: oneshot::Sender<Instant>) {
    let mut begin = Some(begin);
    let mut lines = BufReader::new(told).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        eprintln!("{line}");
        if line == MEASURING
            && let Some(begin) = begin.take()
        {
            let _ = begin.send(Instant::now());
        }
    }
}

impl Deed {
    const fn done(self) -> &'static str {
        match self {
            Self::FlushRedis => "Redis is flushed",
            Self::KillRedis => "Redis is killed",
            Self::RestartRedis => "Redis serves again, empty",
            Self::KillRabbitMq => "RabbitMQ is killed",
            Self::RestartRabbitMq => "RabbitMQ serves again",
            Self::RestartRabbitMqEmpty => "RabbitMQ serves again, empty",
        }
    }

    async fn carry_out(self, rabbitmq: &mut Private, redis: &mut Private) -> Result<()> {
        match self {
            Self::FlushRedis => redis.flush().await,
            Self::RestartRedis => redis.start_again().await,
            Self::RestartRabbitMq => rabbitmq.start_again().await,
            Self::RestartRabbitMqEmpty => rabbitmq.start_again_empty().await,
            Self::KillRedis => {
                redis.kill();
                Ok(())
            }
            Self::KillRabbitMq => {
                rabbitmq.kill();
                Ok(())
            }
        }
    }
}

/// What happened, and when.
#[derive(Default)]
struct Times {
    began: Option<Instant>,
    notes: Vec<String>,
}

impl Times {
    fn begin(&mut self, at: Instant) {
        self.began = Some(at);
        self.note("the measured time begins");
    }

    fn note(&mut self, what: impl fmt::Display) {
        let at = self.began.map(|began| began.elapsed()).unwrap_or_default();
        let note = format!("{:>7.1}  {what}", at.as_secs_f64());
        say(&note);
        self.notes.push(note);
    }

    /// Once more, together.
    fn show(&self) {
        say("what was done, in seconds of the measured time:");
        for note in &self.notes {
            say(note);
        }
    }
}
