//! A new incarnation for a log that was taken back to an earlier moment by other means than `restore`.

use crate::{installation::expect_log, outcome::Outcome, output::Output};
use anyhow::Result;
use config::Config;
use event_store::{Renewed, renew_incarnation};
use serde_json::json;

pub(crate) async fn renew(output: &Output) -> Result<Outcome> {
    let log = Config::load()?.log_location();
    expect_log(&log).await?;
    let Renewed { incarnation, former } = renew_incarnation(&log, clock::now()).await?;
    output.json(&json!({ "incarnation": incarnation, "former": former }))?;
    output.text(format_args!("the log has the incarnation {incarnation} now, after {}", former.incarnation))?;
    output.text(format_args!("cursors of before that go beyond position {} are refused", former.until))?;
    output.text("processes that run notice it and end; the server rebuilds the read models when it starts")?;
    Ok(Outcome::Clean)
}
