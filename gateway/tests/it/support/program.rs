//! The program `chatchit` itself, in a folder of its own.

use super::DEADLINE;
use serde_json::Value;
use std::{
    path::Path,
    process::{Output, Stdio},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

/// The program in a folder of its own, with nothing configured but `settings`.
pub(crate) fn chatchit(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    // The usual umask, whatever that of the tests is.
    command.args(["-c", "umask 022; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_chatchit")]);
    command.args(arguments).current_dir(folder).env_clear().env("LOG_FORMAT", "json").kill_on_drop(true);
    command.envs(settings.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running server.
pub(crate) struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    /// What it said until it listened.
    pub(crate) beginning: String,
    pub(crate) address: String,
}

impl Program {
    pub(crate) async fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[]).await
    }

    pub(crate) async fn start_with(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut child = chatchit(folder, settings, &[]).env("PORT", "0").spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut beginning = String::new();
        let address = loop {
            let line = timeout(DEADLINE, lines.next_line()).await.unwrap().unwrap().expect("the server is listening");
            beginning.push_str(&line);
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if let Some(address) = line["fields"]["server.address"].as_str() {
                break address.to_owned();
            }
        };
        Self { child, lines, beginning, address }
    }

    /// The token, once it is printed.
    pub(crate) async fn bootstrap_token(&mut self) -> String {
        loop {
            let line = timeout(DEADLINE, self.lines.next_line()).await.unwrap().unwrap().expect("the token");
            if let Some((_, token)) = line.rsplit_once("bootstrapToken ") {
                break token.to_owned();
            }
        }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let request = reqwest::Client::new().post(format!("http://{}{path}", self.address)).json(&body);
        timeout(DEADLINE, async { request.send().await.unwrap().json().await.unwrap() }).await.unwrap()
    }

    /// Sends it a signal.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        // The shell's own `kill`: a bare Debian has no other.
        let sent = Command::new("sh").args(["-c", "kill -$0 $1", name, &id]).status().await.unwrap();
        assert!(sent.success(), "{name}");
    }

    /// The next line of the standard error that contains a text.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = timeout(DEADLINE, self.lines.next_line()).await.unwrap().unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended without a line with {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Asks it to end, and answers the rest of what it said.
    pub(crate) async fn terminate(mut self) -> String {
        self.signal("TERM").await;
        let mut rest = String::new();
        while let Some(line) = timeout(DEADLINE, self.lines.next_line()).await.unwrap().unwrap() {
            rest.push_str(&line);
        }
        assert!(timeout(DEADLINE, self.child.wait()).await.unwrap().unwrap().success(), "{rest}");
        rest
    }
}

/// Runs a verb to its end, with a text on its standard input.
pub(crate) async fn run(folder: &Path, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> Output {
    let mut child = chatchit(folder, settings, arguments).spawn().unwrap();
    // A verb that fails early does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
    timeout(DEADLINE, child.wait_with_output()).await.unwrap().unwrap()
}

/// The lines of the log in what a program said, but for those to which a busy machine or a full disk gives rise.
pub(crate) fn lines_of(said: &str) -> Vec<&str> {
    let is_of_machine = |line: &str| ["stalled parts", "alert"].iter().any(|words| line.contains(words));
    said.split("{\"timestamp\"").filter(|line| !line.is_empty() && !is_of_machine(line)).collect()
}

/// What a verb printed, and what it said on the standard error.
pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}
