//! Which build this process runs: what one build could not do with an event, another tries again.

use std::{sync::Arc, time::UNIX_EPOCH};

/// Names this build: its version, and the size and the time of the program's file. Two builds never share it; two copies of
/// one that differ in time only have things tried once more than needed.
pub(crate) fn name() -> Arc<str> {
    let version = env!("CARGO_PKG_VERSION");
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let stamp = file.and_then(|file| Ok((file.len(), file.modified()?)));
    let Ok((length, modified)) = stamp else { return version.into() };
    let modified = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("{version}+{length:x}.{modified:x}").into()
}
