//! What the lanes hold: by tier and by partition.

use crate::{Installation, PATIENCE, dashboard::ProcessState, gather::age_seconds};
use domain::{EventType, Tier};
use operations::App;
use projections::{LaneLag, ParkedCount};
use protocol::Problem;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

/// Up to how many waiting events of a lane are counted.
const COUNTED: u32 = 200;

/// What the lanes of the installation hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueFigures {
    /// The tiers, the most urgent first.
    pub tiers: Vec<TierStats>,
    /// The lanes: each partition of each tier.
    pub partitions: Vec<PartitionStats>,
    /// The processes, and how old their figures are. Rates are theirs; the rest is of now.
    pub processes: Vec<ProcessState>,
}

/// What a tier holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TierStats {
    /// `high` or `medium`.
    pub tier: &'static str,
    /// Events that a read model lacks.
    pub depth: usize,
    /// Whether there may be more: of a lane, 200 are counted.
    pub depth_is_more: bool,
    /// Events appended in a second.
    pub appended_per_second: f64,
    /// Messages (runs of events) that processes published and received in a second.
    pub published_per_second: f64,
    /// See `publishedPerSecond`.
    pub received_per_second: f64,
    /// Partitions that a worker follows.
    pub consumers: usize,
    /// The age of the oldest event that a read model lacks, in seconds; 0 if none is lacking.
    pub oldest_seconds: f64,
    /// How often parked events were retried.
    pub retried: u64,
    /// Parked events: one that failed, and those behind it in its stream.
    pub parked: u64,
    /// Of these, those that are not retried any more.
    pub given_up: u64,
}

/// What a lane holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartitionStats {
    /// `high` or `medium`.
    pub tier: &'static str,
    /// The partition's number.
    pub partition: u16,
    /// Events that a read model lacks; at most 200 are counted.
    pub depth: usize,
    /// Events of all lanes from the oldest of them to the head of the log.
    pub lag_events: u64,
    /// Events appended in a second.
    pub appended_per_second: f64,
    /// The workers that follow it: 1, or 0.
    pub consumers: usize,
    /// The age of the oldest event that a read model lacks, in seconds; 0 if none is lacking.
    pub oldest_seconds: f64,
    /// How often parked events were retried.
    pub retried: u64,
    /// Parked events: one that failed, and those behind it in its stream.
    pub parked: u64,
}

pub(crate) async fn read(app: &App, installation: &Installation) -> Result<QueueFigures, Problem> {
    let asked = async {
        Ok::<_, projections::Error>((
            app.progress.lanes(COUNTED).await?,
            app.progress.parked().await?,
            app.progress.unheld().await?,
        ))
    };
    let Ok(answer) = timeout(PATIENCE, asked).await else {
        return Err(Problem::unavailable("not_ready", "log or read models do not answer", 2));
    };
    let (lanes, parked, unheld) = answer.map_err(|error| {
        tracing::warn!(error.cause = %error, "the lanes cannot be looked at");
        Problem::unavailable("not_ready", "log or read models are away", 2)
    })?;
    let consumers = |partition: u16| usize::from(!unheld.iter().any(|free| free.0 == partition));
    let partitions: Vec<_> = lanes.iter().map(|lane| of_lane(app, installation, lane, &parked, consumers)).collect();
    let tiers = Tier::DURABLE.map(|tier| of_tier(installation, tier, &partitions, &parked)).into();
    Ok(QueueFigures { tiers, partitions, processes: installation.states() })
}

fn of_lane(
    app: &App,
    installation: &Installation,
    lag: &LaneLag,
    parked: &[ParkedCount],
    consumers: impl Fn(u16) -> usize,
) -> PartitionStats {
    let (tier, partition) = (lag.lane.tier, lag.lane.partition.0);
    let of_lane = || parked.iter().filter(|parked| parked.partition == Some(partition) && tier_of(parked) == tier);
    let number = partition.to_string();
    let labels = [("tier", tier.as_str()), ("partition", number.as_str())];
    PartitionStats {
        tier: tier.as_str(),
        partition,
        depth: lag.waiting,
        lag_events: lag.lag,
        appended_per_second: installation.rate("chatchit_lane_events_total", &labels),
        consumers: consumers(partition),
        oldest_seconds: age_seconds(app, lag),
        retried: of_lane().map(|parked| parked.retries).sum(),
        parked: of_lane().map(|parked| parked.parked).sum(),
    }
}

fn of_tier(
    installation: &Installation,
    tier: Tier,
    partitions: &[PartitionStats],
    parked: &[ParkedCount],
) -> TierStats {
    let name = tier.as_str();
    let lanes = || partitions.iter().filter(|lane| lane.tier == name);
    let of_tier = || parked.iter().filter(|parked| tier_of(parked) == tier);
    let messages = |what| installation.rate("chatchit_lane_messages_total", &[("lane", name), ("what", what)]);
    TierStats {
        tier: name,
        depth: lanes().map(|lane| lane.depth).sum(),
        depth_is_more: lanes().any(|lane| lane.depth >= COUNTED as usize),
        appended_per_second: lanes().map(|lane| lane.appended_per_second).sum(),
        published_per_second: messages("published"),
        received_per_second: messages("received"),
        consumers: lanes().map(|lane| lane.consumers).sum(),
        oldest_seconds: lanes().map(|lane| lane.oldest_seconds).fold(0.0, f64::max),
        retried: of_tier().map(|parked| parked.retries).sum(),
        parked: of_tier().map(|parked| parked.parked).sum(),
        given_up: of_tier().map(|parked| parked.given_up).sum(),
    }
}

/// The tier of parked events; those of a type that this build does not know count as high.
fn tier_of(parked: &ParkedCount) -> Tier {
    EventType::all().find(|kind| kind.name == parked.event_type).map_or(Tier::High, |kind| kind.tier)
}
