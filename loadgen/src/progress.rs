//! The progress of a run: a bar on a terminal, otherwise a line when a part begins. Without colours, and on standard error,
//! so that standard output has the report alone.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    pin::pin,
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, interval};

/// The interval at which the bar moves.
const LOOK: Duration = Duration::from_millis(500);

/// Does something that lasts about so long.
pub(crate) async fn during<T>(name: &str, lasts: Duration, work: impl Future<Output = T>) -> T {
    if !std::io::stderr().is_terminal() {
        eprintln!("{name}");
        return work.await;
    }
    let bar = bar(name, lasts);
    let begun = Instant::now();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut work = pin!(work);
    let done = loop {
        tokio::select! {
            biased;
            done = work.as_mut() => break done,
            _ = looks.tick() => bar.set_position(begun.elapsed().as_secs()),
        }
    };
    bar.finish_and_clear();
    eprintln!("{name}: {:.0} s", begun.elapsed().as_secs_f64());
    done
}

fn bar(name: &str, lasts: Duration) -> ProgressBar {
    let bar = ProgressBar::new(lasts.as_secs().max(1)).with_message(name.to_owned());
    match ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len} s") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
