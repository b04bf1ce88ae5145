//! Whom to run an engine as.

use crate::shell::is_root;
use anyhow::{Context, Result};
use std::{fs, os::unix::process::CommandExt, path::Path, process::Command};

/// A user without rights.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// Whether the users of engines can enter `folder`. Root's own folders are often closed to others.
pub(crate) fn can_be_reached(folder: &Path) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", ":"]).current_dir(folder);
    if is_root() {
        let Ok(User { uid, gid, .. }) = User::unprivileged("nobody") else { return false };
        command.uid(uid).gid(gid);
    }
    command.status().is_ok_and(|status| status.success())
}

impl User {
    /// `preferred` when there is one, else `postgres`, else `nobody`.
    pub(crate) fn unprivileged(preferred: &str) -> Result<Self> {
        let users = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        let mut known = [preferred, "postgres", "nobody"].into_iter().filter_map(|name| Self::find(&users, name));
        known.next().context("there is no unprivileged user to run an engine as")
    }

    fn find(users: &str, name: &str) -> Option<Self> {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse);
        Some(Self { name: name.to_owned(), uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::User;

    #[test]
    fn a_user_is_found_by_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\nredis:x:102:105::/var/lib/redis:/usr/sbin/nologin\n";
        let user = User::find(users, "redis").unwrap();
        assert_eq!((user.uid, user.gid), (102, 105));
        assert!(User::find(users, "red").is_none());
    }
}
