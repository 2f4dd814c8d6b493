//! The types of records that have a list of their own, and what refers to such records. Found in the document alone.

use std::collections::HashMap;
use std::sync::LazyLock;

use genesys_cloud_catalogue::{Catalogue, Kind, Operation, Schema};

use crate::classify::ItemLocation;

/// The path of the divisions. Every field `division` refers to one, whatever its type.
pub(crate) const DIVISIONS: &str = "/api/v2/authorization/divisions";

/// The last words of paths that show records of another list.
pub(crate) const VIEWS: [&str; 4] = ["divisionviews", "all", "search", "query"];

/// The endings of types that refer to a record of the type before them.
const REFERENCES: [&str; 5] =
    ["EntityReference", "ReferenceWithName", "Reference", "EntityRef", "Ref"];

/// A type of records.
#[derive(Debug)]
pub(crate) struct RecordType {
    /// The name of its definition.
    pub(crate) name: &'static str,
    /// The path of its list.
    pub(crate) path: &'static str,
}

/// The types of records of the document, each with its number.
#[derive(Debug)]
pub(crate) struct RecordTypes {
    all: Vec<RecordType>,
    /// The type of the record that a definition is, or refers to.
    definitions: HashMap<String, usize>,
    /// The type of the record whose id a field has.
    fields: HashMap<String, usize>,
    /// The lists of records that belong to another list, by path: the type.
    members: HashMap<&'static str, (usize, Membership)>,
}

/// How a list below a record shows records of another list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Membership {
    /// The records themselves.
    Record,
    /// Their ids, and some of their fields.
    Reference,
    /// Records that join the record and its parent, with the id of the record.
    Join,
}

static EMBEDDED: LazyLock<RecordTypes> = LazyLock::new(|| RecordTypes::find(Catalogue::embedded()));

impl RecordTypes {
    pub(crate) fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// A type has one list without parents, and a GET of a single record at the same path.
    fn find(catalogue: &'static Catalogue) -> Self {
        let gets = || catalogue.operations().filter(|operation| operation.method == "GET");
        let singles: HashMap<&str, &Operation> = gets()
            .filter_map(|one| Some((one.path.strip_suffix('}')?.rsplit_once("/{")?.0, one)))
            .collect();
        let mut paths: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
        for list in gets().filter(|list| !list.path.contains('{')) {
            let single = singles.get(list.path.as_str()).and_then(|one| one.reply());
            let Some(item) = item(catalogue, list) else { continue };
            let is_same = single.and_then(|it| it.reference.as_deref()) == Some(item);
            let id = catalogue.definition(item).and_then(|record| record.property("id"));
            let has_id = id.is_some_and(|id| catalogue.resolve(id).kind == Some(Kind::String));
            if is_same && has_id && !VIEWS.iter().any(|view| list.path.ends_with(view)) {
                paths.entry(item).or_default().push(&list.path);
            }
        }
        let mut all: Vec<_> = paths
            .into_iter()
            .filter_map(|(name, paths)| match paths[..] {
                [path] => Some(RecordType { name, path }),
                _ => None,
            })
            .collect();
        all.sort_unstable_by_key(|record_type| record_type.path);
        let mut types = Self {
            all,
            definitions: HashMap::new(),
            fields: HashMap::new(),
            members: HashMap::new(),
        };
        for (number, record_type) in types.all.iter().enumerate() {
            let mut field = record_type.name.to_owned();
            field[..1].make_ascii_lowercase();
            types.fields.insert(format!("{field}Id"), number);
            types.definitions.insert(record_type.name.to_owned(), number);
            if record_type.path == DIVISIONS {
                types.fields.insert("divisionId".to_owned(), number);
            }
        }
        for name in catalogue.definition_names() {
            let target = REFERENCES.iter().find_map(|ending| name.strip_suffix(ending));
            if let Some(&number) = target.and_then(|target| types.definitions.get(target)) {
                types.definitions.entry(name.to_owned()).or_insert(number);
            }
        }
        for list in gets().filter(|list| list.path.contains("/{") && !list.path.ends_with('}')) {
            types.add_members(catalogue, list);
        }
        types
    }

    /// Adds a list below a record if it shows records of another list.
    fn add_members(&mut self, catalogue: &'static Catalogue, list: &'static Operation) {
        let Some(item) = item(catalogue, list) else { return };
        // The versions of a record have its id, but are not other records.
        if list.path.ends_with("/versions") {
            return;
        }
        let found = match self.of_definition(item) {
            Some(number) if self.all[number].name == item => Some((number, Membership::Record)),
            Some(number) => Some((number, Membership::Reference)),
            None => self.joined(catalogue, list, item),
        };
        if let Some((number, membership)) = found {
            self.members.insert(&list.path, (number, membership));
            self.definitions.entry(item.to_owned()).or_insert(number);
        }
    }

