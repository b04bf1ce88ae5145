//! The cost of a measurement, per program.

use super::{
    sampler::Samples,
    usage::{Kind, Usage},
};
use serde::Serialize;

/// Processor seconds per thousand messages.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spent {
    pub(crate) server: f64,
    pub(crate) postgres: f64,
    pub(crate) rabbitmq: f64,
    pub(crate) redis: f64,
    pub(crate) client: f64,
    /// All but the client.
    pub(crate) total: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cost {
    pub(crate) name: String,
    pub(crate) cpu_seconds: f64,
    pub(crate) cpu_seconds_per_1000: f64,
    /// Memory at the end; `None` for processes that do not run any more.
    pub(crate) resident_mib: Option<f64>,
    pub(crate) most_resident_mib: Option<f64>,
}

/// The usage of one program over time.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Track {
    pub(crate) name: String,
    pub(crate) points: Vec<Used>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Used {
    /// From the first look.
    pub(crate) second: f64,
    /// Processor seconds per second since the look before.
    pub(crate) cores: f64,
    pub(crate) resident_mib: Option<f64>,
}

impl Cost {
    pub(crate) fn describe(&self) -> String {
        let Self { name, cpu_seconds_per_1000, most_resident_mib, .. } = self;
        let memory = most_resident_mib.map(|mib| format!(" ({mib:.0} MiB)")).unwrap_or_default();
        format!("{name} {cpu_seconds_per_1000:.3}{memory}")
    }
}

impl Samples {
    /// The cost of each program between the first and the last look, also per thousand of `count`.
    pub(crate) fn costs(&self, count: usize) -> (Spent, Vec<Cost>) {
        let mut spent = Spent::default();
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return (spent, Vec::new()) };
        let costs = first.usage.iter().zip(&last.usage).enumerate().map(|(number, (before, after))| {
            // What was restarted between the looks begins again at 0.
            let cpu_seconds = (after.seconds - before.seconds).max(0.0);
            let cpu_seconds_per_1000 = if count == 0 { 0.0 } else { cpu_seconds * 1e3 / count as f64 };
            *match after.kind {
                Kind::Server => &mut spent.server,
                Kind::Postgres => &mut spent.postgres,
                Kind::RabbitMq => &mut spent.rabbitmq,
                Kind::Redis => &mut spent.redis,
                Kind::Client => &mut spent.client,
            } += cpu_seconds_per_1000;
            let most = self.0.iter().filter_map(|sample| mib(&sample.usage[number])).reduce(f64::max);
            Cost {
                name: after.name.clone(),
                cpu_seconds,
                cpu_seconds_per_1000,
                resident_mib: mib(after),
                most_resident_mib: most,
            }
        });
        let costs = costs.collect();
        spent.total = spent.server + spent.postgres + spent.rabbitmq + spent.redis;
        (spent, costs)
    }

    /// The memory of all processes of the server at the last look (KiB).
    pub(crate) fn server_resident(&self) -> u64 {
        let usage = self.0.last().into_iter().flat_map(|sample| &sample.usage);
        usage.filter(|usage| usage.kind == Kind::Server).filter_map(|usage| usage.resident_kib).sum()
    }

    pub(crate) fn tracks(&self) -> Vec<Track> {
        let Some(first) = self.0.first() else { return Vec::new() };
        let track = |(number, usage): (usize, &Usage)| {
            let points = self.0.windows(2).map(|pair| {
                let [before, after] = [&pair[0], &pair[1]];
                let seconds = (after.at - before.at).as_secs_f64().max(1e-3);
                let spent = after.usage[number].seconds - before.usage[number].seconds;
                Used {
                    second: (after.at - first.at).as_secs_f64(),
                    cores: spent.max(0.0) / seconds,
                    resident_mib: mib(&after.usage[number]),
                }
            });
            Track { name: usage.name.clone(), points: points.collect() }
        };
        first.usage.iter().enumerate().map(track).collect()
    }
}

fn mib(usage: &Usage) -> Option<f64> {
    usage.resident_kib.map(|kib| kib as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::{super::sampler::Sample, Kind, Samples, Usage, Used};
    use std::time::{Duration, Instant};

    #[test]
    fn the_client_is_no_part_of_the_total_and_a_restart_costs_nothing() {
        let usage =
            |kind, seconds, mib: u64| Usage { name: "x".to_owned(), kind, seconds, resident_kib: Some(mib * 1024) };
        let begun = Instant::now();
        let sample = |second, server, other, redis, client, mib| Sample {
            at: begun + Duration::from_secs(second),
            usage: vec![
                usage(Kind::Server, server, mib),
                usage(Kind::Server, other, 1),
                usage(Kind::Redis, redis, 1),
                usage(Kind::Client, client, 1),
            ],
        };
        let samples = Samples(vec![
            sample(0, 1.0, 1.0, 9.0, 0.0, 2),
            sample(2, 1.5, 2.0, 0.5, 4.0, 5),
            sample(4, 2.0, 3.0, 1.0, 5.0, 3),
        ]);
        let (spent, costs) = samples.costs(2_000);
        assert_eq!((spent.server, spent.redis, spent.client, spent.total), (1.5, 0.0, 2.5, 1.5));
        assert_eq!(
            (costs[1].cpu_seconds, costs[0].resident_mib, costs[0].most_resident_mib),
            (2.0, Some(3.0), Some(5.0))
        );
        assert_eq!(samples.server_resident(), 4 * 1024);
        let tracks = samples.tracks();
        assert_eq!(tracks[0].points[0], Used { second: 2.0, cores: 0.25, resident_mib: Some(5.0) });
        assert_eq!((tracks[2].points[0].cores, tracks[0].points.len()), (0.0, 2));
    }
}
