//! Engines from Debian's packages, when there are no others and we may.

use super::engine::Engine;
use crate::{
    install,
    shell::{Shell, say},
};
use anyhow::{Result, bail};

/// Installs the programs of `engines`.
pub(crate) async fn packages(shell: &mut Shell, engines: &[&Engine]) -> Result<()> {
    let names = engines.iter().map(|engine| engine.name).collect::<Vec<_>>().join(", ");
    let packages = engines.iter().map(|engine| engine.package).collect::<Vec<_>>();
    if !install::is_possible() {
        let variables = engines.iter().map(|engine| engine.test_variable).collect::<Vec<_>>().join(", ");
        bail!(
            "not found on this machine: {names}. Either\n  \
             - install them (on Debian: apt-get install {}); they need not run, or\n  \
             - start Docker, or\n  \
             - for the tests, set {variables} to the URLs of servers to test on.",
            packages.join(" ")
        );
    }
    say(format_args!("not installed: {names}; installing Debian's"));
    install::packages(shell, &packages).await
}
