//! Sessions: signed-in devices.

mod end;
mod end_orphaned;
mod refresh;
mod sign_in;
mod sign_out;
pub(crate) mod token;

pub(crate) use end::End;
pub use end::MAX_SESSIONS;
pub(crate) use sign_in::{COMPARISONS, Known};
pub use sign_in::{SignIn, SignedIn};
pub(crate) use token::RefreshToken;
