//! Rates and latencies over the time of a measurement.

use super::board::Message;
use crate::stats::Quantiles;
use serde::Serialize;
use std::{
    ops::Range,
    time::{Duration, Instant},
};

/// The most points of a curve.
const POINTS: u32 = 120;
const LEAST: Duration = Duration::from_secs(1);

/// One step of a curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Point {
    /// The begin of the step, from the begin of the measurement.
    pub(crate) second: f64,
    /// Messages that were due, a second.
    pub(crate) offered: f64,
    /// Acknowledgements a second.
    pub(crate) accepted: f64,
    /// Refusals for good, a second.
    pub(crate) refused: f64,
    /// Deliveries a second.
    pub(crate) delivered: f64,
    /// Of the messages that were due in the step (milliseconds).
    pub(crate) ack_p50: f64,
    pub(crate) ack_p99: f64,
    pub(crate) delivered_p50: f64,
    pub(crate) delivered_p99: f64,
    pub(crate) delivered_max: f64,
}

#[derive(Default)]
struct Step {
    offered: usize,
    accepted: usize,
    refused: usize,
    delivered: usize,
    acks: Vec<Duration>,
    deliveries: Vec<Duration>,
}

/// The curve of what was due or happened within `window`.
pub(crate) fn curve(messages: &[Message], window: &Range<Instant>) -> Vec<Point> {
    let lasts = window.end.saturating_duration_since(window.start);
    let length = LEAST.max(lasts / POINTS);
    let count = lasts.as_secs_f64() / length.as_secs_f64();
    let mut steps: Vec<_> = (0..count.ceil() as usize).map(|_| Step::default()).collect();
    let place = |at: &Instant| {
        let at = window.contains(at).then(|| at.duration_since(window.start))?;
        Some((at.as_secs_f64() / length.as_secs_f64()) as usize)
    };
    for message in messages {
        if let Some(step) = place(&message.due).and_then(|step| steps.get_mut(step)) {
            step.offered += 1;
            step.acks.extend(message.acknowledged.map(|at| at - message.due));
            step.deliveries.extend(message.delivered.iter().map(|at| *at - message.due));
        }
        let mut note = |at: &Instant, change: fn(&mut Step)| {
            if let Some(step) = place(at).and_then(|step| steps.get_mut(step)) {
                change(step);
            }
        };
        message.acknowledged.iter().for_each(|at| note(at, |step| step.accepted += 1));
        message.refused.iter().for_each(|(at, _)| note(at, |step| step.refused += 1));
        message.delivered.iter().for_each(|at| note(at, |step| step.delivered += 1));
    }
    let point = |(number, step): (usize, Step)| {
        let second = number as f64 * length.as_secs_f64();
        let seconds = (lasts.as_secs_f64() - second).min(length.as_secs_f64()).max(1e-3);
        let rate = |count: usize| count as f64 / seconds;
        let (ack, delivered) = (Quantiles::of(step.acks), Quantiles::of(step.deliveries));
        Point {
            second,
            offered: rate(step.offered),
            accepted: rate(step.accepted),
            refused: rate(step.refused),
            delivered: rate(step.delivered),
            ack_p50: ack.p50,
            ack_p99: ack.p99,
            delivered_p50: delivered.p50,
            delivered_p99: delivered.p99,
            delivered_max: delivered.max,
        }
    };
    steps.into_iter().enumerate().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::{Message, curve};
    use std::time::{Duration, Instant};

    #[test]
    fn a_message_counts_where_it_was_due_and_its_deliveries_where_they_arrived() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let message = |due, acknowledged, delivered: &[u64]| Message {
            acknowledged: Some(at(acknowledged)),
            delivered: delivered.iter().map(|millis| at(*millis)).collect(),
            ..Message::of(0, at(due), None)
        };
        let refused = Message { refused: Some((at(2_200), "busy".to_owned())), ..Message::of(0, at(100), None) };
        let messages = [message(500, 600, &[700, 1_500]), message(1_200, 1_210, &[1_300, 9_000]), refused];
        let points = curve(&messages, &(begun..at(2_500)));
        assert_eq!(points.iter().map(|point| point.second).collect::<Vec<_>>(), [0.0, 1.0, 2.0]);
        let rates = points.iter().map(|point| (point.offered, point.accepted, point.delivered, point.refused));
        assert_eq!(rates.collect::<Vec<_>>(), [(2.0, 1.0, 1.0, 0.0), (1.0, 1.0, 2.0, 0.0), (0.0, 0.0, 0.0, 2.0)]);
        assert!((points[0].ack_p50 - 100.0).abs() < 0.1 && points[0].delivered_max == 1_000.0, "{points:?}");
    }
}
