//! Leases for the sessions that have a socket in this process: taken when one comes, renewed while one stays, given
//! up when the last has gone. A process that dies leaves leases that end by themselves.

use crate::hub::Hub;
use domain::{SessionId, Timestamp, UserId};
use graph::{Graph, GraphError};
use std::{collections::HashSet, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a lease lasts, in milliseconds.
const LEASE_MS: i64 = 60_000;
/// How often leases are renewed.
const RENEWAL: Duration = Duration::from_secs(20);
/// How often it looks whether the graph has lost them.
const LOOK: Duration = Duration::from_secs(1);
/// How long comings and goings are gathered, so that a thousand who come at once cost a few round trips.
const GATHER: Duration = Duration::from_millis(50);
/// Between attempts while the graph is away.
const PAUSE: Duration = Duration::from_secs(1);

type Sessions = HashSet<(UserId, SessionId)>;

/// Keeps the leases of `node`, this process, until `stop`; then gives them up.
pub(crate) async fn attend(hub: Hub, graph: Graph, node: Uuid, clock: fn() -> Timestamp, stop: CancellationToken) {
    let mut leased = Sessions::new();
    let mut renewal = Instant::now();
    let mut seen = signs(&graph).await;
    while !stop.is_cancelled() {
        let (present, moved) = hub.sessions();
        let before = std::mem::replace(&mut seen, signs(&graph).await);
        if seen != before || Instant::now() >= renewal {
            // Those that are given up are asked for again, should this fail.
            leased.retain(|session| !present.contains(session));
            renewal = Instant::now() + RENEWAL;
            // Those of processes that were killed.
            if let Err(error) = graph.expire(clock()).await {
                tracing::debug!(error.cause = %error, "ended leases are left for later");
            }
        }
        let pause = match settle(&graph, node, clock(), &present, &leased).await {
            Ok(()) => {
                leased = present;
                tokio::select! {
                    () = moved => GATHER,
                    () = sleep(LOOK) => Duration::ZERO,
                    () = stop.cancelled() => Duration::ZERO,
                }
            }
            Err(error) => {
                tracing::debug!(error.cause = %error, "who is here could not be told to the graph");
                renewal = Instant::now();
                PAUSE
            }
        };
        stop.run_until_cancelled(sleep(pause)).await;
    }
    if let Err(error) = settle(&graph, node, clock(), &Sessions::new(), &leased).await {
        tracing::debug!(error.cause = %error, "leases were not given up and end by themselves");
    }
}

/// What changes when the graph has lost its leases: flushed, restarted, failed over.
async fn signs(graph: &Graph) -> (Option<u64>, u64) {
    let epoch = graph.epoch().await.ok().flatten();
    (epoch.map(|epoch| epoch.number()), graph.stats().reconnections)
}

/// Takes the leases that are wanting, and gives up those of sessions that have gone.
async fn settle(
    graph: &Graph,
    node: Uuid,
    now: Timestamp,
    present: &Sessions,
    leased: &Sessions,
) -> Result<(), GraphError> {
    let until = Timestamp::from_millis(now.millis() + LEASE_MS);
    let wanting: Vec<_> = present.difference(leased).copied().collect();
    if !wanting.is_empty() {
        graph.renew(&wanting, node, until).await?;
    }
    let gone: Vec<_> = leased.difference(present).copied().collect();
    if !gone.is_empty() {
        graph.release_all(&gone, node).await?;
    }
    Ok(())
}
