//! The schema of the records of a list.

mod added;
mod document;
mod error;
mod names;
mod selection;

use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};
use genesys_cloud_catalogue::{Catalogue, Operation, Schema as Definition};
use genesys_cloud_core::specs;

pub use self::error::SchemaError;
use crate::shape::{FieldShape, Shape, arrow_fields};

/// The name of the only column if the records are not objects.
const VALUE: &str = "value";

/// The names of columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Those of the API, such as `dateCreated`.
    #[default]
    Api,
    /// Snake case, such as `date_created`. The metadata of a field has the name in the API as `genesys_cloud.name`.
    Snake,
}

/// The types of integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Integers {
    /// 32 or 64 bits, as the API document says.
    #[default]
    Documented,
    /// Always 64 bits. Counters and durations of the service may outgrow the type in its document.
    Long,
}

/// How a schema is derived from the API document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaOptions {
    names: Names,
    integers: Integers,
    most_columns: usize,
}

impl Default for SchemaOptions {
    fn default() -> Self {
        Self { names: Names::Api, integers: Integers::Documented, most_columns: 2_000 }
    }
}

impl SchemaOptions {
    /// Returns the defaults: names of the API, integers as documented, and at most 2,000 columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the names of columns.
    pub fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// Sets the types of integers.
    pub fn integers(mut self, integers: Integers) -> Self {
        self.integers = integers;
        self
    }

    /// Limits the number of columns, counting the fields within structs and not the structs. The default is 2,000.
    ///
    /// Some records contain other records with all of their fields: a recording policy has 28,000 columns. Of a schema
    /// that is too wide, the deepest levels become JSON text, one by one, until it fits.
    /// [`RecordSchema::project`] selects from all levels.
    pub fn most_columns(mut self, columns: usize) -> Self {
        self.most_columns = columns;
        self
    }
}

/// The schema of the records of a list or a job, derived from the API document.
///
/// | document | Arrow |
/// | --- | --- |
/// | object | `Struct` |
/// | array | `List` |
/// | map | `Map` with `Utf8` keys |
/// | `date-time` | `Timestamp(Microsecond, "UTC")` |
/// | `local-date-time` | `Timestamp(Microsecond)` |
/// | `date` | `Date32` |
/// | integer | `Int32` or `Int64` ([`Integers`]) |
/// | number | `Float64` |
/// | boolean | `Boolean` |
/// | other strings | `Utf8` |
/// | any value; an object within itself | `Utf8` with the extension type `arrow.json` |
///
/// Every field is nullable: the service omits fields that its document calls required. If the records are not objects,
/// or the document does not describe them, the only column is `value`.
///
/// ```
/// use genesys_cloud_arrow::RecordSchema;
/// use genesys_cloud_catalogue::Catalogue;
///
/// # fn main() -> Result<(), genesys_cloud_arrow::SchemaError> {
/// let catalogue = Catalogue::embedded();
/// let queues = catalogue.operation("routing.queues").expect("an operation of the API");
/// let schema = RecordSchema::of(catalogue, queues)?.project(["id", "division.name"])?;
/// assert_eq!(schema.arrow().fields().len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RecordSchema {
    /// All fields of the document, from which fields are selected.
    all: Arc<[FieldShape]>,
    fields: Arc<[FieldShape]>,
    is_object: bool,
    arrow: SchemaRef,
    options: SchemaOptions,
}

impl RecordSchema {
    /// Returns the schema of the records that an operation lists, or that its jobs produce.
    ///
    /// # Errors
    /// If the operation is not a list or a job, or its entry in the catalogue is malformed.
    pub fn of(catalogue: &Catalogue, operation: &Operation) -> Result<Self, SchemaError> {
        Self::with_options(catalogue, operation, &SchemaOptions::new())
    }

    /// Returns the schema of the records of an operation, with these options. See [`of`](Self::of).
    ///
    /// # Errors
    /// If the operation is not a list or a job, or its entry in the catalogue is malformed.
    pub fn with_options(
        catalogue: &Catalogue,
        operation: &Operation,
        options: &SchemaOptions,
    ) -> Result<Self, SchemaError> {
        use specs::OperationKind::{Accepted, Job, List, Single};

        let kind = specs::kind(catalogue, operation).map_err(SchemaError::Catalogue)?;
        match kind {
            List(_) | Job(_) => {
                Ok(Self::of_records(catalogue, specs::record(catalogue, operation, &kind), options))
            }
            Single | Accepted => Err(SchemaError::NoList { operation: operation.id.clone() }),
        }
    }

    /// Returns the schema of records with this definition; `None` if no definition describes them.
    pub fn of_records(
        catalogue: &Catalogue,
        record: Option<&Definition>,
        options: &SchemaOptions,
    ) -> Self {
        let shape = record.map_or(Shape::Json, |it| document::shape(catalogue, it, options));
        Self::of_shape(shape, options.clone())
    }

    fn of_shape(shape: Shape, options: SchemaOptions) -> Self {
        let (fields, is_object) = match shape {
            Shape::Struct(fields) => (fields, true),
            shape => {
                let (api, name) = (VALUE.to_owned(), VALUE.to_owned());
                (vec![FieldShape { api, name, description: None, shape }], false)
            }
        };
        Self::cut(fields.into(), is_object, options)
    }

