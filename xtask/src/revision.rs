//! Another revision of this repository, built for release beside this one.

use crate::{
    release,
    shell::{Shell, cargo, say},
};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::process::Command;

/// Its folder below cargo's target folder.
const FOLDER: &str = "revisions";

/// A package of the workspace, and its program.
pub(crate) type Part = (&'static str, &'static str);

pub(crate) const SERVER: Part = ("gateway", "chatchit");
pub(crate) const LOADGEN: Part = ("loadgen", "chatchit-loadgen");

/// The programs of another commit.
pub(crate) struct Revision {
    pub(crate) commit: String,
    folder: PathBuf,
}

impl Revision {
    /// Builds parts of a revision in a worktree of its own, which is removed afterwards. The programs of a commit that was
    /// built before are used again.
    pub(crate) async fn build(shell: &mut Shell, revision: &str, parts: &[Part]) -> Result<Self> {
        let commit = commit(shell, revision).await?;
        let place = release::target_directory(shell).await?.join(FOLDER);
        let (tree, target) = (place.join("trees").join(&commit), place.join("target"));
        // A commit may have been built for fewer parts before.
        let packages: Vec<_> = parts.iter().map(|(package, _)| *package).collect();
        let built = Self { folder: place.join(format!("{commit}-{}", packages.join("-"))), commit };
        if built.folder.exists() {
            say(format_args!("{revision} was built before"));
            return Ok(built);
        }
        if !tree.exists() {
            fs::create_dir_all(tree.parent().unwrap_or(&place))?;
            let add = ["worktree", "add", "--detach", "--force"];
            shell.run(Command::new("git").args(add).arg(&tree).arg(&built.commit)).await?;
        }
        let mut build = cargo();
        build.args(["build", "--release", "--locked"]).args(packages.iter().map(|name| format!("--package={name}")));
        let made = shell.run(build.current_dir(&tree).env("CARGO_TARGET_DIR", &target)).await;
        let removed = shell.run(Command::new("git").args(["worktree", "remove", "--force"]).arg(&tree)).await;
        made?;
        removed?;
        let programs = parts.iter().map(|(_, program)| *program);
        keep(programs, &target.join("release"), &built.folder)
            .with_context(|| format!("cannot keep the build of {revision}"))?;
        Ok(built)
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// The full name of a commit.
pub(crate) async fn commit(shell: &mut Shell, revision: &str) -> Result<String> {
    let wanted = format!("{revision}^{{commit}}");
    let commit = shell.output(Command::new("git").args(["rev-parse", "--verify", "--quiet", wanted.as_str()])).await;
    Ok(commit.with_context(|| format!("there is no commit {revision}"))?.trim().to_owned())
}

/// Copies programs of one folder to another, which appears with all of them.
fn keep<'p>(programs: impl Iterator<Item = &'p str>, from: &Path, to: &Path) -> Result<()> {
    let partial = to.with_extension("partial");
    fs::create_dir_all(&partial)?;
    for program in programs {
        fs::copy(from.join(program), partial.join(program))?;
    }
    Ok(fs::rename(partial, to)?)
}

#[cfg(test)]
mod tests {
    use super::keep;
    use std::fs;

    #[test]
    fn a_build_that_lacks_a_program_is_not_kept() {
        let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        fs::write(from.path().join("chatchit"), "one").unwrap();
        let kept = to.path().join("a-commit");
        assert!(keep(["chatchit", "chatchit-loadgen"].into_iter(), from.path(), &kept).is_err() && !kept.exists());
        keep(["chatchit"].into_iter(), from.path(), &kept).unwrap();
        assert_eq!(fs::read_to_string(kept.join("chatchit")).unwrap(), "one");
    }
}
