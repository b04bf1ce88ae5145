//! The figures of the steps, and their report.

use super::Idle;
use crate::{
    machine::Cost,
    report::{Axis, Chart, Report},
};
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    pub(super) sockets: usize,
    /// Seconds in which those that were new were opened.
    pub(super) opened_in: f64,
    /// Seconds of the measurement.
    pub(super) seconds: f64,
    /// Of all processes of the server.
    pub(super) resident_kib: u64,
    pub(super) processes: Vec<Cost>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AtDoor {
    pub(super) door: &'static str,
    /// The first one without a socket.
    pub(super) steps: Vec<Step>,
    /// Sockets that ended, by reason.
    pub(super) ended: BTreeMap<String, usize>,
    /// Members of the rooms at whom the last message did not arrive, or more than once.
    pub(super) missed: usize,
    pub(super) doubled: usize,
    pub(super) processes_ended: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) doors: Vec<AtDoor>,
}

impl Step {
    /// The memory of each socket beyond `before` (KiB).
    fn per_socket(&self, before: &Self) -> f64 {
        let sockets = self.sockets.saturating_sub(before.sockets).max(1) as f64;
        (self.resident_kib as f64 - before.resident_kib as f64) / sockets
    }

    /// Processor seconds a second of each program but the client.
    fn cores(&self) -> f64 {
        let servers = self.processes.iter().filter(|cost| cost.name != "client");
        servers.map(|cost| cost.cpu_seconds).sum::<f64>() / self.seconds
    }
}

impl AtDoor {
    fn rows(&self) -> Vec<Vec<String>> {
        let Some(none) = self.steps.first() else { return Vec::new() };
        let row = |(step, before): (&Step, &Step)| {
            vec![
                self.door.to_owned(),
                step.sockets.to_string(),
                format!("{:.1}", step.opened_in),
                format!("{:.0}", step.resident_kib as f64 / 1024.0),
                format!("{:.1}", step.per_socket(none)),
                format!("{:.1}", step.per_socket(before)),
                format!("{:.3}", step.cores()),
            ]
        };
        self.steps.iter().zip(std::iter::once(none).chain(&self.steps)).map(row).collect()
    }
}

impl Figures {
    pub(super) fn report(&self, settings: &Idle) -> Result<Report> {
        let mut report = Report::new(format!("idle: {}", settings.target.describe()), self)?;
        let head = [
            "door",
            "sockets",
            "opened in s",
            "server MiB",
            "KiB a socket",
            "of the last ones",
            "cores without client",
        ];
        report.table(&head, self.doors.iter().flat_map(AtDoor::rows));
        for AtDoor { door, ended, missed, doubled, processes_ended, .. } in &self.doors {
            let count: usize = ended.values().sum();
            report.check(format_args!("{door}: {count} sockets ended {ended:?}"), count == 0);
            report.check(
                format_args!("{door}: the last message was missed by {missed} members, doubled for {doubled}"),
                missed + doubled == 0,
            );
            processes_ended.iter().for_each(|ended| report.fault(ended));
        }
        let axis = || Axis::linear("sockets");
        let mut memory = Chart::new("memory of the server", axis(), Axis::linear("MiB"));
        let mut cores = Chart::new("processors without the client", axis(), Axis::linear("cores"));
        for AtDoor { door, steps, .. } in &self.doors {
            let of = |value: fn(&Step) -> f64| steps.iter().map(move |step| (step.sockets as f64, value(step)));
            memory = memory.line(*door, of(|step| step.resident_kib as f64 / 1024.0));
            cores = cores.line(*door, of(Step::cores));
        }
        report.chart(memory);
        report.chart(cores);
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::Step;

    #[test]
    fn memory_is_that_of_the_further_sockets() {
        let step =
            |sockets, resident_kib| Step { sockets, opened_in: 0.0, seconds: 1.0, resident_kib, processes: Vec::new() };
        assert_eq!(step(1_000, 30_000).per_socket(&step(0, 20_000)), 10.0);
        assert_eq!(step(5_000, 50_000).per_socket(&step(1_000, 30_000)), 5.0);
    }
}
