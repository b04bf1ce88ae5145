//! Moderators and administrators.

mod note_act;
mod staff;
