//! Names and types of tables and columns.

use std::borrow::Cow;
use std::collections::BTreeSet;

use tokio_postgres::types::Type;

use super::target::LONGEST_NAME;
use crate::checksum::Checksum;
use crate::columns::{Column, ColumnKind, Columns};

/// The table of exports and their states.
pub(super) const EXPORTS: &str = "genesys_cloud_exports";
/// The table of all runs.
pub(super) const RUNS: &str = "genesys_cloud_runs";
/// The column that orders records, for finding the later of two.
pub(super) const ROW: &str = "genesys_cloud_row";

/// An existing column.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) kind: Type,
    /// The modifier of the type, such as the precision of a time; negative if none.
    pub(super) modifier: i32,
    /// Whether it can't be written: it is generated, or GENERATED ALWAYS AS IDENTITY.
    pub(super) is_generated: bool,
    /// Whether it is NOT NULL without a default.
    pub(super) is_required: bool,
    /// Whether its type has an equality operator.
    pub(super) has_equality: bool,
    pub(super) may_insert: bool,
    pub(super) may_update: bool,
}

/// Quotes a name for SQL.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes names, separated by commas.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// Returns the name of the staging table, unique per table.
pub(super) fn staging(table: &str) -> String {
    const END: &str = "_staging";
    if table.len() <= LONGEST_NAME - END.len() {
        return format!("{table}{END}");
    }
    let sum = &Checksum::of(table.as_bytes())[..16];
    format!("{}_{sum}{END}", cut(table, LONGEST_NAME - END.len() - 1 - sum.len()))
}

/// Returns the comment on the staging table of an export.
pub(super) fn mark(run: &str) -> String {
    format!("genesys-cloud run {run}")
}

/// Returns the PostgreSQL type of a column.
pub fn sql_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "text",
        ColumnKind::Integer => "bigint",
        ColumnKind::Number => "double precision",
        ColumnKind::Boolean => "boolean",
        ColumnKind::DateTime => "timestamp with time zone",
        ColumnKind::Date => "date",
        ColumnKind::Json => "jsonb",
        ColumnKind::JsonText => "json",
    }
}

/// Returns column names for a new table.
pub(super) fn names(columns: &Columns) -> Result<Vec<String>, String> {
    let mut taken = BTreeSet::from([ROW.to_owned()]);
    columns.all().iter().map(|column| free_name(column, &mut taken)).collect()
}

/// Returns a name for a new column, and takes it.
fn free_name(column: &Column, taken: &mut BTreeSet<String>) -> Result<String, String> {
    let exact = Cow::Borrowed(cut(&column.path, LONGEST_NAME));
    let name = [plain(&column.path).into(), exact].into_iter().find(|it| !taken.contains(&**it));
    let name = name.ok_or_else(|| format!("no free column name for the field {}", column.path))?;
    taken.insert(name.clone().into_owned());
    Ok(name.into_owned())
}

/// Matches fields with the columns of a table. `None` for a field without one.
pub(super) fn matched(columns: &Columns, found: &[Found]) -> Vec<Option<String>> {
    let mut names: Vec<Option<String>> = Vec::new();
    for column in columns.all() {
        let known = |name: &str| found.iter().any(|it| it.name == name);
        let plain = plain(&column.path);
        // If two fields have the same plain name, the second is named by its path.
        let is_free = |name: &str| known(name) && !names.iter().flatten().any(|it| it == name);
        let name = [column.path.as_str(), &plain].into_iter().find(|name| is_free(name));
        names.push(name.map(str::to_owned));
    }
    names
}

/// Names the columns to add for fields without one: as in a new table, but apart from all columns of this one.
pub(super) fn widened(
    columns: &Columns,
    matched: Vec<Option<String>>,
    found: &[Found],
) -> Result<Vec<String>, String> {
    let known = found.iter().map(|it| it.name.clone());
    let mut taken: BTreeSet<String> = known.chain([ROW.to_owned()]).collect();
    let named = columns.all().iter().zip(matched);
    named
        .map(|(column, matched)| match matched {
            Some(name) => Ok(name),
            None => free_name(column, &mut taken),
        })
        .collect()
}

