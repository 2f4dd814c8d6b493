//! What the records of an operation look like, as columns of a table.

use genesys_cloud_catalogue::{Catalogue, Kind, Operation as Entry, Schema};
use genesys_cloud_core::{Family, Listing, Results, ResultsAt};

use crate::failure::Failure;
use crate::resolve::{nearest, quoted};
use crate::tags::Way;

/// The columns of a table of records, in the order of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    columns: Vec<Column>,
    chosen: bool,
}

/// A column of a table: a field of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The names of the fields that lead there, joined by dots, such as `division.name`.
    pub path: String,
    /// What its values are.
    pub kind: ColumnKind,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnKind {
    /// Texts.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Points in time, in the form that the API has them.
    DateTime,
    /// Dates.
    Date,
    /// Lists, maps and objects, as JSON.
    Json,
}

impl Columns {
    /// The columns. None, if nothing is known of the records.
    pub fn all(&self) -> &[Column] {
        &self.columns
    }

    /// Whether the user has named them.
    pub fn are_chosen(&self) -> bool {
        self.chosen
    }

    /// All that the document has of the records of an operation: of each nested object the fields, and of
    /// what these hold in turn, JSON.
    pub(crate) fn of(item: Option<&Schema>) -> Self {
        let mut columns = Vec::new();
        if let Some(item) = item {
            for (name, schema) in properties(item) {
                let nested = properties(schema);
                if nested.is_empty() {
                    columns.push(Column { path: name.clone(), kind: kind(schema) });
                }
                for (inner, schema) in nested {
                    columns.push(Column { path: format!("{name}.{inner}"), kind: kind(schema) });
                }
            }
        }
        Self { columns, chosen: false }
    }

    /// Those that a user has named. What the document does not have is told, where it has anything.
    pub(crate) fn chosen(
        fields: &[String],
        item: Option<&Schema>,
        unchecked: bool,
    ) -> Result<Self, Failure> {
        let mut columns: Vec<Column> = Vec::new();
        for path in fields {
            if path.is_empty() {
                return Err(Failure::usage("--fields: a name is empty")
                    .advise("names are parted by one comma each, such as id,name"));
            }
            if columns.iter().any(|known| known.path == *path) {
                return Err(Failure::usage(format!("--fields: `{path}` is there twice")));
            }
            let kind = match item {
                Some(item) if !unchecked => {
                    find("--fields", item, path)?.map_or(ColumnKind::Json, kind)
                }
                _ => ColumnKind::Json,
            };
            columns.push(Column { path: path.clone(), kind });
        }
        Ok(Self { columns, chosen: true })
    }
}

/// The field at a path that an option names; `None` in what the document does not describe.
pub(crate) fn find<'a>(
    option: &str,
    item: &'a Schema,
    path: &str,
) -> Result<Option<&'a Schema>, Failure> {
    let mut schema = item;
    let (mut walked, mut rest) = (String::new(), path);
    while !rest.is_empty() {
        let known = properties(schema);
        // A name may have dots itself.
        let is_next = |name: &&(String, Schema)| {
            rest.strip_prefix(&*name.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let next = known.iter().filter(is_next).max_by_key(|(name, _)| name.len());
        let name = match next {
            Some((name, _)) => &rest[..name.len()],
            None => rest.split('.').next().unwrap_or_default(),
        };
        if Catalogue::embedded().resolve(schema).items.is_some() {
            let list = walked.trim_end_matches('.');
            return Err(Failure::usage(format!(
                "{option}: `{list}` is a list, and has no `{name}`"
            ))
            .advise(format!("take it whole, as `{list}`")));
        }
        if known.is_empty() {
            return Ok(None);
        }
        let Some((_, found)) = next else {
            let names = known.iter().map(|(name, _)| name.clone());
            let mut failure = Failure::usage(format!("{option}: records have no field `{path}`"));
            let whole = |name: String| format!("{walked}{name}");
            let near = nearest(name, names.clone(), 2);
            let near: Vec<String> = near.into_iter().map(whole).collect();
            failure = failure.advise(match near.is_empty() {
                false => format!("did you mean {}?", quoted(&near)),
                true => format!("they have {}", names.map(whole).collect::<Vec<_>>().join(", ")),
            });
            return Err(failure);
        };
        walked = format!("{walked}{name}.");
        rest = rest[name.len()..].trim_start_matches('.');
        schema = found;
    }
    Ok(Some(schema))
}

/// The fields of an object, if the schema is one.
pub(crate) fn properties(schema: &Schema) -> &[(String, Schema)] {
    &Catalogue::embedded().resolve(schema).properties
}

fn kind(schema: &Schema) -> ColumnKind {
    let schema = Catalogue::embedded().resolve(schema);
    match (schema.kind, schema.format.as_deref()) {
        (Some(Kind::Boolean), _) => ColumnKind::Boolean,
        (Some(Kind::Integer), _) => ColumnKind::Integer,
        (Some(Kind::Number), _) => ColumnKind::Number,
        (Some(Kind::String), Some("date-time")) => ColumnKind::DateTime,
        (Some(Kind::String), Some("date")) => ColumnKind::Date,
        (Some(Kind::String), _) => ColumnKind::Text,
        _ => ColumnKind::Json,
    }
}

/// What the records look like that an operation lists, or that its jobs result in. `None` if the document
/// does not say.
pub(crate) fn item(entry: &Entry, way: &Way) -> Option<&'static Schema> {
    let catalogue = Catalogue::embedded();
    let entry = catalogue.operation(&entry.id)?;
    match way {
        Way::List(listing) => listed(entry, listing),
        Way::Job(family) => of_job(entry, family),
        Way::Single | Way::Accepted => None,
    }
    .map(|schema| catalogue.resolve(schema))
}

