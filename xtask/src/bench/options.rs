//! The command line of a measurement.

use clap::{Args, ValueEnum, value_parser};
use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

/// The scenario that rivals can play, too.
const COMMON: &str = "rooms";

/// Measurements.
#[derive(Args)]
pub(crate) struct Bench {
    /// A scenario of chatchit-loadgen that starts a server: `rooms`, `storm`, `typing` …
    #[arg(default_value = COMMON)]
    pub(super) scenario: String,
    /// The loads of `rooms`: `closed`, or messages a second. May be given several times.
    #[arg(long = "load", value_name = "LOAD", default_values = ["closed", "200", "1000"])]
    loads: Vec<Load>,
    /// Rounds. In each, all take turns; every second round goes backwards.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..))]
    pub(super) rounds: u32,
    /// Seconds of `rooms` before it is measured.
    #[arg(long, default_value_t = 3)]
    warm_up: u64,
    /// Measured seconds of each turn of `rooms`.
    #[arg(long, default_value_t = 10)]
    measure: u64,
    /// The places of the server; both by default.
    #[arg(long = "place", value_enum, value_name = "PLACE")]
    places: Vec<Place>,
    /// The rivals; all that can be had by default, in `rooms`.
    #[arg(long = "rival", value_enum, value_name = "RIVAL")]
    rivals: Vec<Rival>,
    /// No rival.
    #[arg(long, conflicts_with = "rivals")]
    no_rivals: bool,
    /// The limits; all by default, in `rooms`.
    #[arg(long = "limit", value_enum, value_name = "LIMIT")]
    limits: Vec<Limit>,
    /// No limit.
    #[arg(long, conflicts_with = "limits")]
    no_limits: bool,
    /// Builds another commit beside this tree, and takes turns with it. Each is loaded by its own chatchit-loadgen.
    #[arg(long, value_name = "REVISION")]
    pub(super) against: Option<String>,
    /// All data in memory instead of on disk, if there is room.
    #[arg(long)]
    pub(super) memory: bool,
    /// Writes everything that was measured to this file, with machine, versions and commit.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Take the programs from this folder, such as `target/release`. Without: they are built for release.
    #[arg(long, value_name = "FOLDER")]
    pub(super) binaries: Option<PathBuf>,
    /// Passed on to chatchit-loadgen. Rivals, which know none of it, are then left out.
    #[arg(last = true)]
    pub(super) arguments: Vec<String>,
}

/// A server of this repository, as one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Place {
    /// On SQLite.
    Embedded,
    /// On Postgres, RabbitMQ and Redis.
    Production,
}

/// Another server with the same work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Rival {
    /// Debian's, with its archive in Postgres.
    Ejabberd,
    /// socket.io and Postgres, written plainly: bench/rivals/node.
    Node,
}

/// A bound that the engines or the machine set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Limit {
    /// The log alone beside a bare durable insert into the same table, on SQLite.
    AppendEmbedded,
    /// The same on Postgres.
    Append,
    /// A rebuild of all read models beside COPY of the same rows into the same tables.
    Copy,
    /// Messages to the members of a room by WebSocket, and nothing else.
    FanOut,
    /// Messages through RabbitMQ, confirmed and consumed, and nothing else.
    Rabbitmq,
    /// Append and replay of stock cqrs-es and postgres-es.
    CqrsEs,
}

/// A load of `rooms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// Everybody has one message outstanding.
    Closed,
    /// So many messages a second.
    Open(u32),
}

impl FromStr for Load {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.parse::<u32>()) {
            ("closed", _) => Ok(Self::Closed),
            (_, Ok(rate)) if rate > 0 => Ok(Self::Open(rate)),
            _ => Err(format!("{text:?} is neither `closed` nor a number of messages a second")),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Open(rate) => write!(f, "open {rate}/s"),
        }
    }
}

impl Load {
    /// The options of the load generator, and of the clients of rivals.
    pub(super) fn arguments(self) -> Option<String> {
        match self {
            Self::Closed => None,
            Self::Open(rate) => Some(format!("--rate={rate}")),
        }
    }
}

impl Limit {
    pub(super) const fn needs_engines(self) -> bool {
        !matches!(self, Self::AppendEmbedded | Self::FanOut)
    }
}

/// The name of a place, a rival or a limit on the command line.
pub(super) fn name(of: impl ValueEnum) -> String {
    of.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

impl Bench {
    /// Rivals can play it, too.
    fn is_common(&self) -> bool {
        self.scenario == COMMON && self.arguments.is_empty()
    }

    /// The loads, if the scenario has them.
    pub(super) fn loads(&self) -> Option<&[Load]> {
        (self.scenario == COMMON).then_some(&self.loads)
    }

    pub(super) fn places(&self) -> Vec<Place> {
        chosen(&self.places, Place::value_variants())
    }

    pub(super) fn rivals(&self) -> Vec<Rival> {
        match self.is_common() && !self.no_rivals {
            true => chosen(&self.rivals, Rival::value_variants()),
            false => Vec::new(),
        }
    }

    pub(super) fn limits(&self) -> Vec<Limit> {
        let possible: &[Limit] = if self.no_limits || !self.is_common() { &[] } else { Limit::value_variants() };
        chosen(&self.limits, possible)
    }

    pub(super) const fn measured(&self) -> Duration {
        Duration::from_secs(self.measure)
    }

    /// The duration of a turn of `rooms`, as options.
    pub(super) fn duration(&self) -> [String; 2] {
        [format!("--warm-up={}", self.warm_up), format!("--measure={}", self.measure)]
    }
}

/// Those that were named, else all that are possible.
fn chosen<T: Copy>(named: &[T], possible: &[T]) -> Vec<T> {
    if named.is_empty() { possible.to_vec() } else { named.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::{Bench, Limit, Load, Place, Rival, name};
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        bench: Bench,
    }

    fn bench(line: &str) -> Bench {
        Line::try_parse_from(line.split(' ')).unwrap().bench
    }

    #[test]
    fn a_load_is_closed_or_a_rate() {
        assert_eq!("closed".parse(), Ok(Load::Closed));
        assert_eq!("200".parse(), Ok(Load::Open(200)));
        assert!(["", "0", "-1", "open"].iter().all(|text| text.parse::<Load>().is_err()));
    }

    #[test]
    fn by_default_everything_takes_part() {
        let all = bench("bench");
        assert_eq!(all.loads().unwrap(), [Load::Closed, Load::Open(200), Load::Open(1_000)]);
        assert_eq!((all.places().len(), all.rivals().len(), all.limits().len()), (2, 2, 6));
        let some = bench("bench --place embedded --rival node --limit copy --load 50");
        assert_eq!((some.places(), some.rivals()), (vec![Place::Embedded], vec![Rival::Node]));
        assert_eq!((some.limits(), some.loads().unwrap()), (vec![Limit::Copy], &[Load::Open(50)][..]));
    }

    #[test]
    fn rivals_have_no_part_in_other_work() {
        for line in ["bench storm", "bench rooms -- --users 400", "bench --no-rivals --no-limits"] {
            let bench = bench(line);
            assert!(bench.rivals().is_empty() && bench.limits().is_empty(), "{line}");
        }
        assert!(bench("bench storm").loads().is_none());
        assert_eq!(name(Limit::FanOut), "fan-out");
    }
}
