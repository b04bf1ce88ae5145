//! `docs/tour.md`, run as written: stock clients against the programs, on each engine.

use super::place::SECRETS;
use crate::{
    engines::{ALL, Engines},
    programs::Programs,
    shell::{Shell, say, workspace_root},
    suite,
};
use anyhow::{Context, Result};
use std::{
    ffi::OsString,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::process::Command;

const TOUR: &str = "docs/tour.md";
/// Where the tour finds the programs.
const BUILT: &str = "$PWD/target/release";

/// Ends at the first command that fails, and prints it.
const PROLOGUE: &str = "set -Eeuo pipefail\ntrap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n";

/// Runs the tour on SQLite, on a private Postgres, and on private production engines.
pub(crate) async fn run(shell: &mut Shell, programs: &Programs) -> Result<()> {
    let root = workspace_root();
    let tour = fs::read_to_string(root.join(TOUR)).with_context(|| format!("cannot read {TOUR}"))?;
    let work = tempfile::Builder::new().prefix("chatchit-tour-").tempdir()?;
    let script = work.path().join("tour.sh");
    let folder = programs.folder().to_string_lossy();
    fs::write(&script, PROLOGUE.to_owned() + &blocks(&tour).replace(BUILT, &folder))?;
    let wscat = install_wscat(shell, &work).await?;

    say("the tour, on SQLite");
    walk(shell, &root, &script, &wscat, &[]).await?;
    let production = ALL.map(|engine| engine.variable);
    for (engines, wanted) in [("Postgres", &production[..1]), ("Postgres, RabbitMQ and Redis", &production)] {
        let private = Engines::fresh(shell).await?;
        let mut variables = SECRETS.to_vec();
        variables.extend(private.variables().filter(|(variable, _)| wanted.contains(variable)));
        say(format_args!("the tour, on {engines}"));
        walk(shell, &root, &script, &wscat, &variables).await?;
    }
    Ok(())
}

async fn walk(shell: &mut Shell, root: &Path, script: &Path, wscat: &Path, engine: &[(&str, &str)]) -> Result<()> {
    let data = tempfile::Builder::new().prefix("chatchit-tour-data-").tempdir()?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = Command::new("bash");
    command.arg(script).current_dir(root).env("PATH", with_folder(wscat)?);
    suite::without_foreign(&mut command);
    command.env("CHATCHIT_DATA", data.path()).env("PORT", port.to_string()).envs(engine.iter().copied());
    let walked = shell.run(&mut command).await;
    if walked.is_err() {
        let log = fs::read_to_string(data.path().join("server.log")).unwrap_or_default();
        say(format_args!("the server's log says:\n{log}"));
    }
    walked
}

async fn install_wscat(shell: &mut Shell, work: &TempDir) -> Result<PathBuf> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"]).arg(work.path()).arg("wscat");
    shell.run(&mut npm).await?;
    Ok(work.path().join("node_modules/.bin"))
}

fn with_folder(folder: &Path) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(folders)?)
}

/// The contents of the fenced `bash` blocks of a page.
fn blocks(page: &str) -> String {
    let mut inside = false;
    let mut script = String::new();
    for line in page.lines() {
        match line.trim_end() {
            "```bash" => inside = true,
            "```" => inside = false,
            line if inside => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn the_bash_blocks_of_a_page_are_its_script() {
        let page = "# A page\n\n```bash\necho 1\n```\nprose\n```text\nno\n```\n```bash\necho 2\n```\n";
        assert_eq!(blocks(page), "echo 1\necho 2\n");
    }
}
