//! What a command answers of the resource it changed.

use crate::{Described, Schemas};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The resource, or its id alone: the command is stored, and the read models do not show it in time, or not to the caller.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum OrId<T> {
    /// As the read models show it.
    Shown(T),
    /// REST answers it with 202.
    Stored(Stored),
}

/// The id of what a stored command changed. The read models do not show it yet, or the caller may not see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stored {
    /// The id of the resource.
    pub id: Uuid,
}

impl<T: ToSchema> Described for OrId<T> {
    const MAY_LAG: bool = true;

    fn schema_name() -> Option<String> {
        T::schema_name()
    }

    fn describe(schemas: &mut Schemas) {
        T::describe(schemas);
        Stored::describe(schemas);
    }
}
