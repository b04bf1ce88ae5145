//! Who is here, and who may see it.

mod attendance;
mod circle;

pub(crate) use attendance::attend;
pub use circle::Circle;
