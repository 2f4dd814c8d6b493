use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, btree_map, hash_map};
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

use crate::error::{Error, Place};
use crate::operation::Operation;
use crate::schema::Schema;

const CHECKED: &str =
    "every definition is read once: the embedded ones by a test, others when given";

static EMBEDDED: LazyLock<Catalogue> = LazyLock::new(|| {
    Catalogue::index(
        include_str!("../data/operations.jsonl"),
        Cow::Borrowed(include_str!("../data/definitions.jsonl")),
    )
    .expect("the embedded tables are read by a test")
});

/// The operations and definitions of one API document.
#[derive(Debug)]
pub struct Catalogue {
    operations: Vec<Operation>,
    /// Where in `operations` an operationId, a `METHOD /path` or a `group.name` leads.
    operation_names: HashMap<String, usize>,
    definitions: BTreeMap<String, Definition>,
    /// What the lines of `definitions` point into.
    text: Cow<'static, str>,
}

/// A definition stays text until someone asks for it: few of the thousands are ever needed.
#[derive(Debug)]
struct Definition {
    line: usize,
    text: Range<usize>,
    schema: OnceLock<Schema>,
}

impl Catalogue {
    /// The API document this version of the crate was made from.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// A document of your own, in the format of the files in this crate's `data` folder: one
    /// operation or definition per line, as a JSON object.
    ///
    /// # Errors
    /// If a line is not in that format, or an operation or definition is there twice.
    pub fn from_jsonl(operations: &str, definitions: impl Into<String>) -> Result<Self, Error> {
        let catalogue = Self::index(operations, Cow::Owned(definitions.into()))?;
        for definition in catalogue.definitions.values() {
            let schema = catalogue.parse(definition)?;
            definition.schema.get_or_init(|| schema);
        }
        Ok(catalogue)
    }

    /// Every operation, in the order of the document.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// One operation, by its operationId (`getRoutingQueues`), by its method and path
    /// (`GET /api/v2/routing/queues`) or by its group and name in the client
    /// (`routing.queues`).
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operation_names
            .get(name)
            .map(|&index| &self.operations[index])
    }

    /// One definition.
    pub fn definition(&self, name: &str) -> Option<&Schema> {
        let definition = self.definitions.get(name)?;
        Some(
            definition
                .schema
                .get_or_init(|| self.parse(definition).expect(CHECKED)),
        )
    }

    /// The names of all definitions, in alphabetical order.
    pub fn definition_names(&self) -> impl Iterator<Item = &str> {
        self.definitions.keys().map(String::as_str)
    }

    /// The definition a schema refers to, or the schema itself if it is no reference or its
    /// definition is not in the catalogue.
    pub fn resolve<'a>(&'a self, schema: &'a Schema) -> &'a Schema {
        schema
            .reference
            .as_deref()
            .and_then(|name| self.definition(name))
            .unwrap_or(schema)
    }

    fn index(operations: &str, text: Cow<'static, str>) -> Result<Self, Error> {
        let mut catalogue = Self {
            operations: Vec::new(),
            operation_names: HashMap::new(),
            definitions: BTreeMap::new(),
            text: Cow::Borrowed(""),
        };
        for (line, text) in lines(operations) {
            let place = Place::Operations { line };
            let operation = serde_json::from_str(&operations[text])
                .map_err(|source| Error::json(place.clone(), source))?;
            catalogue.add_operation(operation, place)?;
        }
        for (line, range) in lines(&text) {
            let place = Place::Definitions { line };
            let Named { name } = serde_json::from_str(&text[range.clone()])
                .map_err(|source| Error::json(place.clone(), source))?;
            let definition = Definition {
                line,
                text: range,
                schema: OnceLock::new(),
            };
            match catalogue.definitions.entry(name.into_owned()) {
                btree_map::Entry::Occupied(entry) => {
                    return Err(Error::duplicate(place, entry.key()));
                }
                btree_map::Entry::Vacant(entry) => entry.insert(definition),
            };
        }
        catalogue.text = text;
        Ok(catalogue)
    }

    fn add_operation(&mut self, operation: Operation, place: Place) -> Result<(), Error> {
        let index = self.operations.len();
        let names = [
            operation.id.clone(),
            format!("{} {}", operation.method, operation.path),
            format!("{}.{}", operation.group, operation.rust),
        ];
        for name in names {
            match self.operation_names.entry(name) {
                hash_map::Entry::Occupied(entry) => {
                    return Err(Error::duplicate(place, entry.key()));
                }
                hash_map::Entry::Vacant(entry) => entry.insert(index),
            };
        }
        self.operations.push(operation);
        Ok(())
    }

    fn parse(&self, definition: &Definition) -> Result<Schema, Error> {
        serde_json::from_str(&self.text[definition.text.clone()]).map_err(|source| {
            Error::json(
                Place::Definitions {
                    line: definition.line,
                },
                source,
            )
        })
    }
}

/// The head of a definition; the rest of the line is its schema.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// The lines that are not blank: their numbers from 1, and where they stand.
fn lines(text: &str) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(move |line| {
            let range = start..start + line.len();
            start = range.end;
            range
        })
        .zip(1..)
        .map(|(range, number)| (number, range))
        .filter(|(_, range)| !text[range.clone()].trim().is_empty())
}
