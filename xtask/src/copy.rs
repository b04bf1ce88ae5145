//! Copies of the folders of scripts.

use anyhow::Result;
use std::{fs, path::Path};

/// Copies a folder without `node_modules`.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true if entry.file_name() == "node_modules" => {}
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::copy;
    use std::fs;

    #[test]
    fn what_npm_installed_is_not_copied() {
        let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        for folder in ["rows", "node_modules"] {
            fs::create_dir(from.path().join(folder)).unwrap();
            fs::write(from.path().join(folder).join("a.mjs"), "").unwrap();
        }
        copy(from.path(), to.path()).unwrap();
        assert!(to.path().join("rows/a.mjs").exists() && !to.path().join("node_modules").exists());
    }
}
