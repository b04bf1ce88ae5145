//! The figures of the stages, and their report.

use super::{Growth, questions::Answered};
use crate::{
    report::{Axis, Chart, Report},
    stats::Quantiles,
    traffic::{Measured, oracle::Verdict},
};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stage {
    /// Messages that were wanted, and that there are in the end.
    pub(super) wanted: usize,
    pub(super) messages: usize,
    /// Closed, up to the stage.
    pub(super) filling: Measured,
    /// Seconds until the read models showed everything.
    pub(super) caught_up_after: f64,
    pub(super) answers: Vec<Answered>,
    /// Posting at an even rate.
    pub(super) open: Measured,
    pub(super) verdict: Verdict,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) stages: Vec<Stage>,
    pub(super) disk_sync: Quantiles,
}

impl Stage {
    fn answer(&self, name: &str) -> Option<Quantiles> {
        self.answers.iter().find(|answer| answer.name == name).map(|answer| answer.first_page)
    }
}

impl Figures {
    pub(super) fn report(&self, settings: &Growth) -> Result<Report> {
        let Growth { target, content, users, room, rate, .. } = settings;
        let title = format!(
            "growth: {users} sockets in rooms of {room}, {}, posting {rate}/s, {}",
            content.describe(),
            target.describe(),
        );
        let mut report = Report::new(title, self)?;
        let both = |time: Quantiles| format!("{:.2} / {:.2}", time.p50, time.p99);
        let mut head = vec!["p50 / p99 ms".to_owned()];
        head.extend(self.stages.iter().map(|stage| format!("{} messages", stage.wanted)));
        let head: Vec<_> = head.iter().map(String::as_str).collect();
        let mut rows = Vec::new();
        for name in self.names() {
            let mut row = vec![name.to_owned()];
            row.extend(self.stages.iter().map(|stage| stage.answer(name).map(both).unwrap_or_default()));
            rows.push(row);
        }
        type Of = fn(&Measured) -> Quantiles;
        let posting: [(&str, Of); 2] = [
            ("posting, acknowledged", |measured| measured.posting.send_to_ack),
            ("posting, delivered", |measured| measured.posting.send_to_delivered),
        ];
        for (name, of) in posting {
            let mut row = vec![name.to_owned()];
            row.extend(self.stages.iter().map(|stage| both(of(&stage.open))));
            rows.push(row);
        }
        report.table(&head, rows);
        for Stage { wanted, filling, caught_up_after, open, .. } in &self.stages {
            let rate = filling.accepted_per_second;
            report.line(format_args!(
                "up to {wanted}: {rate:.0} messages/s closed; the read models showed all {caught_up_after:.1} s later"
            ));
            report.costs(&format!("{wanted}, closed"), &filling.cpu_seconds_per_1000, &filling.processes);
            report.costs(&format!("{wanted}, open"), &open.cpu_seconds_per_1000, &open.processes);
        }
        report.disk(self.disk_sync);
        for Stage { wanted, verdict, .. } in &self.stages {
            report.oracle(&format!(", {wanted} messages"), verdict);
        }
        self.charts(&mut report);
        Ok(report)
    }

    fn names(&self) -> Vec<&'static str> {
        self.stages.first().map(|stage| stage.answers.iter().map(|answer| answer.name).collect()).unwrap_or_default()
    }

    fn charts(&self, report: &mut Report) {
        type Of = fn(&Quantiles) -> f64;
        let quantiles: [(&str, Of); 2] = [("p50", |time| time.p50), ("p99", |time| time.p99)];
        for (quantile, of) in quantiles {
            let title = format!("first pages, {quantile}");
            let mut chart = Chart::new(title, Axis::logarithmic("messages"), Axis::logarithmic("milliseconds"));
            for name in self.names() {
                let point = |stage: &Stage| Some((stage.wanted as f64, of(&stage.answer(name)?)));
                chart = chart.line(name, self.stages.iter().filter_map(point));
            }
            report.chart(chart);
        }
        for Stage { wanted, filling, open, .. } in &self.stages {
            report.curves(&format!("up to {wanted} messages, closed"), filling);
            report.curves(&format!("{wanted} messages, open"), open);
        }
    }
}
