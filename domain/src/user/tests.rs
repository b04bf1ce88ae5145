//! Given/when/then for each branch of each command.
