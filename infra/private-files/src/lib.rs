//! File modes that keep data private to its owner. Unix only, like the server.

use rustix::{fs::Mode, process::umask};
use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

/// The rights of group and others.
const OTHERS: u32 = 0o077;

/// Sets the umask of the process to 077. Every file and folder it creates afterwards is private to its owner, whatever the
/// mode of the parent folder, also those that SQLite and other libraries create.
pub fn by_default() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Removes the rights of group and others from a file or folder, if it exists. Logs a warning when that fails: only the
/// owner of a file may change its mode, and the process may have access by its group.
pub fn tighten(path: &Path) {
    match without_others(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => tracing::warn!(
            file.path = %path.display(), %error,
            "A file is accessible to other users, and its mode cannot be changed"
        ),
        _ => (),
    }
}

fn without_others(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    let mode = permissions.mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    permissions.set_mode(mode & !OTHERS);
    fs::set_permissions(path, permissions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_the_rights_of_the_owner_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for (before, after) in [(0o644, 0o600), (0o755, 0o700), (0o440, 0o400), (0o600, 0o600)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(before)).unwrap();
            tighten(&file);
            assert_eq!(mode(&file), after, "{before:o}");
        }
        tighten(&folder.path().join("absent"));
    }

    #[test]
    fn new_files_are_private() {
        let folder = tempfile::tempdir().unwrap();
        by_default();
        fs::write(folder.path().join("file"), "").unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        assert_eq!(mode(&folder.path().join("file")), 0o600);
        assert_eq!(mode(&folder.path().join("folder")), 0o700);
    }
}
