//! The outcomes of several independent commands of one reaction.

use commands::{CommandError, Context};
use std::fmt::Display;

/// All commands are tried; the first failure is the result.
#[derive(Default)]
pub(super) struct Outcomes(Option<CommandError>);

impl Outcomes {
    /// Adds the outcome of one command.
    ///
    /// # Errors
    /// A temporary failure, which the other commands would meet, too.
    pub(super) fn add<T>(&mut self, done: Result<T, CommandError>) -> Result<(), CommandError> {
        match done {
            Err(error) if error.is_temporary() => return Err(error),
            Err(error) => drop(self.0.get_or_insert(error)),
            Ok(_) => (),
        }
        Ok(())
    }

    pub(super) fn result(self) -> Result<(), CommandError> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The context of one of several commands, with a key of its own.
pub(super) fn keyed(ctx: &Context, part: impl Display) -> Context {
    Context { key: ctx.key.as_ref().map(|key| format!("{key}:{part}")), ..ctx.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_does_not_keep_the_other_commands_from_being_tried() {
        let mut outcomes = Outcomes::default();
        assert!(outcomes.add(Err::<(), _>(CommandError::KeyReused)).is_ok());
        assert!(outcomes.add(Ok(())).is_ok());
        assert!(outcomes.add(Err::<(), _>(CommandError::Internal("later".to_owned()))).is_ok());
        assert!(matches!(outcomes.add(Err::<(), _>(CommandError::Unavailable)), Err(CommandError::Unavailable)));
        assert!(matches!(outcomes.result(), Err(CommandError::KeyReused)));
        assert!(Outcomes::default().result().is_ok());
    }
}
