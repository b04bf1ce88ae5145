//! The server as a program, for the tests of this crate: cargo builds its examples with them, but no other crate's
//! binaries.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    gateway::cli::run().await
}
