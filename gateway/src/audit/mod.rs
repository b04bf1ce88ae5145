//! What audits rest on beside the log and its index: signed heads, and tokens of pages.

mod head;
mod token;

pub use head::{HeadKey, SignedHead};
pub use token::PageToken;
pub(crate) use token::bad_token;
