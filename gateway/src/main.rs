//! The server `chatchit`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match gateway::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatchit: {error:#}");
            ExitCode::FAILURE
        }
    }
}
