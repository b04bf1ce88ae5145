//! A process that may outlive the program that started it.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A process, known by its id and when it began: so that an id used again is not mistaken for it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Process {
    id: u32,
    since: String,
    /// While we are its parent.
    #[serde(skip)]
    child: Option<Child>,
}

impl Process {
    /// Starts one.
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot run {}", command.get_program().display()))?;
        let since = beginning(child.id()).unwrap_or_default();
        Ok(Self { id: child.id(), since, child: Some(child) })
    }

    pub(super) const fn id(&self) -> u32 {
        self.id
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => beginning(self.id).is_some_and(|since| since == self.since),
        }
    }

    /// Sends it `signal` (`TERM`, `STOP` …), if it runs, and waits for nothing.
    pub(crate) fn signal(&mut self, signal: &str) {
        if self.is_running() {
            send(signal, &[self.id]);
        }
    }

    /// Sends `signal` to it and to its children: to it first, so that it makes no more of them.
    pub(crate) fn signal_family(&mut self, signal: &str) {
        self.signal(signal);
        send(signal, &children(self.id));
    }

    /// Sends it `signal` (`TERM`, `KILL` …), if it runs. A child is waited for.
    pub(crate) fn end(&mut self, signal: &str) {
        if !self.is_running() {
            return;
        }
        send(signal, &[self.id]);
        if let Some(child) = &mut self.child {
            let _ = child.wait();
        }
    }
}

/// The shell's own `kill`: the standard library can only kill outright, and only children.
fn send(signal: &str, ids: &[u32]) {
    if !ids.is_empty() {
        let ids: Vec<_> = ids.iter().map(u32::to_string).collect();
        let command = format!("kill -s {signal} {}", ids.join(" "));
        let _ = Command::new("sh").args(["-c", &command]).stderr(Stdio::null()).status();
    }
}

/// The processes whose parent one is, by `/proc`.
fn children(parent: u32) -> Vec<u32> {
    let ids =
        fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| {
        fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| parent_in(&stat) == Some(parent))
    })
    .collect()
}

/// Field 4 of a line of `/proc/<id>/stat`.
fn parent_in(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The start time of a process; `None` if there is none, or only a zombie.
fn beginning(id: u32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        return since(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?);
    }
    let asked = Command::new("ps").args(["-o", "stat=,lstart=", "-p", &id.to_string()]).output().ok()?;
    let answer = String::from_utf8(asked.stdout).ok()?;
    let (state, since) = answer.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| since.trim().to_owned())
}

/// Fields 3 (state) and 22 (start time) of a line of `/proc/<id>/stat`.
fn since(stat: &str) -> Option<String> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    (state != "Z" && state != "X").then(|| fields.nth(18).map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::{Process, children, parent_in, since};
    use std::process::Command;

    #[test]
    fn the_start_time_of_a_process_is_read_whatever_it_is_called() {
        let fields = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(since(&format!("7 (a) b) S {fields}")), Some("4711".to_owned()));
        assert_eq!(since(&format!("7 (a) Z {fields}")), None);
    }

    #[test]
    fn the_children_of_a_process_are_found() {
        assert_eq!(parent_in("5 (a) b) S 41 2 3"), Some(41));
        let mut process = Process::spawn(Command::new("sleep").arg("600")).unwrap();
        assert!(children(std::process::id()).contains(&process.id));
        process.signal_family("STOP");
        assert!(process.is_running());
        process.end("KILL");
    }

    #[test]
    fn a_process_is_known_again_and_not_mistaken() {
        let mut process = Process::spawn(Command::new("sleep").arg("600")).unwrap();
        let mut known: Process = serde_json::from_str(&serde_json::to_string(&process).unwrap()).unwrap();
        assert!(process.is_running() && known.is_running());
        let mut other = Process { id: known.id, since: "another time".to_owned(), child: None };
        assert!(!other.is_running());
        other.end("KILL");
        assert!(process.is_running());
        process.end("KILL");
        assert!(!process.is_running() && !known.is_running());
    }
}
