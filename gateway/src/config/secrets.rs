//! Secrets that the embedded server makes once and keeps in its data folder, readable by its owner alone.

use std::{
    fs, io,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

/// A secret that never shows in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Wraps the bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
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
    let text = fs::read_to_string(&path)?;
    from_hex(text.trim())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{} is not 64 hex digits", path.display())))
}

/// Written aside and linked into place: a crash leaves no half of it, and of two makers the first one's stays.
fn make(folder: &Path, name: &str, secret: &[u8; 32]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    writeln!(file, "{}", to_hex(secret))?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, folder.join(name));
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => (),
    }
    fs::File::open(folder)?.sync_all()
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

/// In lower-case hexadecimal.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 bytes from 64 hex digits.
#[must_use]
pub fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_its_owner_alone_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let made = kept(&data, "master.key").unwrap();
        assert_eq!(kept(&data, "master.key").unwrap(), made);
        assert_ne!(kept(&data, "access.secret").unwrap(), made);
        assert_eq!(fs::metadata(data.join("master.key")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 2);
        fs::write(data.join("master.key"), "short").unwrap();
        assert_eq!(kept(&data, "master.key").unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
