//! Uploaded files, and links to them.

mod collect;
mod links;
mod upload;

pub use upload::UploadFile;
