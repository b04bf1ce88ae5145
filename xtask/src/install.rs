//! Debian's packages, where we may install them.

use crate::shell::{Shell, is_root, which};
use anyhow::Result;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};
use tokio::process::Command;

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Whether this is a Debian, and we are root.
pub(crate) fn is_possible() -> bool {
    which("apt-get").is_some() && is_root()
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
