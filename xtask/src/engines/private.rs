//! A private server from installed programs: in a folder of its own, on free ports of the loopback, and as a user
//! without rights when we are root.

use super::{
    engine::{Engine, START},
    process::Process,
    user::User,
};
use crate::shell::{is_root, say};
use anyhow::{Context, Result, bail, ensure};
use rustix::fs::statvfs;
use serde::{Deserialize, Serialize};
use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    task::spawn_blocking,
    time::{Instant, sleep},
};

const PAUSE: Duration = Duration::from_millis(50);
const RECORD: &str = "server.json";

/// A server that lives as long as this value, unless it is kept.
pub(crate) struct Private {
    engine: &'static Engine,
    program: PathBuf,
    folder: PathBuf,
    user: Option<User>,
    record: Record,
    url: String,
    kept: bool,
}

/// The record of a server that outlives this run.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    /// The server's; one more for the server; its companion's.
    ports: [u16; 3],
    server: Option<Process>,
    companion: Option<Process>,
}

/// The file system in memory.
const MEMORY: &str = "/dev/shm";
/// What the engines of a run may need there, in bytes.
const ROOM: u64 = 4 << 30;

/// Where an engine keeps its data.
enum Folder {
    At(PathBuf),
    TemporaryIn(PathBuf),
}