    /// Selects fields by path, such as `division.name` or `participants.sessions.sessionId`, with names of the API or of
    /// columns. The columns have the order of the paths; the fields of one struct stay together. Other fields are
    /// skipped when a record is read.
    ///
    /// # Errors
    /// If a field is unknown or repeated, or a path enters a value that is not a struct or a list of structs.
    pub fn project<S: AsRef<str>>(
        &self,
        paths: impl IntoIterator<Item = S>,
    ) -> Result<Self, SchemaError> {
        let paths: Vec<S> = paths.into_iter().collect();
        let fields = selection::select(&self.all, paths.iter().map(AsRef::as_ref))?;
        Ok(self.with_fields(fields))
    }

    /// Removes fields by path, with everything within them. A struct whose last field is removed is removed, too.
    ///
    /// # Errors
    /// If a field is unknown or repeated, a path enters a value that is not a struct or a list of structs, or nothing is
    /// left.
    pub fn without<S: AsRef<str>>(
        &self,
        paths: impl IntoIterator<Item = S>,
    ) -> Result<Self, SchemaError> {
        let paths: Vec<S> = paths.into_iter().collect();
        let fields = selection::without(&self.all, paths.iter().map(AsRef::as_ref))?;
        Ok(self.with_fields(fields))
    }

    /// Returns the schema of the elements of a list within the records, such as `participants.sessions`.
    ///
    /// # Errors
    /// If the field is unknown, is not a list, or its path enters a value that is not a struct or a list of structs.
    pub fn element(&self, path: &str) -> Result<Self, SchemaError> {
        match selection::shape(&self.all, path)? {
            Shape::List(element) => Ok(Self::of_shape((**element).clone(), self.options.clone())),
            _ => Err(SchemaError::NoElements { path: path.to_owned() }),
        }
    }

    /// Adds columns before all others, for fields that are added to each record. The names are those in the record.
    ///
    /// The types are those of the schema of a list, without structs, lists and maps: for example, `Utf8`, `Int64` or
    /// `Timestamp(Microsecond, "UTC")`.
    ///
    /// # Errors
    /// If records have a field of that name or are not objects, or the type is another one.
    pub fn prepend(&self, fields: impl IntoIterator<Item = Field>) -> Result<Self, SchemaError> {
        self.added(fields).map(|added| self.with_fields([&added[..], &self.all].concat()))
    }

    /// Adds columns after all others. See [`prepend`](Self::prepend).
    ///
    /// # Errors
    /// Those of [`prepend`](Self::prepend).
    pub fn append(&self, fields: impl IntoIterator<Item = Field>) -> Result<Self, SchemaError> {
        self.added(fields).map(|added| self.with_fields([&self.all, &added[..]].concat()))
    }

    /// Returns a schema of columns without structs, lists and maps. See [`prepend`](Self::prepend).
    ///
    /// # Errors
    /// If there is no column, two have the same name, or a type is another one.
    pub fn of_columns(
        fields: impl IntoIterator<Item = Field>,
        options: &SchemaOptions,
    ) -> Result<Self, SchemaError> {
        let none = Self::cut(Arc::new([]), true, options.clone());
        let schema = none.append(fields)?;
        match schema.all.is_empty() {
            true => Err(SchemaError::Empty),
            false => Ok(schema),
        }
    }

    fn added(
        &self,
        fields: impl IntoIterator<Item = Field>,
    ) -> Result<Vec<FieldShape>, SchemaError> {
        match self.is_object {
            true => added::fields(&self.all, fields, self.options.names),
            false => Err(SchemaError::NoRecord),
        }
    }

    fn with_fields(&self, fields: Vec<FieldShape>) -> Self {
        Self::cut(fields.into(), self.is_object, self.options.clone())
    }

    /// Returns the Arrow schema.
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    /// Returns the number of columns, counting the fields within structs and not the structs.
    pub fn columns(&self) -> usize {
        self.fields.iter().map(|field| field.shape.leaves()).sum()
    }

    pub(crate) fn fields(&self) -> &[FieldShape] {
        &self.fields
    }

    /// Returns whether the records are objects. Otherwise a record is the value of the only column.
    pub fn is_object(&self) -> bool {
        self.is_object
    }

    /// Makes the deepest levels JSON text until the number of columns is within the limit.
    fn cut(all: Arc<[FieldShape]>, is_object: bool, options: SchemaOptions) -> Self {
        let most_columns = options.most_columns;
        let leaves =
            |depth: usize| -> usize { all.iter().map(|field| field.shape.leaves_to(depth)).sum() };
        let mut depth = all.iter().map(|field| field.shape.depth()).max().unwrap_or(1);
        let mut fields = Arc::clone(&all);
        if leaves(depth) > most_columns {
            while depth > 1 && leaves(depth) > most_columns {
                depth -= 1;
            }
            let mut cut = all.to_vec();
            cut.iter_mut().for_each(|field| field.shape.cut(depth));
            fields = cut.into();
        }
        let arrow = Arc::new(Schema::new(arrow_fields(&fields)));
        Self { all, fields, is_object, arrow, options }
    }
}
