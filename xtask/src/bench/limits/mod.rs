//! The bounds that engines and machine set, measured in the same run.

pub(super) mod append;
mod bare;
pub(super) mod copy;

pub(super) use bare::{CQRS_ES, FAN_OUT};

use super::{
    builds::Build,
    options::{Bench, Limit},
    report::Measurement,
    stage::Stage,
};
use crate::{programs::Programs, shell::Shell};
use anyhow::{Context, Result};
use std::path::Path;

/// One turn of a limit. Engines are there if it needs them.
pub(super) async fn turn(
    shell: &mut Shell,
    bench: &Bench,
    limit: Limit,
    (programs, build): (&Programs, &Build),
    stage: Option<&Stage>,
    log: &Path,
) -> Result<Vec<Measurement>> {
    let engines = || stage.context("the engines are not there");
    let limits = programs.program("chatchit-limits");
    match limit {
        Limit::AppendEmbedded => append::turn(shell, build, None, bench.memory, log).await,
        Limit::Append => append::turn(shell, build, Some(engines()?.database_url()), bench.memory, log).await,
        Limit::Copy => {
            let replay = programs.program("chatchit-replay");
            copy::turn(shell, build, &replay, engines()?, (log, bench.measured())).await
        }
        Limit::FanOut => bare::fan_out(shell, bench, &limits, log).await,
        Limit::Rabbitmq => bare::rabbitmq(shell, bench, &limits, engines()?, log).await,
        Limit::CqrsEs => bare::cqrs_es(shell, &limits, engines()?, log).await,
    }
}
