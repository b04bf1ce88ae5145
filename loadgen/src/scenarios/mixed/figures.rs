//! The figures of each kind of deed, and their report.

use super::Mixed;
use crate::{
    report::Report,
    stats::Quantiles,
    traffic::{Measured, acts::Done, oracle::Verdict, resilience::Resilience},
};
use anyhow::Result;
use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    /// Messages.
    #[serde(flatten)]
    pub(super) measured: Measured,
    /// All other deeds.
    pub(super) acts: Vec<Done>,
    pub(super) disk_sync: Quantiles,
    pub(super) resilience: Resilience,
    pub(super) verdict: Verdict,
}

impl Figures {
    pub(super) fn report(&self, settings: &Mixed) -> Result<Report> {
        let Mixed { target, content, users, room, rate, .. } = settings;
        let title = format!(
            "mixed: {users} sockets in rooms of {room} do {rate} things a second, {}, {}",
            content.describe(),
            target.describe(),
        );
        let mut report = Report::new(title, self)?;
        let Self { measured, acts, disk_sync, resilience, verdict } = self;
        let Measured { posting, offered_per_second, accepted_per_second, deliveries_per_second, .. } = measured;
        report.phases([("send", *posting)]);
        report.latencies(acts.iter().map(|done| (done.name, done.latency)));
        report.line(format_args!(
            "messages/s: {offered_per_second:.0} offered, {accepted_per_second:.0} accepted; deliveries/s \
             {deliveries_per_second:.0}"
        ));
        for Done { name, offered, refused, unanswered, held_back, .. } in acts {
            if !refused.is_empty() || *unanswered + *held_back > 0 {
                report.line(format_args!(
                    "{name}: of {offered} refused {refused:?}, {unanswered} unanswered; {held_back} not sent"
                ));
            }
        }
        report.costs("for each message", &measured.cpu_seconds_per_1000, &measured.processes);
        let Resilience { reconnects, refused, .. } = resilience;
        report.line(format_args!("{reconnects} reconnects, {refused} messages refused for now and sent again"));
        report.disk(*disk_sync);
        report.oracle("", verdict);
        report.curves("mixed", measured);
        Ok(report)
    }
}
