//! The server `chatchit`.

use std::{process::ExitCode, time::Duration};

/// Many small allocations of short life on several threads: where the system's allocator showed in the profile.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long what still runs on threads of its own may take after the end.
const REST: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    private_files::by_default();
    let done = tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| {
        let done = runtime.block_on(gateway::cli::run());
        // A thread that an engine holds up is not waited for.
        runtime.shutdown_timeout(REST);
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatchit: {error:#}");
            ExitCode::FAILURE
        }
    }
}
