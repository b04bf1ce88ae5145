//! The data folder, the disk, the limit of open files, and the port.

use super::{super::health::own_address, check::Check};
use crate::start_error::of_address;
use config::Config;
use rustix::{
    fs::statvfs,
    process::{Resource, getrlimit},
};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::net::TcpListener;

/// Files that are not connections of clients: databases, engines, uploads.
const OTHER_FILES: u64 = 1_000;
/// Free space, in bytes, below which a warning and a fault begin.
const FREE: (u64, u64) = (2 << 30, 256 << 20);
/// The secrets that a server generates in its data folder, and the settings in place of them.
const SECRETS: [(&str, &str); 3] =
    [("master.key", "CHATCHIT_MASTER_KEY"), ("audit.key", "CHATCHIT_AUDIT_KEY"), ("access.secret", "JWT_ACCESS_TOKEN")];
/// How long a server on the port may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn examine(config: &Config) -> Vec<Check> {
    let mut checks = vec![folder(&config.data)];
    checks.extend(secrets(config));
    checks.push(disk(&config.data));
    checks.push(open_files(config));
    checks
}

/// Whether the folder can be written, or be made.
fn folder(data: &Path) -> Check {
    let shown = data.display();
    let probe = |folder: &Path| {
        let made = folder.join(format!(".doctor-{}", clock::new_id()));
        fs::DirBuilder::new().mode(0o700).create(&made).and_then(|()| fs::remove_dir(&made))
    };
    let remedy = "let the user of the server own it (CHATCHIT_DATA)";
    match fs::metadata(data) {
        Ok(found) if !found.is_dir() => Check::fail("data.folder", format!("{shown} is no folder"), remedy),
        Ok(found) => match probe(data) {
            Err(error) => Check::fail("data.folder", format!("{shown} cannot be written: {error}"), remedy),
            Ok(()) if found.permissions().mode() & 0o022 != 0 => {
                let found = format!("{shown} can be written by others");
                Check::warn("data.folder", found, format!("chmod go-w {shown}"))
            }
            Ok(()) => Check::ok("data.folder", format!("{shown} can be written")),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => match probe(&existing(data)) {
            Ok(()) => Check::ok("data.folder", format!("{shown} does not exist yet, and can be made")),
            Err(error) => Check::fail("data.folder", format!("{shown} cannot be made: {error}"), remedy),
        },
        Err(error) => Check::fail("data.folder", format!("{shown} cannot be read: {error}"), remedy),
    }
}

/// The nearest folder above that exists.
fn existing(path: &Path) -> PathBuf {
    let above = path.ancestors().find(|folder| !folder.as_os_str().is_empty() && folder.exists());
    above.unwrap_or(Path::new(".")).to_owned()
}

/// Secrets that were generated in the data folder.
fn secrets(config: &Config) -> Vec<Check> {
    let is_set = [config.master_key.is_some(), config.audit_key.is_some(), config.access_secret.is_some()];
    let files = SECRETS.into_iter().zip(is_set).map(|((file, name), is_set)| (config.data.join(file), name, is_set));
    let files = files.filter_map(|(path, name, is_set)| {
        let mode = fs::metadata(&path).ok()?.permissions().mode();
        let shown = path.display();
        Some(match (mode & 0o077 != 0, is_set) {
            (true, _) => {
                let remedy = format!("chmod 600 {shown}");
                Check::fail("data.secrets", format!("{shown} can be read by others"), remedy)
            }
            (false, true) => {
                let remedy = "keep it if it was ever in use: what it sealed needs it";
                Check::warn("data.secrets", format!("{shown} is not used: {name} is set"), remedy)
            }
            (false, false) => {
                let found = format!("{name} is only in {shown}");
                let is_key = name == "CHATCHIT_MASTER_KEY";
                match is_key {
                    true => Check::warn(
                        "data.secrets",
                        found,
                        "keep a copy apart from the data: without it all texts are lost",
                    ),
                    false => Check::ok("data.secrets", found),
                }
            }
        })
    });
    files.collect()
}

fn disk(data: &Path) -> Check {
    let folder = existing(data);
    match statvfs(&folder) {
        Ok(disk) => space(&folder, disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => Check::warn("disk", format!("{}: {error}", folder.display()), "look at the free space yourself"),
    }
}

fn space(folder: &Path, free: u64) -> Check {
    let found = format!("{} MiB are free on the disk of {}", free >> 20, folder.display());
    let remedy = "free space, or move CHATCHIT_DATA to a larger disk";
    match free {
        free if free < FREE.1 => Check::fail("disk", found, remedy),
        free if free < FREE.0 => Check::warn("disk", found, remedy),
        _ => Check::ok("disk", found),
    }
}

fn open_files(config: &Config) -> Check {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    files(limit, config.connections.total as u64)
}

fn files(limit: u64, connections: u64) -> Check {
    let found = format!("{limit} files may be open, MAX_CONNECTIONS is {connections}");
    match limit < connections.saturating_add(OTHER_FILES) {
        true => {
            let remedy = "raise the limit (ulimit -n, LimitNOFILE), or lower MAX_CONNECTIONS";
            Check::warn("open_files", found, remedy)
        }
        false => Check::ok("open_files", found),
    }
}

/// Whether the port is free, or a ChatChit answers there.
pub(super) async fn port(config: &Config) -> Check {
    let place = format!("{}:{}", config.host, config.port);
    match TcpListener::bind((config.host.as_str(), config.port)).await {
        Ok(_) => Check::ok("port", format!("{place} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && answers(config).await => {
            Check::ok("port", format!("a server answers at {place} already"))
        }
        Err(error) => {
            let remedy = of_address(&error).trim_start_matches("; ");
            let remedy = if remedy.is_empty() { "mend HOST and PORT" } else { remedy };
            Check::fail("port", format!("{place}: {error}"), remedy)
        }
    }
}

/// Whether what listens on the port is a ChatChit that lives.
async fn answers(config: &Config) -> bool {
    let asked = async {
        let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
        client.get(format!("{}/livez", own_address(config))).send().await?.error_for_status()
    };
    asked.await.is_ok_and(|answer| answer.headers().contains_key("x-request-id"))
}

#[cfg(test)]
mod tests {
    use super::{super::check::Verdict, *};

    #[test]
    fn a_full_disk_fails_and_a_nearly_full_one_warns() {
        let verdicts = [0, 1 << 30, 1 << 40].map(|free| space(Path::new("."), free).verdict);
        assert_eq!(verdicts, [Verdict::Fail, Verdict::Warn, Verdict::Ok]);
    }

    #[test]
    fn a_limit_below_the_connections_warns() {
        assert_eq!([1_024, 131_072].map(|limit| files(limit, 50_000).verdict), [Verdict::Warn, Verdict::Ok]);
    }

    #[test]
    fn a_folder_is_tried_without_traces() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert_eq!(self::folder(&data).verdict, Verdict::Ok);
        assert!(!data.exists());
        fs::write(&data, "").unwrap();
        assert_eq!(self::folder(&data).verdict, Verdict::Fail);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(self::folder(folder.path()).verdict, Verdict::Warn);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
