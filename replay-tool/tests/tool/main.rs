//! The built program against real places, on both engines.

mod dead_letters;
mod log;
mod read_models;
mod support;
