//! Engines from Debian's packages, when there are no others and we may.

use super::{Engine, user::is_root};
use crate::shell::{Shell, say, which};
use anyhow::{Result, bail};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};
use tokio::process::Command;

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Installs the programs of `engines`, and does not let the distribution start servers of its own.
pub(crate) async fn packages(shell: &mut Shell, engines: &[&Engine]) -> Result<()> {
    let names = engines.iter().map(|engine| engine.name).collect::<Vec<_>>().join(", ");
    let packages = engines.iter().map(|engine| engine.package).collect::<Vec<_>>();
    if which("apt-get").is_none() || !is_root() {
        let variables = engines.iter().map(|engine| engine.test_variable).collect::<Vec<_>>().join(", ");
        bail!(
            "not found on this machine: {names}. Either\n  \
             - install them (on Debian: apt-get install {}); they need not run, or\n  \
             - start Docker, or\n  \
             - for the tests, set {variables} to the URLs of servers to test on.",
            packages.join(" ")
        );
    }
    say(format_args!("not installed: {names}; installing Debian's"));
    let _policy = NoServices::declare()?;
    shell.run(apt().arg("update")).await?;
    shell.run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages)).await
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