fn listed(entry: &'static Entry, listing: &Listing) -> Option<&'static Schema> {
    element(at(entry.reply()?, listing.items())?)
}

fn of_job(submit: &'static Entry, family: &Family) -> Option<&'static Schema> {
    let catalogue = Catalogue::embedded();
    let status = || family.status().and_then(|call| catalogue.operation(call.operation().id()));
    match family.results() {
        Results::List(call, listing) => {
            listed(catalogue.operation(call.operation().id())?, listing)
        }
        Results::Status(listing) => listed(status()?, listing),
        Results::Reply(places) => places.iter().find_map(|place| {
            let ResultsAt::Items(path) = place else { return None };
            let mut replies =
                status().into_iter().chain([submit]).filter_map(|entry| entry.reply());
            let found = replies.find_map(|reply| at(reply, path))?;
            Some(element(found).unwrap_or(found))
        }),
        _ => None,
    }
}

/// What stands at a path of a reply.
fn at(schema: &'static Schema, path: &str) -> Option<&'static Schema> {
    let catalogue = Catalogue::embedded();
    let mut names = path.split('.').filter(|name| *name != "[]");
    names.try_fold(catalogue.resolve(schema), |schema, name| {
        Some(catalogue.resolve(schema.property(name)?))
    })
}

fn element(list: &'static Schema) -> Option<&'static Schema> {
    Catalogue::embedded().resolve(list).items.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{resolve, tags};

    fn item_of(name: &str) -> Option<&'static Schema> {
        let entry = resolve::operation(name).expect(name);
        item(entry, &tags::way(Catalogue::embedded(), entry).expect("a way"))
    }

    #[test]
    fn nested_objects_are_dotted_columns_and_deeper_ones_json() {
        let columns = Columns::of(item_of("routing.queues"));
        let kind_of =
            |path: &str| columns.all().iter().find(|it| it.path == path).map(|it| it.kind);
        for (path, kind) in [
            ("id", Some(ColumnKind::Text)),
            ("memberCount", Some(ColumnKind::Integer)),
            ("dateCreated", Some(ColumnKind::DateTime)),
            ("division", None),
            ("division.name", Some(ColumnKind::Text)),
            ("mediaSettings.call", Some(ColumnKind::Json)),
            ("routingRules", Some(ColumnKind::Json)),
            ("autoAnswerOnly", Some(ColumnKind::Boolean)),
        ] {
            assert_eq!(kind_of(path), kind, "{path}");
        }
        assert_eq!(columns.all()[0].path, "id");
    }

    #[test]
    fn the_records_of_jobs_are_known() {
        for (operation, field) in
            [("postAnalyticsConversationsDetailsJobs", "conversationId"), ("postAuditsQuery", "id")]
        {
            let item = item_of(operation).expect(operation);
            assert!(item.property(field).is_some(), "{operation}");
        }
    }

    #[test]
    fn fields_are_checked() {
        let item = item_of("routing.queues");
        let chosen = |fields: &[&str]| {
            let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
            Columns::chosen(&fields, item, false)
        };
        let columns =
            chosen(&["name", "mediaSettings.call.alertingTimeoutSeconds"]).expect("columns");
        assert_eq!(columns.all()[1].kind, ColumnKind::Integer);
        for (fields, advice) in [
            (&["naem"][..], "did you mean `name`?"),
            (&["division.nam"], "did you mean `division.name`?"),
            (&["division.zzzzzzzz"], "they have division.id, "),
        ] {
            let failure = chosen(fields).expect_err("no such field");
            assert!(failure.advice()[0].contains(advice), "{:?}", failure.advice());
        }
        assert!(chosen(&["id", "id"]).is_err());
    }
}