    /// `UserQueue` below a user is a queue of that user. `QueueMember` below a queue joins it with the only other
    /// record in its fields.
    fn joined(
        &self,
        catalogue: &Catalogue,
        list: &Operation,
        item: &str,
    ) -> Option<(usize, Membership)> {
        let (parent, _) = list.path.rsplit_once("/{")?;
        let parent = self.all.iter().find(|record_type| record_type.path == parent)?;
        let kind = item.strip_prefix(parent.name)?;
        if kind != "Member" {
            return Some((self.of_definition(kind)?, Membership::Reference));
        }
        let fields = catalogue.definition(item)?.properties.iter();
        let mut types = fields.filter_map(|(_, field)| {
            let name = field.reference.as_deref()?;
            let number = self.of_definition(name)?;
            (self.all[number].name == name).then_some(number)
        });
        types.next().filter(|_| types.next().is_none()).map(|number| (number, Membership::Join))
    }

    pub(crate) fn all(&self) -> &[RecordType] {
        &self.all
    }

    /// The type of the record that a definition is, or refers to.
    pub(crate) fn of_definition(&self, name: &str) -> Option<usize> {
        self.definitions.get(name).copied()
    }

    /// The type of the record that an object in a field is, or refers to.
    pub(crate) fn of_object(&self, field: &str, definition: Option<&str>) -> Option<usize> {
        match field {
            "division" => self.of_field("divisionId"),
            _ => definition.and_then(|name| self.of_definition(name)),
        }
    }

    /// The type of the record whose id a field has.
    pub(crate) fn of_field(&self, name: &str) -> Option<usize> {
        self.fields.get(name).copied()
    }

    /// The type of the records of another list that a list below a record shows.
    pub(crate) fn members(&self, path: &str) -> Option<(usize, Membership)> {
        self.members.get(path).copied()
    }
}

/// The definition of the items of a list.
fn item(catalogue: &'static Catalogue, list: &'static Operation) -> Option<&'static str> {
    let response = catalogue.resolve(list.reply()?);
    let items = match ItemLocation::of(catalogue, response)? {
        ItemLocation::Reply => response,
        ItemLocation::Field(name, inner) => {
            let field = catalogue.resolve(response.property(name)?);
            match inner {
                Some(inner) => catalogue.resolve(field.property(inner)?),
                None => field,
            }
        }
    };
    let item: &Schema = items.items.as_deref()?;
    item.reference.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str) -> Option<(&'static str, Membership)> {
        let types = RecordTypes::embedded();
        types.members(path).map(|(number, how)| (types.all()[number].path, how))
    }

    #[test]
    fn finds_the_lists_that_show_records_of_other_lists() {
        let (users, queues) = ("/api/v2/users", "/api/v2/routing/queues");
        for (path, expected) in [
            ("/api/v2/routing/queues/{queueId}/members", Some((users, Membership::Join))),
            ("/api/v2/groups/{groupId}/members", Some((users, Membership::Record))),
            ("/api/v2/teams/{teamId}/members", Some((users, Membership::Reference))),
            ("/api/v2/users/{userId}/queues", Some((queues, Membership::Reference))),
            (
                "/api/v2/routing/queues/{queueId}/wrapupcodes",
                Some(("/api/v2/routing/wrapupcodes", Membership::Record)),
            ),
            // Users of another org, notes of the contact alone, versions of the same schema.
            ("/api/v2/orgauthorization/trustees/{trusteeOrgId}/users", None),
            ("/api/v2/externalcontacts/contacts/{contactId}/notes", None),
            ("/api/v2/businessrules/schemas/{schemaId}/versions", None),
        ] {
            assert_eq!(shown(path), expected, "{path}");
        }
    }

    #[test]
    fn finds_the_fields_that_refer_to_records() {
        let types = RecordTypes::embedded();
        let path = |number: Option<usize>| number.map(|number| types.all()[number].path);
        assert_eq!(path(types.of_field("userId")), Some("/api/v2/users"));
        assert_eq!(path(types.of_object("agent", Some("User"))), Some("/api/v2/users"));
        assert_eq!(path(types.of_object("division", Some("StarrableDivision"))), Some(DIVISIONS));
        assert_eq!(path(types.of_definition("QueueReference")), Some("/api/v2/routing/queues"));
        // A reference to a record of any type.
        assert_eq!(types.of_definition("DomainEntityRef"), None);
    }
}
