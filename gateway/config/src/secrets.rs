//! Secrets that the embedded server makes once and keeps in its data folder, readable by its owner alone.

use domain::hex;
use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};
use subtle::ConstantTimeEq as _;

/// The name in the data folder of the key that wraps the data keys.
pub const MASTER_KEY: &str = "master.key";
/// The name of the key that signs heads.
pub const AUDIT_KEY: &str = "audit.key";
/// The name of the secret that signs access tokens.
pub const ACCESS_SECRET: &str = "access.secret";

/// A secret that never shows in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps the bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Whether these are the bytes, in a time that does not depend on where they differ.
    #[must_use]
    pub fn is(&self, shown: &[u8]) -> bool {
        self.0.ct_eq(shown).into()
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The 32 bytes kept in `folder` under `name`, made there when there are none.
///
/// # Errors
/// When the folder cannot be written, or the file there holds something else.
pub fn kept(folder: &Path, name: &str) -> io::Result<[u8; 32]> {
    let path = folder.join(name);
    if !path.exists() {
        make(folder, name, &random()?)?;
    }
    private_files::tighten(&path);
    read(&path)
}

/// The 32 bytes kept in `folder` under `name`; `None` when there are none.
///
/// # Errors
/// When the file there cannot be read, or holds something else.
pub fn existing(folder: &Path, name: &str) -> io::Result<Option<[u8; 32]>> {
    match read(&folder.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

/// Keeps these 32 bytes in `folder` under `name`, unless there are some.
///
/// # Errors
/// When the folder cannot be written.
pub fn keep(folder: &Path, name: &str, secret: &[u8; 32]) -> io::Result<()> {
    make(folder, name, secret)
}

fn read(path: &Path) -> io::Result<[u8; 32]> {
    let text = fs::read_to_string(path)?;
    hex::decode(text.trim())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{} is not 64 hex digits", path.display())))
}

/// Written aside and linked into place: a crash leaves no half of it, and of two makers the first one's stays.
fn make(folder: &Path, name: &str, secret: &[u8; 32]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    writeln!(file, "{}", hex::encode(secret))?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, folder.join(name));
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => (),
    }
    fs::File::open(folder)?.sync_all()
}

/// A URL as it may be shown: without its password, and without passwords among its parameters.
#[must_use]
pub fn without_password(url: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let mut shown = match base.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            // A password with an unescaped `/` or `@` reaches further than it should.
            let end = rest[end..].rfind('@').map_or(end, |at| end + at + 1);
            match rest[..end].rsplit_once('@') {
                Some((user, host)) => {
                    let name = user.split_once(':').map_or_else(|| user.to_owned(), |(name, _)| format!("{name}:***"));
                    format!("{scheme}://{name}@{host}{}", &rest[end..])
                }
                None => base.to_owned(),
            }
        }
        None => base.to_owned(),
    };
    for (index, parameter) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        match parameter.split_once('=') {
            Some((name, _)) if name.contains("pass") => shown.extend([name, "=***"]),
            _ => shown.push_str(parameter),
        }
    }
    shown
}

/// 32 random bytes.
///
/// # Errors
/// When the system has none.
pub fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("postgres://u@h/d", "postgres://u@h/d"),
            ("postgres://u:p@h:5/d?sslmode=require", "postgres://u:***@h:5/d?sslmode=require"),
            ("postgres://h/d?user=u&password=p", "postgres://h/d?user=u&password=***"),
            ("redis://:p@h", "redis://:***@h"),
            ("amqp://u:p@h:5672/%2f", "amqp://u:***@h:5672/%2f"),
            ("amqp://u:p/q@r@h/v", "amqp://u:***@h/v"),
            ("h", "h"),
        ] {
            assert_eq!(without_password(url), shown, "{url}");
        }
    }

    #[test]
    fn a_secret_is_made_once_and_its_owner_alone_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert_eq!(existing(&data, MASTER_KEY).unwrap(), None);
        let made = kept(&data, "master.key").unwrap();
        assert_eq!(kept(&data, "master.key").unwrap(), made);
        assert_eq!(existing(&data, MASTER_KEY).unwrap(), Some(made));
        keep(&data, MASTER_KEY, &[7; 32]).unwrap();
        assert_eq!(existing(&data, MASTER_KEY).unwrap(), Some(made), "the first one's stays");
        assert_ne!(kept(&data, "access.secret").unwrap(), made);
        assert_eq!(fs::metadata(data.join("master.key")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 2);
        fs::set_permissions(data.join("master.key"), fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(kept(&data, "master.key").unwrap(), made);
        assert_eq!(fs::metadata(data.join("master.key")).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(data.join("master.key"), "short").unwrap();
        assert_eq!(kept(&data, "master.key").unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
