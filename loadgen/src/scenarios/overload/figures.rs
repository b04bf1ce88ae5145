//! The figures of the turns, and their report.

use super::Overload;
use crate::{
    report::Report,
    stats::Quantiles,
    traffic::{Measured, oracle::Verdict, phase::Phase, resilience::Resilience},
};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Turn {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) measured: Measured,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    /// The saturation, half of it, and each overload with what came after it.
    pub(super) turns: Vec<Turn>,
    pub(super) disk_sync: Quantiles,
    pub(super) resilience: Resilience,
    pub(super) verdict: Verdict,
}

impl Turn {
    fn row(&self) -> Vec<String> {
        let Measured { seconds, refused, send_to_refusal, settled_after, .. } = &self.measured;
        let refused_per_second = refused.values().sum::<usize>() as f64 / seconds;
        let Measured { offered_per_second: offered, accepted_per_second: accepted, .. } = self.measured;
        let Phase { send_to_ack: ack, send_to_delivered: delivered, .. } = self.measured.posting;
        let settled = settled_after.map_or("never".to_owned(), |seconds| format!("{seconds:.1}"));
        let mut row = vec![self.name.clone()];
        row.extend([offered, accepted, refused_per_second].map(|rate| format!("{rate:.0}")));
        row.extend([ack, delivered, *send_to_refusal].map(|time| format!("{:.1} / {:.1}", time.p50, time.p99)));
        row.push(settled);
        row
    }
}

impl Figures {
    pub(super) fn report(&self, settings: &Overload) -> Result<Report> {
        let Overload { target, content, users, room, measure, .. } = settings;
        let title = format!(
            "overload: {users} sockets in rooms of {room}, {}, turns of {measure} s, {}",
            content.describe(),
            target.describe(),
        );
        let mut report = Report::new(title, self)?;
        let head = [
            "turn",
            "offered/s",
            "accepted/s",
            "refused/s",
            "accepted p50 / p99 ms",
            "delivered p50 / p99 ms",
            "refused p50 / p99 ms",
            "settled after s",
        ];
        report.table(&head, self.turns.iter().map(Turn::row));
        report.phases(self.turns.iter().map(|turn| (&turn.name, turn.measured.posting)));
        for Turn { name, measured } in &self.turns {
            report.costs(name, &measured.cpu_seconds_per_1000, &measured.processes);
            if !measured.refused.is_empty() {
                report.line(format_args!("{name}: refused {:?}", measured.refused));
            }
        }
        let Resilience { reconnects, ended, refused, .. } = &self.resilience;
        report.line(format_args!(
            "{reconnects} reconnects {ended:?}; at saturation {refused} refused for now and sent again"
        ));
        report.disk(self.disk_sync);
        report.oracle("", &self.verdict);
        for Turn { name, measured } in &self.turns {
            report.curves(name, measured);
        }
        Ok(report)
    }
}
