//! Stories.

mod access;
mod comment;
mod delete;
mod delete_comment;
mod edit;
mod expire;
mod post;
mod regard;
mod remove;

pub(crate) use access::admits;
pub use post::{PostStory, ShowTo};
