//! Circles among the files of a crate: a reader of one file must read all, and none can be moved out alone.
//!
//! A file depends on another if it names something declared there. A re-export is followed to the declaration, and depends on
//! nothing itself. Code for tests is left out, and so are methods, which name no file.

mod graph;
mod source;

use crate::shell::{Shell, cargo, say};
use anyhow::{Result, bail};
use graph::Graph;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The most files of a circle.
const MOST: usize = 3;

/// Crates that have a larger circle, and how many files their largest has. Debts: no line is added and no number raised.
/// A change that makes a circle smaller lowers its number here; at [`MOST`] the line is removed.
const CEILINGS: &[(&str, usize)] = &[];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

impl Package {
    /// The graph of each library and program of the crate, its files named from the crate's folder.
    fn graphs(&self) -> Result<Vec<Graph>> {
        let is_read = |target: &&Target| target.kind.iter().any(|kind| kind == "lib" || kind == "bin");
        let folder = self.manifest_path.parent().unwrap_or(Path::new("."));
        self.targets.iter().filter(is_read).map(|target| Ok(source::read(&target.src_path)?.graph(folder))).collect()
    }
}

/// Fails, naming the files of each circle that is too large, and each ceiling that is higher than it needs to be.
pub(crate) async fn check(shell: &mut Shell) -> Result<()> {
    let mut faults = Vec::new();
    for package in packages(shell).await? {
        let circles: Vec<_> = package.graphs()?.iter().flat_map(Graph::circles).collect();
        faults.extend(judge(&package.name, &circles, CEILINGS));
    }
    if faults.is_empty() {
        say(format_args!("no circle of files is larger than {MOST}, or than its ceiling"));
        return Ok(());
    }
    bail!(
        "files depend on each other in circles (`cargo xtask circles <crate>` says by which names):\n  {}",
        faults.join("\n  ")
    )
}

/// Prints the circles of a crate, with the names that make them.
#[expect(clippy::print_stdout, reason = "the output is the result")]
pub(crate) async fn show(shell: &mut Shell, name: &str) -> Result<()> {
    let packages = packages(shell).await?;
    let Some(package) = packages.iter().find(|package| package.name == name) else { bail!("there is no crate {name}") };
    for graph in package.graphs()? {
        let modules = graph.by_module();
        println!("{}: {}", package.name, graph.summary());
        println!("its modules: {}", modules.summary());
        for (circle, number) in graph.circles().iter().zip(1..) {
            println!("\ncircle {number}: {} files", circle.len());
            for (from, to, names) in graph.arrows_within(circle) {
                println!("  {from} -> {to}: {}", names.join(", "));
            }
        }
        for circle in modules.circles() {
            println!("\nmodules in a circle: {}", circle.join(", "));
            for (from, to, names) in modules.arrows_within(&circle) {
                println!("  {from} -> {to}: {}", names.join(", "));
            }
        }
    }
    Ok(())
}

async fn packages(shell: &mut Shell) -> Result<Vec<Package>> {
    let metadata = shell.output(cargo().args(["metadata", "--format-version=1", "--no-deps", "--locked"])).await?;
    Ok(serde_json::from_str::<Metadata>(&metadata)?.packages)
}

fn judge(name: &str, circles: &[Vec<String>], ceilings: &[(&str, usize)]) -> Vec<String> {
    let ceiling = ceilings.iter().find(|(known, _)| *known == name).map(|(_, ceiling)| *ceiling);
    let allowed = ceiling.unwrap_or(MOST);
    let too_large = circles.iter().filter(|circle| circle.len() > allowed);
    let mut faults: Vec<_> = too_large
        .map(|circle| format!("{name}: {} files, at most {allowed} may be: {}", circle.len(), circle.join(", ")))
        .collect();
    let largest = circles.iter().map(Vec::len).max().unwrap_or_default();
    if let Some(ceiling) = ceiling.filter(|ceiling| largest < *ceiling) {
        let lower = if largest > MOST { format!("lower it to {largest}") } else { "take it out".to_owned() };
        faults.push(format!("{name}: the ceiling {ceiling} is higher than it needs to be: {lower}"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::judge;

    fn circle(files: usize) -> Vec<String> {
        (0..files).map(|n| format!("{n}.rs")).collect()
    }

    #[test]
    fn a_circle_has_three_files_at_most_and_an_old_one_never_grows() {
        assert!(judge("new", &[circle(2), circle(3)], &[]).is_empty());
        assert!(judge("new", &[circle(4)], &[("old", 9)])[0].contains("4 files, at most 3"));
        assert!(judge("old", &[circle(9), circle(2)], &[("old", 9)]).is_empty());
        assert!(judge("old", &[circle(10)], &[("old", 9)])[0].contains("10 files, at most 9"));
    }

    #[test]
    fn a_ceiling_follows_what_is_left_of_a_circle() {
        assert!(judge("old", &[circle(7)], &[("old", 9)])[0].ends_with("lower it to 7"));
        assert!(judge("old", &[circle(3)], &[("old", 9)])[0].ends_with("take it out"));
        assert!(judge("old", &[], &[("old", 9)])[0].ends_with("take it out"));
    }
}
