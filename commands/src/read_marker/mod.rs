//! Read markers.

mod mark;

pub use mark::UpTo;