/// Returns the usual column name of a path. A long name keeps its end, which is more specific.
pub(super) fn plain(path: &str) -> String {
    let name = snake(path);
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let tails = name.char_indices().filter(|(_, letter)| *letter == '_');
    let tail = tails.map(|(at, _)| &name[at + 1..]).find(|it| it.len() <= LONGEST_NAME);
    tail.filter(|it| !it.is_empty()).unwrap_or(cut(&name, LONGEST_NAME)).to_owned()
}

/// Converts a path to snake case: `division.dateCreated` is `division_date_created`.
pub(super) fn snake(path: &str) -> String {
    let mut name = String::with_capacity(path.len() + 4);
    let letters: Vec<char> = path.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            name.push('_');
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        let begins_word = letter.is_uppercase()
            && before.is_some_and(|it| {
                it.is_lowercase()
                    || it.is_numeric()
                    || it.is_uppercase() && after.is_some_and(|it| it.is_lowercase())
            });
        if begins_word {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// Truncates a name at a character boundary.
fn cut(name: &str, most: usize) -> &str {
    let mut end = name.len().min(most);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

#[cfg(test)]
mod tests {
    use genesys_cloud_catalogue::Catalogue;

    use super::*;

    fn found(name: &str) -> Found {
        Found {
            name: name.to_owned(),
            kind: Type::TEXT,
            modifier: -1,
            is_generated: false,
            is_required: false,
            has_equality: true,
            may_insert: true,
            may_update: true,
        }
    }

    #[test]
    fn derives_sql_names() {
        for (path, name) in [
            ("id", "id"),
            ("memberCount", "member_count"),
            ("division.name", "division_name"),
            ("selfUri", "self_uri"),
            ("ACWSettings", "acw_settings"),
            ("someURL", "some_url"),
            ("oauth2Client", "oauth2_client"),
            ("x-y", "x_y"),
        ] {
            assert_eq!(snake(path), name);
        }
        let long = "urn:ietf:params:scim:schemas:extension:genesys:purecloud:2.0:User.externalIds";
        assert_eq!(plain(long), "scim_schemas_extension_genesys_purecloud_2_0_user_external_ids");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(staging("queues"), "queues_staging");
        let long = |end: &str| staging(&format!("{}{end}", "x".repeat(60)));
        assert_eq!(long("one").len(), 63);
        assert_ne!(long("one"), long("two"));
    }

    #[test]
    fn every_object_of_the_api_fits_a_table() {
        let catalogue = Catalogue::embedded();
        let mut tables = 0;
        for object in catalogue.definition_names() {
            let columns = Columns::of(catalogue.definition(object));
            let names = names(&columns).expect(object);
            assert!(names.iter().all(|name| name.len() <= LONGEST_NAME), "{object}");
            // The maximum of PostgreSQL.
            assert!(names.len() < 1600, "{object}");
            let found: Vec<Found> = names.iter().map(|name| found(name)).collect();
            let matched: Vec<String> = matched(&columns, &found).into_iter().flatten().collect();
            assert_eq!(matched, names, "{object}");
            tables += usize::from(!names.is_empty());
        }
        assert!(tables > 4000, "{tables}");
    }

    #[test]
    fn names_columns_to_add_apart_from_all_others() {
        let fields = ["id", "memberCount", "division.name", "member_count"].map(str::to_owned);
        let columns = Columns::chosen(&fields, None, false).expect("columns");
        let found = ["id", "division.name", "own"].map(found);
        let matched = matched(&columns, &found);
        let known = [Some("id"), None, Some("division.name"), None];
        assert_eq!(matched, known.map(|it| it.map(str::to_owned)));
        let error = widened(&columns, matched.clone(), &found).expect_err("one name for both");
        assert!(error.contains("member_count"), "{error}");
        let columns = Columns::chosen(&fields[..3], None, false).expect("columns");
        let names = widened(&columns, matched[..3].to_vec(), &found).expect("names");
        assert_eq!(names, ["id", "member_count", "division.name"]);
    }
}