/// Whether `folder` has plenty of room, unless the user names a place for temporary files.
fn has_room(folder: &str) -> bool {
    let free = statvfs(folder).map_or(0, |stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    env::var_os("TMPDIR").is_none() && free >= ROOM
}

impl Private {
    /// Starts one in a temporary folder.
    pub(crate) async fn start(engine: &'static Engine, program: PathBuf) -> Result<Self> {
        Self::serve_from(engine, program, Folder::TemporaryIn(env::temp_dir())).await
    }

    /// Starts one in a temporary folder, in memory if there is plenty: the database of a test is some thousand small files.
    pub(crate) async fn start_in_memory(engine: &'static Engine, program: PathBuf) -> Result<Self> {
        let folder = if has_room(MEMORY) { PathBuf::from(MEMORY) } else { env::temp_dir() };
        Self::serve_from(engine, program, Folder::TemporaryIn(folder)).await
    }

    /// Starts one in `folder`, which is made.
    pub(crate) async fn start_in(engine: &'static Engine, program: PathBuf, folder: PathBuf) -> Result<Self> {
        Self::serve_from(engine, program, Folder::At(folder)).await
    }

    async fn serve_from(engine: &'static Engine, program: PathBuf, folder: Folder) -> Result<Self> {
        // An interrupt does not cancel this, and its result is removed.
        let mut private = spawn_blocking(move || Self::prepare(engine, program, folder)).await??;
        let mut attempts = 0;
        loop {
            private.take_ports()?;
            match private.serve().await {
                Ok(()) => return Ok(private),
                // Another program may have taken a port.
                Err(_) if attempts < 2 => attempts += 1,
                Err(error) => return Err(error),
            }
            private.end();
        }
    }

    /// The one that an earlier run kept in `folder`, if there is one. It is kept on.
    pub(crate) fn adopt(engine: &'static Engine, program: PathBuf, folder: PathBuf) -> Result<Option<Self>> {
        let Ok(record) = fs::read_to_string(folder.join(RECORD)) else { return Ok(None) };
        let record = serde_json::from_str(&record).with_context(|| format!("{} is not ours", folder.display()))?;
        let mut private = Self::new(engine, program, folder)?;
        private.kept = true;
        private.record = record;
        private.url = (engine.url)(private.address());
        Ok(Some(private))
    }

    fn new(engine: &'static Engine, program: PathBuf, folder: PathBuf) -> Result<Self> {
        let user = is_root().then(|| User::unprivileged(engine.user)).transpose()?;
        Ok(Self { engine, program, folder, user, record: Record::default(), url: String::new(), kept: false })
    }

    fn prepare(engine: &'static Engine, program: PathBuf, folder: Folder) -> Result<Self> {
        let prefix = format!("chatchit-{}-", engine.folder());
        let (folder, temporary) = match folder {
            Folder::At(folder) => (folder, None),
            Folder::TemporaryIn(parent) => {
                let temporary = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent)?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let private = Self::new(engine, program, folder)?;
        // From here on it is removed with the server.
        let _ = temporary.map(TempDir::keep);
        private.make_folder("")?;
        let name = private.user.as_ref().map_or("this user", |user| &user.name);
        say(format_args!("starting a private {} as {name} in {}", engine.name, private.folder.display()));
        (engine.prepare)(&private)?;
        Ok(private)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The installed program, or the folder of its programs.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Its ports: for clients; for its own use; of its companion.
    pub(super) const fn ports(&self) -> [u16; 3] {
        self.record.ports
    }

    pub(super) const fn port(&self) -> u16 {
        self.record.ports[0]
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    /// Makes a folder in its own that its user may write to.
    pub(super) fn make_folder(&self, name: &str) -> Result<()> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        if let Some(User { uid, gid, .. }) = self.user {
            chown(&folder, Some(uid), Some(gid))?;
        }
        Ok(())
    }

    /// A program that runs as its user, with an empty environment.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", &self.folder);
        command.current_dir(&self.folder);
        if let Some(User { uid, gid, .. }) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// The id of its process, whose descendants are its other processes.
    pub(crate) fn id(&self) -> Option<u32> {
        self.record.server.as_ref().map(Process::id)
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.record.server.as_mut().is_some_and(Process::is_running)
    }

    /// Ends it with SIGKILL. Its folder and its port remain its own.
    pub(crate) fn kill(&mut self) {
        if let Some(server) = &mut self.record.server {
            server.end("KILL");
        }
    }

    /// Stops all of its processes (SIGSTOP). Connections stay open.
    pub(crate) fn freeze(&mut self) {
        if let Some(server) = &mut self.record.server {
            server.signal_family("STOP");
        }
    }

    /// Lets it go on after a freeze.
    pub(crate) fn thaw(&mut self) {
        if let Some(server) = &mut self.record.server {
            server.signal_family("CONT");
        }
    }

    /// Sends its process a signal.
    pub(crate) fn signal(&mut self, signal: &str) {
        if let Some(server) = &mut self.record.server {
            server.signal(signal);
        }
    }

    /// Sends a signal that ends it, and waits for the end.
    pub(crate) async fn shut_down(&mut self, signal: &str) -> Result<()> {
        self.signal(signal);
        let deadline = Instant::now() + START;
        while self.is_running() {
            ensure!(Instant::now() < deadline, "{} did not end within {START:?}", self.engine.name);
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Its URL at another address, such as that of a proxy.
    pub(crate) fn url_at(&self, address: SocketAddr) -> String {
        (self.engine.url)(address)
    }

    /// Starts it again on its port, with its data.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        self.kill();
        let deadline = Instant::now() + START;
        loop {
            match self.serve().await {
                Ok(()) => return Ok(()),
                // The children of a killed Postgres take a moment to notice.
                Err(_) if Instant::now() < deadline => sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Starts it again on its port, without its data.
    pub(crate) async fn start_again_empty(&mut self) -> Result<()> {
        self.kill();
        fs::remove_dir_all(self.folder.join("data"))?;
        (self.engine.prepare)(self)?;
        self.start_again().await
    }

    /// Lets it live on after us.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }

    /// Ends one that was kept, and removes its folder.
    pub(crate) async fn remove(mut self) -> Result<()> {
        let Record { server, companion, .. } = &mut self.record;
        for (process, signal) in [(server, self.engine.end), (companion, "KILL")] {
            let Some(process) = process else { continue };
            process.end(signal);
            let deadline = Instant::now() + START;
            while process.is_running() {
                ensure!(Instant::now() < deadline, "{} did not end within {START:?}", self.engine.name);
                sleep(PAUSE).await;
            }
        }
        self.kept = false;
        Ok(())
    }

    /// Takes ports that are free now.
    fn take_ports(&mut self) -> Result<()> {
        let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let free = [free()?, free()?, free()?];
        for (port, listener) in self.record.ports.iter_mut().zip(&free) {
            *port = listener.local_addr()?.port();
        }
        self.url = (self.engine.url)(self.address());
        Ok(())
    }

    /// Starts its processes on its ports, and waits until it is ready.
    async fn serve(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        if !self.record.companion.as_mut().is_some_and(Process::is_running) {
            self.record.companion = (self.engine.companion)(self).map(|command| self.spawn(command)).transpose()?;
        }
        if self.record.companion.is_some() {
            let address = (Ipv4Addr::LOCALHOST, self.record.ports[2]);
            while TcpStream::connect(address).await.is_err() {
                self.wait(deadline, |record| &mut record.companion).await?;
            }
        }
        self.record.server = Some(self.spawn((self.engine.server)(self))?);
        fs::write(self.folder.join(RECORD), serde_json::to_string(&self.record)?)?;
        while !self.engine.is_ready(self.address()).await {
            self.wait(deadline, |record| &mut record.server).await?;
        }
        Ok(())
    }

    fn spawn(&self, mut command: Command) -> Result<Process> {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // Ctrl-C must reach xtask alone, which ends it.
        Process::spawn(command.process_group(0))
    }

    /// A pause; an error when the process has ended, or the deadline has come.
    async fn wait(&mut self, deadline: Instant, process: fn(&mut Record) -> &mut Option<Process>) -> Result<()> {
        let runs = process(&mut self.record).as_mut().is_some_and(Process::is_running);
        if runs && Instant::now() < deadline {
            sleep(PAUSE).await;
            return Ok(());
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let from = log.char_indices().rev().nth(4000).map_or(0, |(at, _)| at);
        bail!("{} did not start; its log ends with:\n{}", self.engine.name, &log[from..])
    }

    fn end(&mut self) {
        // A stopped process takes no signals.
        self.thaw();
        let Record { server, companion, .. } = &mut self.record;
        for (process, signal) in [(server, self.engine.end), (companion, "KILL")] {
            if let Some(process) = process {
                process.end(signal);
            }
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        self.end();
        match fs::remove_dir_all(&self.folder) {
            Ok(()) => say(format_args!("the private {} is stopped and removed", self.engine.name)),
            Err(error) => say(format_args!("{} cannot be removed: {error}", self.folder.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Private;
    use crate::engines::ALL;
    use std::fs;

    #[tokio::test]
    #[ignore = "needs the programs of all engines, and half a minute"]
    async fn an_engine_is_killed_and_started_again_on_its_port() {
        for engine in ALL {
            let mut private = Private::start(engine, (engine.find)().unwrap()).await.unwrap();
            let (url, folder) = (private.url().to_owned(), private.folder().to_owned());
            let kept = folder.join("data/kept");
            fs::write(&kept, "").unwrap();
            private.kill();
            assert!(!private.is_running() && !engine.is_ready(private.address()).await);
            private.start_again().await.unwrap();
            assert!(private.is_running() && kept.exists() && private.url() == url);
            private.start_again_empty().await.unwrap();
            assert!(private.is_running() && !kept.exists() && private.url() == url);
            let address = private.address();
            drop(private);
            assert!(!folder.exists() && !engine.is_ready(address).await);
        }
    }
}
