//! The figures of a storm, and their report.

use super::{Steps, Storm};
use crate::{
    machine::Cost,
    report::Report,
    stats::Quantiles,
    traffic::{Measured, oracle::Verdict, resilience::Resilience},
};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    alone: Measured,
    meanwhile: Measured,
    /// From the begin of the storm to each socket's hello.
    greeted: Quantiles,
    /// From the begin of the storm to the arrival of each missed event.
    arrived: Quantiles,
    is_caught_up: bool,
    /// `None` without a Postgres that counts statements.
    statements_per_socket: Option<f64>,
    /// Seconds; `None`: never.
    presence_all_back: Option<f64>,
    presence_half_left: Option<f64>,
    disk_sync: Quantiles,
    resilience: Resilience,
    /// Of the people who posted all the time, and of the people of the storm.
    verdicts: [Verdict; 2],
}

impl Figures {
    pub(super) fn new(steps: Steps, resilience: Resilience, disk_sync: Quantiles, verdicts: [Verdict; 2]) -> Self {
        let Steps { alone, meanwhile, back, statements, presence } = steps;
        let [presence_all_back, presence_half_left] = presence;
        Self {
            alone,
            meanwhile,
            greeted: back.greeted,
            arrived: back.arrived,
            is_caught_up: back.is_complete,
            statements_per_socket: statements,
            presence_all_back,
            presence_half_left,
            disk_sync,
            resilience,
            verdicts,
        }
    }

    pub(super) fn report(&self, settings: &Storm) -> Result<Report> {
        let Storm { target, posting, sockets, room, gap, within, users, .. } = settings;
        let title = format!(
            "storm: {sockets} sockets in rooms of {room} drop, miss {gap} events each and come back within {within} s, while \
             {users} sockets post {} messages a second; {}",
            posting.rate,
            target.describe(),
        );
        let mut report = Report::new(title, self)?;
        let Self { alone, meanwhile, greeted, arrived, disk_sync, .. } = self;
        report.phases([("alone", alone.posting), ("meanwhile", meanwhile.posting)]);
        report.latencies([("greeted", *greeted), ("missed events arrived", *arrived)]);
        for (name, Measured { seconds, processes, .. }) in [("alone", alone), ("meanwhile", meanwhile)] {
            let cost = |Cost { name, cpu_seconds, .. }: &Cost| format!("{name} {cpu_seconds:.2}");
            let costs: Vec<_> = processes.iter().map(cost).collect();
            report.line(format_args!("{name}, {seconds:.1} s: CPU-s: {}", costs.join(", ")));
        }
        match self.statements_per_socket {
            Some(statements) => {
                report.line(format_args!("{statements:.2} statements for each socket that came back"));
            }
            None => report.line("statements were not counted: that takes a Postgres with pg_stat_statements loaded"),
        }
        let Resilience { gaps_repaired, events_repaired, reconnects, ended, .. } = &self.resilience;
        report.line(format_args!(
            "{gaps_repaired} gaps of {events_repaired} events repaired; {reconnects} came back again {ended:?}"
        ));
        report.disk(*disk_sync);
        report.check("all sockets caught up", self.is_caught_up);
        let settled = [("all back", self.presence_all_back), ("half of them gone", self.presence_half_left)];
        for (name, seconds) in settled {
            let after = seconds.map_or("never".to_owned(), |seconds| format!("after {seconds:.1} s"));
            report.check(format_args!("presence is the truth, {name}: {after}"), seconds.is_some());
        }
        report.oracle(" of posting", &self.verdicts[0]);
        report.oracle(" of the storm", &self.verdicts[1]);
        report.curves("alone", alone);
        report.curves("meanwhile", meanwhile);
        Ok(report)
    }
}
