//! `chatchit health`: for health checks of containers, whose images have no HTTP client.

use super::output::say;
use anyhow::{Context as _, Result, bail};
use config::{Config, Sources};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The address to ask instead of HOST and PORT, such as http://10.0.0.5:8080.
    #[arg(long)]
    url: Option<String>,
}

pub(super) async fn ask(options: Options) -> Result<()> {
    let url = match options.url {
        Some(url) => url,
        None => own_address(&Config::from_sources(&Sources::here())?),
    };
    let url = format!("{}/readyz", url.trim_end_matches('/'));
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build()?;
    let answer = client.get(&url).send().await.with_context(|| format!("{url} does not answer"))?;
    let status = answer.status();
    let text = answer.text().await.with_context(|| format!("{url} does not answer whole"))?;
    if !status.is_success() {
        bail!("{url} is not ready ({status}): {text}");
    }
    say(&text)
}

/// Where this machine reaches the server of a configuration.
pub(super) fn own_address(config: &Config) -> String {
    let host = match config.host.parse() {
        Ok(IpAddr::V4(ip)) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(ip)) if ip.is_unspecified() => format!("[{}]", Ipv6Addr::LOCALHOST),
        Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
        _ => config.host.clone(),
    };
    format!("http://{host}:{}", config.port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_the_loopback() {
        for (host, url) in [
            ("0.0.0.0", "http://127.0.0.1:80"),
            ("::", "http://[::1]:80"),
            ("::1", "http://[::1]:80"),
            ("10.0.0.5", "http://10.0.0.5:80"),
            ("chat.example", "http://chat.example:80"),
        ] {
            assert_eq!(own_address(&Config { host: host.to_owned(), port: 80, ..Config::default() }), url);
        }
    }
}
