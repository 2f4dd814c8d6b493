//! Plans: what to replicate, and where to.

mod document;
mod error;
mod parameters;
mod parents;
mod table;

use std::collections::BTreeSet;
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use toml::de::DeTable;

use self::document::{Document, Section};
pub use self::error::{Fault, PlanError};
use self::error::{Wrong, unknown};
pub(crate) use self::parents::Parents;
pub(crate) use self::table::RangePlan;
pub use self::table::Table;

/// What to replicate, and where to. Read from TOML and validated as a whole against the API document, without a call.
///
/// ```
/// use genesys_cloud_sync::{Method, Plan};
///
/// # fn main() -> Result<(), genesys_cloud_sync::PlanError> {
/// let plan = Plan::parse(
///     "plan.toml",
///     r#"
///     target = "postgres://localhost/warehouse"
///
///     [tables.queues]
///     read = "routing.queues"
///     history = true
///
///     [tables.queue_members]
///     read = "routing.queue_members"
///     for_each = "routing.queues"
///     "#,
/// )?;
/// assert_eq!(plan.tables()[1].method(), Method::Comparison);
/// assert_eq!(plan.tables()[1].key(), ["queueId", "id"]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Plan {
    name: String,
    target: Option<SecretString>,
    schema: Option<String>,
    tables: Vec<Table>,
}

impl Plan {
    /// Parses a plan. `name` is the name of its file, for errors.
    ///
    /// # Errors
    /// All faults of the plan, each with its line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self, PlanError> {
        let document = Document::new(text);
        let root = match DeTable::parse(text) {
            Ok(root) => root,
            Err(error) => {
                let wrong = Wrong::new(error.message());
                document.fault(error.span().unwrap_or_default(), wrong);
                return Err(PlanError { name: name.to_owned(), faults: document.into_faults() });
            }
        };
        let (target, schema, tables) = {
            let section = Section { document: &document, keys: root.get_ref(), span: (0, 0) };
            read(&section)
        };
        match document.into_faults() {
            faults if faults.is_empty() => {
                Ok(Self { name: name.to_owned(), target, schema, tables })
            }
            faults => Err(PlanError { name: name.to_owned(), faults }),
        }
    }

    /// Returns the name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the URL of the target database, which may contain a password. `None` if the plan leaves the target to the
    /// program.
    pub fn target(&self) -> Option<&str> {
        self.target.as_ref().map(|target| target.expose_secret())
    }

    /// Returns the schema of the target, if the plan names one.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// Returns the tables, in the order of the plan.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// Keeps only these tables.
    ///
    /// # Errors
    /// A message that names the tables of the plan, if it has no table of such a name.
    pub fn select(mut self, names: &[String]) -> Result<Self, String> {
        let known: Vec<String> = self.tables.iter().map(|table| table.name().to_owned()).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            let text = format!("{} has no table `{name}`", self.name);
            return Err(format!("{text}; expected one of {}", known.join(", ")));
        }
        self.tables.retain(|table| names.iter().any(|name| name == table.name()));
        Ok(self)
    }
}

/// Without the target, which may contain a password.
impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("name", &self.name)
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}

/// Reads all keys, and notes their faults.
fn read(root: &Section<'_>) -> (Option<SecretString>, Option<String>, Vec<Table>) {
    root.check_keys(&["target", "schema", "tables"]);
    let target = root.text("target").and_then(|(url, span)| {
        // The value is not quoted: it may contain a password.
        let is_known = ["postgres://", "postgresql://"].iter().any(|it| url.starts_with(it));
        if !is_known {
            let wrong = Wrong::new("`target` is not the URL of a known database");
            root.fault(span, wrong.advise("expected postgres://host/database"));
        }
        is_known.then(|| SecretString::from(url.to_owned()))
    });
    let schema = root.text("schema").and_then(|(schema, span)| match is_name(schema) {
        true => Some(schema.to_owned()),
        false => {
            root.fault(span, Wrong::new(format!("`{schema}` is not a plain name of a schema")));
            None
        }
    });
    if root.get("tables").is_none() {
        let wrong = Wrong::new("the plan has no tables");
        root.fault_here(wrong.advise("add [tables.NAME] with `read = \"OPERATION\"`"));
    }
    let Some(tables) = root.section("tables") else { return (target, schema, Vec::new()) };
    let mut read = Vec::new();
    let mut entries: Vec<_> = tables.keys.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut seen = BTreeSet::new();
    for (key, value) in entries {
        let name = key.get_ref();
        if !is_name(name) || name.to_lowercase().starts_with("genesys_cloud") {
            let wrong = Wrong::new(format!("`{name}` can't be the name of a table"));
            let advice = "use at most 50 lower-case letters, digits and underscores, not starting with genesys_cloud";
            tables.fault(key.span(), wrong.advise(advice));
        }
        seen.insert(name.to_string());
        match value.get_ref().as_table() {
            Some(keys) => {
                let span = (key.span().start, key.span().end);
                let section = Section { document: root.document, keys, span };
                read.extend(table::table(name, &section));
            }
            None => {
                let wrong = Wrong::new(format!("`{name}` must be a table: [tables.{name}]"));
                tables.fault(value.span(), wrong);
            }
        }
    }
    if seen.is_empty() {
        tables.fault_here(unknown("the plan has no tables".to_owned(), "", &[]));
    }
    (target, schema, read)
}

/// Returns whether a name needs no quotes in SQL.
fn is_name(name: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    !name.is_empty()
        && name.len() <= 50
        && name.chars().all(is_plain)
        && !name.starts_with(|it: char| it.is_ascii_digit())
}
