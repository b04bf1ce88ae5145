//! Who is here, who may see it, and where signals go.

mod attendance;
mod circle;
mod route;

pub(crate) use attendance::attend;
pub use circle::Circle;
pub use route::Signals;
