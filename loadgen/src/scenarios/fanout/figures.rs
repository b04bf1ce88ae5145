//! The figures of each size, and their report.

use super::Fanout;
use crate::{
    report::{Axis, Chart, Report},
    stats::Quantiles,
    traffic::{Measured, oracle::Verdict},
};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Size {
    pub(super) members: usize,
    pub(super) open: Measured,
    pub(super) closed: Measured,
    pub(super) verdict: Verdict,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    pub(super) sizes: Vec<Size>,
    pub(super) disk_sync: Quantiles,
}

impl Size {
    fn row(&self) -> Vec<String> {
        let Measured { posting, send_to_last_delivery: last, .. } = &self.open;
        let both = |time: Quantiles| format!("{:.2} / {:.2}", time.p50, time.p99);
        let Measured { accepted_per_second, deliveries_per_second, cpu_seconds_per_1000: cpu, .. } = &self.closed;
        vec![
            self.members.to_string(),
            both(posting.send_to_ack),
            both(posting.send_to_delivered),
            both(*last),
            format!("{accepted_per_second:.0}"),
            format!("{deliveries_per_second:.0}"),
            format!("{:.4}", cpu.total / self.members as f64),
        ]
    }
}

impl Figures {
    pub(super) fn report(&self, settings: &Fanout) -> Result<Report> {
        let Fanout { target, content, rate, senders, .. } = settings;
        let title = format!(
            "fanout: open at {rate}/s, closed with {senders} outstanding, {}, {}",
            content.describe(),
            target.describe(),
        );
        let mut report = Report::new(title, self)?;
        let head = [
            "members",
            "ack p50 / p99 ms",
            "each delivery",
            "last delivery",
            "closed: messages/s",
            "deliveries/s",
            "CPU-s per 1,000 deliveries",
        ];
        report.table(&head, self.sizes.iter().map(Size::row));
        for Size { members, open, closed, .. } in &self.sizes {
            report.costs(&format!("{members} members, open"), &open.cpu_seconds_per_1000, &open.processes);
            report.costs(&format!("{members} members, closed"), &closed.cpu_seconds_per_1000, &closed.processes);
        }
        report.disk(self.disk_sync);
        for Size { members, verdict, .. } in &self.sizes {
            report.oracle(&format!(", {members} members"), verdict);
        }
        self.charts(&mut report);
        Ok(report)
    }

    fn charts(&self, report: &mut Report) {
        let of = |value: fn(&Size) -> f64| self.sizes.iter().map(move |size| (size.members as f64, value(size)));
        let members = || Axis::logarithmic("members");
        let latencies = Chart::new("latencies, open", members(), Axis::logarithmic("milliseconds"))
            .line("acknowledged, p50", of(|size| size.open.posting.send_to_ack.p50))
            .line("each delivery, p50", of(|size| size.open.posting.send_to_delivered.p50))
            .line("each delivery, p99", of(|size| size.open.posting.send_to_delivered.p99))
            .line("last delivery, p50", of(|size| size.open.send_to_last_delivery.p50))
            .line("last delivery, p99", of(|size| size.open.send_to_last_delivery.p99));
        report.chart(latencies);
        let rates = Chart::new("closed", members(), Axis::logarithmic("a second"))
            .line("messages", of(|size| size.closed.accepted_per_second))
            .line("deliveries", of(|size| size.closed.deliveries_per_second));
        report.chart(rates);
        for Size { members, open, closed, .. } in &self.sizes {
            report.curves(&format!("{members} members, open"), open);
            report.curves(&format!("{members} members, closed"), closed);
        }
    }
}
