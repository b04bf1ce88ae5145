//! Debian's packages, installed if that is possible.

use crate::shell::{Shell, is_root, say, which};
use anyhow::Result;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};
use tokio::process::Command;

const POLICY: &str = "/usr/sbin/policy-rc.d";
/// Programs of administrators: not everybody's `PATH` has it.
const ADMINISTRATION: &str = "/usr/sbin";

/// A program, and its packages.
pub(crate) type Program = (&'static str, &'static [&'static str]);

/// Whether this is Debian and we are root.
pub(crate) fn is_possible() -> bool {
    which("apt-get").is_some() && is_root()
}

/// The programs that are missing and cannot be installed here.
pub(crate) fn missing(programs: &[Program]) -> Vec<&'static str> {
    absent(programs).map(|(program, _)| *program).filter(|_| !is_possible()).collect()
}

/// Installs the packages of missing programs.
pub(crate) async fn programs(shell: &mut Shell, programs: &[Program]) -> Result<()> {
    let names: Vec<_> = absent(programs).flat_map(|(_, packages)| packages.iter().copied()).collect();
    if names.is_empty() {
        return Ok(());
    }
    say("installing missing packages of Debian");
    packages(shell, &names).await
}

fn absent(programs: &[Program]) -> impl Iterator<Item = &Program> {
    let is_absent = |program: &str| which(program).is_none() && !Path::new(ADMINISTRATION).join(program).exists();
    programs.iter().filter(move |(program, _)| is_absent(program))
}

/// Installs packages, and does not let the distribution start servers of its own.
pub(crate) async fn packages(shell: &mut Shell, names: &[&str]) -> Result<()> {
    let _policy = NoServices::declare()?;
    shell.run(apt().arg("update")).await?;
    shell.run(apt().args(["install", "--yes", "--no-install-recommends"]).args(names)).await
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
    command
}

/// Debian's way to install a service without starting it, unless the machine has a policy already.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn declare() -> Result<Self> {
        let ours = !Path::new(POLICY).exists();
        if ours {
            fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
            fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { ours })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}
