//! A Postgres for the tests: somebody's, or a private one that lives as long as this value.

mod cluster;
mod docker;
mod install;

use crate::shell::{Shell, say};
use anyhow::{Result, bail};
use cluster::Cluster;
use docker::Container;

/// The variable that names the tests' Postgres.
pub(crate) const VARIABLE: &str = "CHATCHIT_TEST_DATABASE_URL";

/// A running Postgres. Dropping it ends it, when we started it.
pub(crate) enum Postgres {
    /// Somebody else's.
    Given(String),
    /// From binaries of this machine.
    Private(Cluster),
    /// In Docker.
    Contained(Container),
}

impl Postgres {
    /// Finds or starts one.
    pub(crate) async fn provide(shell: &mut Shell) -> Result<Self> {
        if let Some(url) = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty()) {
            say(format_args!("using the Postgres of {VARIABLE}"));
            return Ok(Self::Given(url));
        }
        Self::private(shell).await
    }

    /// Starts one that nobody else uses.
    pub(crate) async fn private(shell: &mut Shell) -> Result<Self> {
        if let Some(binaries) = cluster::find_binaries() {
            return Cluster::start(&binaries).map(Self::Private);
        }
        if docker::is_usable(shell).await {
            return Container::start(shell).await.map(Self::Contained);
        }
        if install::is_possible() {
            install::postgres(shell).await?;
            if let Some(binaries) = cluster::find_binaries() {
                return Cluster::start(&binaries).map(Self::Private);
            }
        }
        bail!(
            "the tests need a Postgres, and there is none. Either\n  \
             - set {VARIABLE} to the URL of a server on which databases may be created, or\n  \
             - install Postgres (on Debian: apt-get install postgresql); it need not run, or\n  \
             - start Docker."
        )
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Given(url) => url,
            Self::Private(cluster) => cluster.url(),
            Self::Contained(container) => container.url(),
        }
    }

    /// Ends it now, when we started it.
    pub(crate) fn stop(self) {
        drop(self);
    }
}
