//! Failures of engines.

use super::{
    act::{Act, ENGINE, UNCONCERNED},
    stage::Which,
};
use anyhow::Result;

/// It is stopped for some seconds, and goes on. Without RabbitMQ or Redis all goes on meanwhile.
pub(super) async fn frozen(act: &mut Act<'_>, which: Which) -> Result<()> {
    for _ in 0..2 {
        act.calm().await;
        act.stage.engine(which).engine.freeze();
        if which != Which::Postgres {
            act.traffic.mark().await?;
            act.recovers(&format!("{} is frozen", which.name()), [UNCONCERNED; 3], None).await?;
        }
        let length = act.lasts(3, 15).await;
        act.stage.engine(which).engine.thaw();
        act.works_again(&format!("{} was frozen for {:.1} s", which.name(), length.as_secs_f64()), ENGINE).await?;
    }
    Ok(())
}

/// Postgres ends in the middle of commits, in each possible way.
pub(super) async fn restarted(act: &mut Act<'_>) -> Result<()> {
    for (how, signal) in act.dice.shuffled([("fast", "INT"), ("immediately", "QUIT"), ("by SIGKILL", "KILL")]) {
        act.calm().await;
        act.stage.engine(Which::Postgres).engine.shut_down(signal).await?;
        let length = act.lasts(0, 8).await;
        act.stage.engine(Which::Postgres).engine.start_again().await?;
        act.works_again(&format!("Postgres was shut down {how} for {:.1} s", length.as_secs_f64()), ENGINE).await?;
    }
    Ok(())
}

/// The primary vanishes silently, and its synchronous standby takes over.
pub(super) async fn failed_over(act: &mut Act<'_>) -> Result<()> {
    act.calm().await;
    act.stage.fail_over().await?;
    act.works_again("Postgres failed over to its standby", ENGINE).await
}

/// All connections to it go silent, twice; new ones pass.
pub(super) async fn swallowed(act: &mut Act<'_>, which: Which) -> Result<()> {
    for _ in 0..2 {
        act.calm().await;
        act.stage.engine(which).cable.swallow();
        let phase = format!("all connections to {} are swallowed", which.name());
        act.works_again(&phase, ENGINE).await?;
    }
    Ok(())
}
