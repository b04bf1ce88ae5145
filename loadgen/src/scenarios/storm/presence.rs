//! Presence after a storm, compared with the truth.

use crate::{
    server::Server,
    traffic::{
        presence::{Presence, members},
        seed::Seeded,
    },
};
use anyhow::Result;
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// The time limit: a lease, a grace and a margin.
const PATIENCE: Duration = Duration::from_secs(120);
/// The most rooms that are asked about.
const ROOMS: usize = 50;

/// Asks the first member of each room for the presence of the others, until it is `here`. Returns the seconds; `None` after
/// the time limit.
pub(super) async fn settles(server: &Server, seeded: &Seeded, here: impl Fn(usize) -> bool) -> Result<Option<f64>> {
    let (begun, presence, doors) = (Instant::now(), Presence::new()?, server.living_doors());
    let rooms = seeded.rooms.len();
    let mut untrue = Vec::new();
    for room in (0..rooms).step_by(rooms.div_ceil(ROOMS).max(1)) {
        let Some((asking, others)) = members(seeded, room) else { continue };
        let online = others.iter().filter(|(user, _)| here(*user)).map(|(_, seat)| seat.id.clone());
        untrue.push((doors[room % doors.len()], asking, online.collect::<HashSet<_>>()));
    }
    while begun.elapsed() < PATIENCE {
        let mut still = Vec::new();
        for (door, asking, online) in untrue {
            if presence.online(door, asking).await? != online {
                still.push((door, asking, online));
            }
        }
        if still.is_empty() {
            return Ok(Some(begun.elapsed().as_secs_f64()));
        }
        untrue = still;
        sleep(Duration::from_millis(100)).await;
    }
    Ok(None)
}
