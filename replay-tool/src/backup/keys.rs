//! The keys of an installation, apart from its backup: a file with those that the server made and keeps in its data folder.

use super::{
    folder::{parent, sync},
    manifest::Manifest,
};
use anyhow::{Context, Result, bail, ensure};
use audit::HeadKey;
use config::{
    Config,
    secrets::{ACCESS_SECRET, AUDIT_KEY, MASTER_KEY, existing},
};
use domain::hex;
use event_store::Keys;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

const FORMAT: &str = "chatchit.keys.1";
const NAMES: [&str; 3] = [MASTER_KEY, AUDIT_KEY, ACCESS_SECRET];

/// The file: 32 bytes in hexadecimal digits, by the name that the data folder has for them.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct KeyFile {
    format: String,
    keys: BTreeMap<String, String>,
}

/// The seed of the key that signs heads, if there is one.
pub(crate) fn audit(config: &Config) -> Result<Option<[u8; 32]>> {
    match config.audit_key {
        Some(key) => Ok(Some(key.0)),
        None => kept(config, AUDIT_KEY),
    }
}

/// Where the master key is now.
pub(crate) fn kept_in(config: &Config) -> String {
    match config.master_key {
        Some(_) => "CHATCHIT_MASTER_KEY".to_owned(),
        None => format!("{}; `--keys FILE` saves it", config.data.join(MASTER_KEY).display()),
    }
}

/// Writes the keys of the data folder to a file that its owner alone can read. Returns their names: none, and no file, when
/// all are configured.
pub(crate) fn save(config: &Config, file: &Path, backup: &Path) -> Result<Vec<&'static str>> {
    let absolute = |path: &Path| std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()));
    let is_inside = absolute(file)?.starts_with(absolute(backup)?);
    ensure!(!is_inside, "{} is in the backup: the keys must be kept apart from the data", file.display());
    let mut keys = BTreeMap::new();
    let mut names = Vec::new();
    for name in NAMES.into_iter().filter(|name| !is_configured(config, name)) {
        if let Some(key) = kept(config, name)? {
            keys.insert(name.to_owned(), hex::encode(&key));
            names.push(name);
        }
    }
    if names.is_empty() {
        return Ok(names);
    }
    let keys = KeyFile { format: FORMAT.to_owned(), keys };
    let cannot = || format!("cannot write {}", file.display());
    let mut written = match File::options().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            ensure!(read(file)? == keys, "{} has other keys, and is not overwritten", file.display());
            private_files::tighten(file);
            return Ok(names);
        }
        opened => opened.with_context(cannot)?,
    };
    writeln!(written, "{}", serde_json::to_string_pretty(&keys)?).with_context(cannot)?;
    written.sync_all().with_context(cannot)?;
    sync(parent(file))?;
    Ok(names)
}

/// The keys that are to be kept in the data folder of a restored installation, once the master key is known to be that of the
/// backup. And a remark on the audit key, if it is another.
pub(crate) struct Fitting {
    pub(crate) keys: Vec<(&'static str, [u8; 32])>,
    pub(crate) remark: Option<String>,
}

/// Finds the keys of a backup: configured, in the data folder, or in a file that [`save`] wrote. Writes nothing.
pub(crate) fn find(config: &Config, manifest: &Manifest, file: Option<&Path>) -> Result<Fitting> {
    let mut saved = BTreeMap::new();
    if let Some(file) = file {
        for (name, key) in read(file)?.keys {
            let key: [u8; 32] = hex::decode(&key).with_context(|| format!("{}: {name} is no key", file.display()))?;
            saved.insert(name, key);
        }
    }
    let in_file = |name: &str| Some((*saved.get(name)?, file?.display().to_string()));
    let wanted = &manifest.log.master_key;
    let master = match config.master_key {
        Some(key) => Some((key.0, "CHATCHIT_MASTER_KEY".to_owned())),
        None => kept(config, MASTER_KEY)?.map(|key| (key, config.data.join(MASTER_KEY).display().to_string())),
    };
    let Some((master, place)) = master.or_else(|| in_file(MASTER_KEY)) else {
        bail!("the backup needs the master key {wanted}: set CHATCHIT_MASTER_KEY, or pass --keys FILE");
    };
    let found = Keys { master }.fingerprint();
    ensure!(
        found == *wanted,
        "{place} is not the master key of this backup: it is {found}, and the backup needs {wanted}"
    );
    let audit = audit(config)?.or_else(|| saved.get(AUDIT_KEY).copied()).map(|seed| HeadKey::new(&seed).id());
    let remark =
        manifest.head.as_ref().map(|head| &head.key_id).filter(|wanted| audit.as_ref() != Some(*wanted)).map(
            |wanted| format!("the audit key {wanted} is not here: heads that it signed cannot be checked any more"),
        );
    let mut keys = Vec::new();
    for name in NAMES.into_iter().filter(|name| !is_configured(config, name)) {
        if let (Some(key), None) = (saved.get(name), kept(config, name)?) {
            keys.push((name, *key));
        }
    }
    Ok(Fitting { keys, remark })
}

fn is_configured(config: &Config, name: &str) -> bool {
    match name {
        MASTER_KEY => config.master_key.is_some(),
        AUDIT_KEY => config.audit_key.is_some(),
        _ => config.access_secret.is_some(),
    }
}

fn kept(config: &Config, name: &str) -> Result<Option<[u8; 32]>> {
    existing(&config.data, name).with_context(|| format!("cannot read {}", config.data.join(name).display()))
}

fn read(file: &Path) -> Result<KeyFile> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let keys: Option<KeyFile> = serde_json::from_str(&text).ok();
    // Without the cause, which may quote a key.
    keys.filter(|keys| keys.format == FORMAT).with_context(|| format!("{} is not a file of keys", file.display()))
}
