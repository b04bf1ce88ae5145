//! One set of features: what `cargo run` built is not built again by the tests or for the other binaries.

use crate::shell::{Shell, cargo, say};
use anyhow::{Result, bail};
use std::collections::BTreeSet;

/// Fails, naming each package that the whole workspace builds with other features than the server alone.
pub(crate) async fn check(shell: &mut Shell) -> Result<()> {
    let server = resolved(shell, &["--package=gateway", "--edges=normal,build"]).await?;
    let workspace = resolved(shell, &["--workspace", "--edges=normal,build,dev"]).await?;
    let faults = differing(&server, &workspace);
    if faults.is_empty() {
        say("every build resolves the same features");
        return Ok(());
    }
    bail!(
        "the workspace builds these with other features than the server alone; name the features in both:\n  {}",
        faults.join("\n  ")
    )
}

async fn resolved(shell: &mut Shell, of: &[&str]) -> Result<String> {
    let tree = ["tree", "--locked", "--prefix=none", "--format={p} [{f}]"];
    shell.output(cargo().args(tree).args(of)).await
}

/// The packages of the server that the workspace resolves in a form that the server does not.
fn differing(server: &str, workspace: &str) -> Vec<String> {
    let forms = |tree: &str| -> BTreeSet<String> {
        tree.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
    };
    let (server, workspace) = (forms(server), forms(workspace));
    let name = |form: &str| form.split(" [").next().map(str::to_owned);
    let names: BTreeSet<_> = server.iter().filter_map(|form| name(form)).collect();
    let other = workspace.difference(&server).filter(|form| name(form).is_some_and(|name| names.contains(&name)));
    other.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_with_other_features_is_named_and_one_that_only_the_workspace_has_is_not() {
        let server = "sqlx v0.8.6 [postgres]\nserde v1.0.0 [derive]";
        let workspace = "sqlx v0.8.6 [json,postgres]\nserde v1.0.0 [derive]\ntempfile v3.0.0 [default]";
        assert_eq!(differing(server, workspace), ["sqlx v0.8.6 [json,postgres]"]);
        assert!(differing(server, server).is_empty());
    }
}
