//! `chatchit secrets`.

use super::output::say;
use anyhow::{Context as _, Result};
use config::{secrets::random, variables::VARIABLES};
use domain::hex;

/// Prints a line `NAME=value` for each setting whose value is generated: 32 random bytes in hex.
pub(super) fn print() -> Result<()> {
    for variable in VARIABLES.iter().filter(|variable| variable.generated) {
        let secret = random().context("the system gives no random bytes")?;
        say(&format!("{}={}", variable.name, hex::encode(&secret)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_for_compose_makes_the_same_secrets() {
        let script = include_str!("../../../scripts/secrets.sh");
        for variable in VARIABLES.iter().filter(|variable| variable.generated) {
            assert!(script.split_whitespace().any(|word| word == variable.name), "{}", variable.name);
        }
    }
}
