//! The server `chatchit`.

use std::process::ExitCode;

/// Many small allocations of short life on several threads: where the system's allocator showed in the profile.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
