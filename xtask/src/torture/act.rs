//! One running scenario: engines, traffic, chance and measurements.

use super::{dice::Dice, report::Line, stage::Stage, traffic::Traffic};
use crate::shell::say;
use anyhow::Result;
use std::{path::Path, time::Duration};
use tokio::{process::Command, time::sleep};

/// The bound of the recovery after the failure of an engine (seconds).
pub(super) const ENGINE: f64 = 20.0;
/// The bound of the takeover of a worker's partitions (seconds).
pub(super) const PARTITIONS: f64 = 14.0;
/// Those whom a failure does not concern wait no longer.
pub(super) const UNCONCERNED: f64 = 5.0;
/// The pause before and between failures: least and most.
const CALM: (u64, u64) = (1, 5);

/// One scenario as it is played.
pub(super) struct Act<'s> {
    pub(super) stage: &'s mut Stage,
    pub(super) traffic: Traffic,
    pub(super) dice: Dice,
    pub(super) lines: Vec<Line>,
}

impl<'s> Act<'s> {
    /// Starts the traffic, and waits until it flows.
    pub(super) async fn begin(stage: &'s mut Stage, trial: Command, dice: Dice, log: &Path) -> Result<Self> {
        let traffic = Traffic::begin(trial, log).await?;
        Ok(Self { stage, traffic, dice, lines: Vec::new() })
    }

    /// Some seconds without a failure.
    pub(super) async fn calm(&mut self) {
        sleep(self.dice.seconds(CALM.0, CALM.1)).await;
    }

    /// Something lasts.
    pub(super) async fn lasts(&mut self, least: u64, most: u64) -> Duration {
        let length = self.dice.seconds(least, most);
        sleep(length).await;
        length
    }

    /// From now on everything works again within so many seconds.
    pub(super) async fn works_again(&mut self, phase: &str, within: f64) -> Result<()> {
        self.traffic.mark().await?;
        self.recovers(phase, [within; 3], None).await
    }

    /// Checks that commands, deliveries and reads work again within these seconds of the last mark. Reads of the rooms that
    /// process `of` held count apart; others must hardly wait.
    pub(super) async fn recovers(&mut self, phase: &str, within: [f64; 3], of: Option<&str>) -> Result<()> {
        let longest = within.into_iter().fold(0.0, f64::max);
        let found = self.traffic.recovered(longest, of).await?;
        let [commands, deliveries, reads] = within;
        self.note(Line::seconds(phase, "commands", found.commands, commands));
        self.note(Line::seconds(phase, "deliveries", found.deliveries, deliveries));
        self.note(Line::seconds(phase, "reads", found.reads, reads));
        if of.is_some() {
            self.note(Line::seconds(phase, "longest read elsewhere", found.longest_read_elsewhere, UNCONCERNED));
        }
        Ok(())
    }

    /// Notes a measurement.
    pub(super) fn note(&mut self, line: Line) {
        say(&line);
        self.lines.push(line);
    }

    /// The oracle judges.
    pub(super) async fn finish(&mut self) -> Result<()> {
        let judged = self.traffic.finish().await?;
        let is_clean = judged["clean"] == true;
        let (sent, reconnects) = (&judged["sent"], &judged["resilience"]["reconnects"]);
        self.note(Line::judged(&format!("oracle and replay, {sent} messages, {reconnects} reconnects"), is_clean));
        if !is_clean {
            say(format_args!("{}", judged["verdict"]));
            for difference in judged["differences"].as_array().into_iter().flatten() {
                say(difference.as_str().unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Ends the traffic, and returns the measurements.
    pub(super) async fn end(self) -> Result<Vec<Line>> {
        self.traffic.end().await?;
        Ok(self.lines)
    }
}
