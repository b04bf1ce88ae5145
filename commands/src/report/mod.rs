//! Reports to the moderators.

mod decide;
mod file;

pub use decide::Verdict;
pub use file::{FileReport, FiledReport, Reported};
