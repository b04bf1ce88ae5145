//! Who is here and how, who may see it and is told, and where signals go. See `docs/adr/0013-presence.md`.

mod attendance;
mod circle;
mod clock;
mod doubts;
mod here;
mod hidden;
mod news;
mod presences;
mod route;
mod standing;
mod told;
mod wish;

pub(crate) use attendance::attend;
pub use circle::{CLOSE, Circle};
pub(crate) use doubts::settle_doubts;
pub use here::{Found, Here};
pub use presences::Presences;
pub use route::Signals;
pub use standing::{Shown, Standing, Status};
pub use wish::{Wish, WishedStatus};
