use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, btree_map, hash_map};
#[cfg(feature = "embedded")]
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Place};
use crate::operation::Operation;
use crate::schema::Schema;
use crate::table::Table;
use crate::tags::JobFamily;

#[cfg(feature = "embedded")]
static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(|| {
    let operations = include_str!("../data/operations.jsonl");
    let definitions = include_str!("../data/definitions.jsonl");
    let families = include_str!("../data/families.jsonl");
    Catalogue::index(operations.into(), definitions.into(), families.into())
        .expect("a test reads the embedded tables")
});

/// The operations, definitions and job families of an API document.
#[derive(Debug)]
pub struct Catalogue {
    operations: Table<Operation>,
    /// The row of an operationId, a `METHOD /path` or a `group.name`.
    operation_rows: HashMap<String, usize>,
    definitions: Table<Schema>,
    definition_rows: BTreeMap<String, usize>,
    families: Table<JobFamily>,
    family_rows: BTreeMap<String, usize>,
}

impl Catalogue {
    /// Returns the catalogue of the API document that this version of the crate was generated from.
    #[cfg(feature = "embedded")]
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Creates a catalogue from the format of the files in this crate's `data` folder: a JSON object per line, for
    /// each operation or definition.
    ///
    /// # Errors
    /// If a line is not in that format, or the name of an operation or definition is a duplicate.
    pub fn from_jsonl(
        operations: impl Into<String>,
        definitions: impl Into<String>,
    ) -> Result<Self, Error> {
        let (operations, definitions) = (operations.into(), definitions.into());
        let catalogue = Self::index(operations.into(), definitions.into(), Cow::Borrowed(""))?;
        catalogue.operations.check()?;
        catalogue.definitions.check()?;
        Ok(catalogue)
    }

    /// Adds job families, in the format of `families.jsonl`.
    ///
    /// # Errors
    /// If a line is not in that format, or the name of a family is a duplicate.
    pub fn with_families(mut self, families: impl Into<String>) -> Result<Self, Error> {
        self.families = Table::new(families.into().into(), |line| Place::Families { line });
        self.family_rows = rows(&self.families)?;
        self.families.check()?;
        Ok(self)
    }

    /// Returns all operations, in the order of the document.
    pub fn operations(&self) -> impl ExactSizeIterator<Item = &Operation> {
        (0..self.operations.len()).map(|row| self.operations.get(row))
    }

    /// Returns an operation by its operationId (`getRoutingQueues`), its method and path (`GET /api/v2/routing/queues`)
    /// or its group and name in the client (`routing.queues`).
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operation_rows.get(name).map(|&row| self.operations.get(row))
    }

    /// Returns a definition by name.
    pub fn definition(&self, name: &str) -> Option<&Schema> {
        self.definition_rows.get(name).map(|&row| self.definitions.get(row))
    }

    /// Returns the names of all definitions, in alphabetical order.
    pub fn definition_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.definition_rows.keys().map(String::as_str)
    }

    /// Returns a job family by name.
    pub fn family(&self, name: &str) -> Option<&JobFamily> {
        self.family_rows.get(name).map(|&row| self.families.get(row))
    }

    /// Returns the names of all job families, in alphabetical order.
    pub fn family_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.family_rows.keys().map(String::as_str)
    }

    /// Returns the definition that a schema refers to, or the schema itself if it is not a reference or its definition
    /// is not in the catalogue.
    pub fn resolve<'a>(&'a self, schema: &'a Schema) -> &'a Schema {
        let name = schema.reference.as_deref();
        name.and_then(|name| self.definition(name)).unwrap_or(schema)
    }

    /// Indexes the names; rows are parsed on first use.
    fn index(
        operations: Cow<'static, str>,
        definitions: Cow<'static, str>,
        families: Cow<'static, str>,
    ) -> Result<Self, Error> {
        let mut catalogue = Self {
            operations: Table::new(operations, |line| Place::Operations { line }),
            operation_rows: HashMap::new(),
            definitions: Table::new(definitions, |line| Place::Definitions { line }),
            definition_rows: BTreeMap::new(),
            families: Table::new(families, |line| Place::Families { line }),
            family_rows: BTreeMap::new(),
        };
        for row in 0..catalogue.operations.len() {
            let head: OperationHead<'_> = catalogue.operations.head(row)?;
            for name in head.names() {
                match catalogue.operation_rows.entry(name) {
                    hash_map::Entry::Vacant(entry) => entry.insert(row),
                    hash_map::Entry::Occupied(entry) => {
                        return Err(Error::duplicate(catalogue.operations.place(row), entry.key()));
                    }
                };
            }
        }
        catalogue.definition_rows = rows(&catalogue.definitions)?;
        catalogue.family_rows = rows(&catalogue.families)?;
        Ok(catalogue)
    }
}

/// The names of an operation.
#[derive(Deserialize)]
struct OperationHead<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    group: Cow<'a, str>,
    #[serde(borrow)]
    rust: Cow<'a, str>,
}

impl OperationHead<'_> {
    fn names(&self) -> [String; 3] {
        let Self { id, method, path, group, rust } = self;
        [id.to_string(), format!("{method} {path}"), format!("{group}.{rust}")]
    }
}

/// Returns the rows of a table by name.
fn rows<T: DeserializeOwned>(table: &Table<T>) -> Result<BTreeMap<String, usize>, Error> {
    let mut rows = BTreeMap::new();
    for row in 0..table.len() {
        let head: NamedHead<'_> = table.head(row)?;
        match rows.entry(head.name.into_owned()) {
            btree_map::Entry::Vacant(entry) => entry.insert(row),
            btree_map::Entry::Occupied(entry) => {
                return Err(Error::duplicate(table.place(row), entry.key()));
            }
        };
    }
    Ok(rows)
}

/// The name of a definition or family, without the rest of its line.
#[derive(Deserialize)]
struct NamedHead<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}
