//! Types as the documents describe them.

use crate::request::Nothing;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

/// Schemas by name.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// A type with a schema in the documents, or [`Nothing`], which has none.
pub trait Described {
    /// Whether [`Stored`](crate::resource::Stored) may come instead of it.
    const MAY_LAG: bool = false;

    /// The name of its schema.
    fn schema_name() -> Option<String>;

    /// Adds its schema and the schemas it refers to.
    fn describe(schemas: &mut Schemas);
}

impl<T: ToSchema> Described for T {
    fn schema_name() -> Option<String> {
        Some(T::name().into_owned())
    }

    fn describe(schemas: &mut Schemas) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl Described for Nothing {
    fn schema_name() -> Option<String> {
        None
    }

    fn describe(_: &mut Schemas) {}
}
