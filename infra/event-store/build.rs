//! Compiles the crate anew when a migration changes.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations/postgres/log");
    println!("cargo:rerun-if-changed=../../migrations/sqlite/log");
}
