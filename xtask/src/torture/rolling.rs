//! A rolling upgrade under traffic: an earlier build, this one, the earlier one again, and this one at last. Workers come
//! first, one process at a time.

use super::{
    Torture,
    act::{Act, PARTITIONS, UNCONCERNED},
    report::Line,
};
use crate::{
    revision::{self, Revision},
    shell::{Shell, say},
};
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// The bound of the end after SIGTERM (seconds).
const ENDS: f64 = 22.0;

/// The server from which the upgrade begins, if one was named; built, if it is a commit.
pub(super) async fn earlier(shell: &mut Shell, torture: &Torture) -> Result<Option<PathBuf>> {
    if let Some(program) = &torture.from_program {
        let program = program.canonicalize().with_context(|| format!("there is no {}", program.display()))?;
        return Ok(Some(program));
    }
    let Some(revision) = &torture.from else { return Ok(None) };
    let program = Revision::build(shell, revision, &[revision::SERVER]).await?.program("chatchit");
    say(format_args!("the earlier build is {}", program.display()));
    Ok(Some(program))
}

/// Upgrades, rolls back, and upgrades again.
pub(super) async fn play(act: &mut Act<'_>, earlier: &Path, present: &Path) -> Result<()> {
    ensure!(std::fs::read(earlier)? != std::fs::read(present)?, "both builds are the same program");
    act.works_again("the earlier build serves", UNCONCERNED).await?;
    for (how, program) in [("upgraded", present), ("rolled back", earlier), ("upgraded again", present)] {
        let workers = act.dice.shuffled(act.traffic.processes("worker"));
        let gateways = act.dice.shuffled(act.traffic.processes("gateway"));
        for process in workers.into_iter().chain(gateways) {
            act.calm().await;
            replace(act, &process, program, how).await?;
        }
    }
    // What one build could not read, the other applies when it starts.
    act.calm().await;
    act.works_again("all processes are of this build", PARTITIONS).await
}

/// Ends a process by SIGTERM, and starts it with another program.
async fn replace(act: &mut Act<'_>, process: &str, program: &Path, how: &str) -> Result<()> {
    act.traffic.mark().await?;
    let ended = act.traffic.terminate(process, ENDS + 30.0).await?;
    act.note(Line::seconds(&format!("{process} is {how}"), "ended", ended, ENDS));
    act.recovers(&format!("{process} has ended to be {how}"), [UNCONCERNED, UNCONCERNED, PARTITIONS], None).await?;
    act.traffic.start_with(process, program).await?;
    act.works_again(&format!("{process} was {how}"), PARTITIONS).await
}
