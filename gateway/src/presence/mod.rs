//! Who is here and how, who may see it and is told, and where signals go. See `docs/adr/0013-presence.md`.

mod attendance;
mod circle;
mod here;
mod news;
mod presences;
mod route;
mod standing;
mod told;
mod wish;

pub(crate) use attendance::attend;
pub use circle::{CLOSE, Circle};
pub use here::{Found, Here};
pub use presences::Presences;
pub use route::Signals;
pub use standing::{Shown, Standing, Status};
pub use wish::{Wish, WishedStatus};
