//! Private engines that stay up for development, until they are taken down.

use crate::{
    engines::{self, ALL, Engine, POSTGRES, Private, RABBITMQ, REDIS},
    release,
    shell::{Shell, say},
};
use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use std::{
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

#[derive(Subcommand)]
pub(crate) enum Services {
    /// Starts those that do not run, and prints the variables that name them, for `eval "$(cargo xtask services up)"`.
    Up,
    /// Ends those that `up` started, and removes their data.
    Down,
    /// Prints those that run, with their URLs.
    Status,
}

/// Does it.
pub(crate) async fn run(shell: &mut Shell, task: Services) -> Result<()> {
    let folder = folder(&release::target_directory(shell).await?);
    match task {
        Services::Up => up(shell, &folder).await,
        Services::Down => down(&folder).await,
        Services::Status => status(&folder),
    }
}

async fn up(shell: &mut Shell, folder: &Path) -> Result<()> {
    let [postgres, rabbitmq, redis] = engines::programs(shell).await?;
    make(folder)?;
    let starting = async {
        tokio::try_join!(
            start(&POSTGRES, postgres, folder),
            start(&RABBITMQ, rabbitmq, folder),
            start(&REDIS, redis, folder),
        )
    };
    let Some(started) = shell.unless_interrupted(starting).await else { bail!("interrupted") };
    let (postgres, rabbitmq, redis) = started?;
    let mut lines = String::new();
    for (engine, mut private) in ALL.into_iter().zip([postgres, rabbitmq, redis]) {
        for variable in [engine.variable, engine.test_variable] {
            lines += &format!("export {variable}='{}'\n", private.url());
        }
        private.keep();
    }
    std::io::stdout().write_all(lines.as_bytes())?;
    Ok(())
}

/// The one that runs, else the one that ran (its machine was restarted, say), else a new one.
async fn start(engine: &'static Engine, program: PathBuf, folder: &Path) -> Result<Private> {
    let folder = folder.join(engine.folder());
    let Some(mut private) = Private::adopt(engine, program.clone(), folder.clone())? else {
        // Left by a start that was killed.
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        return Private::start_in(engine, program, folder).await;
    };
    if private.is_running() {
        say(format_args!("{} runs already", engine.name));
    } else {
        say(format_args!("starting {} again in {}", engine.name, private.folder().display()));
        private.start_again().await?;
    }
    Ok(private)
}

async fn down(folder: &Path) -> Result<()> {
    for engine in ALL {
        if let Some(private) = adopt(engine, folder)? {
            private.remove().await?;
        }
    }
    let _ = fs::remove_dir(folder);
    Ok(())
}

fn status(folder: &Path) -> Result<()> {
    for engine in ALL {
        match adopt(engine, folder)? {
            None => say(format_args!("{:<8} is not up", engine.name)),
            Some(mut private) => {
                let state = if private.is_running() { "runs" } else { "has ended" };
                say(format_args!("{:<8} {state}: {}, {}", engine.name, private.url(), private.folder().display()));
            }
        }
    }
    Ok(())
}

fn adopt(engine: &'static Engine, folder: &Path) -> Result<Option<Private>> {
    Private::adopt(engine, PathBuf::new(), folder.join(engine.folder()))
}

/// Below `target` if the users of the engines can reach it; otherwise below `/var/tmp`.
fn folder(target: &Path) -> PathBuf {
    if engines::can_be_reached(target) {
        return target.join("services");
    }
    let name = target.to_string_lossy().replace('/', "-");
    PathBuf::from(format!("/var/tmp/chatchit-services{name}"))
}

/// Creates the folder, and refuses one of another user.
fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let made = fs::symlink_metadata(folder)?;
    // Without `/proc` nobody counts as root, and no other user is involved.
    let own = fs::metadata("/proc/self").map_or(made.uid(), |process| process.uid());
    ensure!(made.is_dir() && made.uid() == own, "{} is not ours", folder.display());
    Ok(())
}
