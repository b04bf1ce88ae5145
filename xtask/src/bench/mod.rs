//! Measurements in one run: the server in two places, another commit, the rivals that can be had, and the limits that engines
//! and machine set. All take turns, so that a machine that drifts drifts for all of them.

mod builds;
mod figures;
mod limits;
mod machine;
mod options;
mod place;
mod processes;
mod report;
mod rivals;
mod server;
mod stage;
mod statistics;
mod watch;

pub(crate) use options::Bench;

use crate::{
    programs::Programs,
    shell::{Shell, say},
};
use anyhow::{Context, Result, ensure};
use builds::Build;
use options::{Limit, Place, Rival, name};
use report::{Measurement, Report};
use rivals::Rivals;
use stage::Stage;
use std::path::PathBuf;

/// A part of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Place(Place),
    Rival(Rival),
    Limit(Limit),
}

/// Everything that turns need.
struct Measuring<'b> {
    bench: &'b Bench,
    programs: Programs,
    builds: Vec<Build>,
    rivals: Rivals,
    /// The output of the programs.
    log: PathBuf,
}

impl Turn {
    const fn needs_engines(self) -> bool {
        match self {
            Self::Place(place) => matches!(place, Place::Production),
            Self::Rival(_) => true,
            Self::Limit(limit) => limit.needs_engines(),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Place(place) => name(place),
            Self::Rival(rival) => name(rival),
            Self::Limit(limit) => name(limit),
        }
    }
}

/// Measures, prints tables, and fails when something could not be measured, was lost or was doubled.
#[expect(clippy::print_stdout, reason = "the output is the result")]
pub(crate) async fn run(shell: &mut Shell, bench: Bench) -> Result<()> {
    let programs = Programs::find(shell, bench.binaries.as_deref(), "bench").await?;
    let mut builds = vec![Build::present(shell, &programs).await?];
    if let Some(revision) = &bench.against {
        builds.push(Build::of(shell, revision).await?);
    }
    let rivals = Rivals::prepare(shell, &bench.rivals()).await?;
    let log = programs.log(&bench.scenario)?;
    let turns = turns(&bench, rivals.ready());
    let about = machine::describe(shell, turns.iter().any(|turn| turn.needs_engines())).await?;
    let mut report = Report::new(about, pairs(&bench, &builds));
    let measuring = Measuring { bench: &bench, programs, builds, rivals, log };
    let mut played = Ok(());
    for round in 1..=bench.rounds {
        played = measuring.round(shell, round, &turns, &mut report).await;
        if played.is_err() {
            break;
        }
    }
    // Also after an interrupt: the measurements until then.
    println!("{}", report.text());
    if let Some(file) = &bench.json {
        let document = serde_json::to_string_pretty(&report.document())?;
        std::fs::write(file, document).with_context(|| format!("cannot write {}", file.display()))?;
    }
    played?;
    say(format_args!("the programs' own output is in {}", measuring.log.display()));
    ensure!(report.is_clean(), "something could not be measured, or was lost or doubled");
    Ok(())
}

impl Measuring<'_> {
    /// Each takes its turn, on engines of this round. Fails only after an interrupt, or when the engines do not start.
    async fn round(&self, shell: &mut Shell, round: u32, turns: &[Turn], report: &mut Report) -> Result<()> {
        let is_backwards = round.is_multiple_of(2);
        let mut turns = turns.to_vec();
        let mut builds: Vec<&Build> = self.builds.iter().collect();
        if is_backwards {
            turns.reverse();
            builds.reverse();
        }
        let mut stage = None;
        for turn in turns {
            say(format_args!("round {round} of {}: {}", self.bench.rounds, turn.name()));
            // Engines that idle would disturb those that have none.
            if !turn.needs_engines() {
                stage = None;
            } else if stage.is_none() {
                stage = Some(Stage::set(shell, self.bench.memory).await?);
            }
            match self.turn(shell, turn, &builds, stage.as_ref()).await {
                Ok(measured) => report.add(round, measured),
                Err(error) if error.to_string() == "interrupted" => return Err(error),
                Err(error) => {
                    say(format_args!("{} could not be measured: {error:#}", turn.name()));
                    report.fail(round, &turn.name(), &error);
                }
            }
        }
        Ok(())
    }

    async fn turn(
        &self,
        shell: &mut Shell,
        turn: Turn,
        builds: &[&Build],
        stage: Option<&Stage>,
    ) -> Result<Vec<Measurement>> {
        let Self { bench, programs, rivals, log, .. } = self;
        match turn {
            Turn::Place(place) => place::turn(shell, bench, place, builds, stage, log).await,
            Turn::Rival(rival) => {
                let stage = stage.context("the engines are not there")?;
                rivals.turn(shell, bench, rival, stage, log).await
            }
            Turn::Limit(limit) => limits::turn(shell, bench, limit, (programs, &self.builds[0]), stage, log).await,
        }
    }
}

/// The turns of a round: first those without engines.
fn turns(bench: &Bench, rivals: &[Rival]) -> Vec<Turn> {
    let places = bench.places().into_iter().map(Turn::Place);
    let rivals = rivals.iter().copied().map(Turn::Rival);
    let limits = bench.limits().into_iter().map(Turn::Limit);
    let mut turns: Vec<_> = places.chain(rivals).chain(limits).collect();
    turns.sort_by_key(|turn| turn.needs_engines());
    turns
}

/// The rows that are compared: ours with those of another commit, of rivals and of limits.
fn pairs(bench: &Bench, builds: &[Build]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut pair = |ours: &str, other: &str| pairs.push((ours.to_owned(), other.to_owned()));
    for place in bench.places() {
        let rows: Vec<_> = builds.iter().map(|build| build.row(&name(place))).collect();
        let Some((ours, others)) = rows.split_first() else { continue };
        others.iter().for_each(|other| pair(ours, other));
        bench.rivals().into_iter().for_each(|rival| pair(ours, &name(rival)));
        pair(ours, limits::FAN_OUT);
    }
    let [ours, bare] = limits::append::ROWS;
    pair(ours, bare);
    let [rebuild, verify, copy] = limits::copy::ROWS;
    pair(rebuild, copy);
    pair(verify, copy);
    for ours in [ours, rebuild] {
        pair(ours, limits::CQRS_ES);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::{Bench, Limit, Place, Rival, Turn, turns};
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        bench: Bench,
    }

    #[test]
    fn engines_are_started_once_a_round() {
        let Line { bench } = Line::parse_from(["bench"]);
        let turns = turns(&bench, &[Rival::Node]);
        let first = [Turn::Place(Place::Embedded), Turn::Limit(Limit::AppendEmbedded), Turn::Limit(Limit::FanOut)];
        assert_eq!(turns[..4], [&first[..], &[Turn::Place(Place::Production)]].concat());
        assert!(turns[3..].iter().all(|turn| turn.needs_engines()), "{turns:?}");
    }
}
