//! Families of operations that list, create, read, update and delete the same records, found by their paths.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::audit::capitalized;
use crate::api::{Api, Endpoint, SuccessBody};
use crate::record_types::{DIVISIONS, VIEWS};

/// The operations on the records of a collection, by their indexes in the table of endpoints.
#[derive(Debug)]
pub(super) struct Family {
    /// The path of the collection, with the names of its parameters.
    pub(super) path: &'static str,
    pub(super) list: usize,
}

/// What an operation does with the records of its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    List,
    Create,
    Read,
    Update,
    Delete,
}

/// All families of the document.
#[derive(Debug)]
pub(super) struct Families {
    all: Vec<Family>,
    /// The family and role of each operation that has one, by its index in the table of endpoints.
    roles: HashMap<usize, (usize, Role)>,
    /// The family of each collection path, with `{}` for parameters.
    paths: HashMap<String, usize>,
}

static EMBEDDED: LazyLock<Families> = LazyLock::new(|| Families::find(Api::embedded()));

impl Families {
    pub(super) fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// A family has a list of records with ids, a POST at the same path, and GET, DELETE and PUT or PATCH of a
    /// single record. Jobs have their own lifecycle.
    fn find(api: &'static Api) -> Self {
        let mut at: HashMap<String, Vec<&'static Endpoint>> = HashMap::new();
        for endpoint in api.endpoints() {
            at.entry(unnamed(&endpoint.operation.path)).or_default().push(endpoint);
        }
        let mut families = Self { all: Vec::new(), roles: HashMap::new(), paths: HashMap::new() };
        for endpoint in api.endpoints().iter().filter(|it| it.operation.method == "GET") {
            let path = unnamed(&endpoint.operation.path);
            let Some(records) = at.get(&format!("{path}/{{}}")) else { continue };
            let find = |endpoints: &[&'static Endpoint], method: &str| {
                endpoints.iter().find(|it| it.operation.method == method).map(|it| it.index)
            };
            let updates: Vec<_> =
                ["PUT", "PATCH"].into_iter().filter_map(|method| find(records, method)).collect();
            let operations =
                (find(&at[&path], "POST"), find(records, "GET"), find(records, "DELETE"));
            let (Some(create), Some(read), Some(delete)) = operations else { continue };
            let is_job =
                api.job_specs().of_submit(create).is_some() || api.job_specs().is_by_id(read);
            let lists_ids = matches!(
                &endpoint.success_response().body,
                SuccessBody::Listing(listing) if listing.has_id()
            );
            // SCIM shows users that are not those of this org.
            let is_other_view = path.starts_with("/api/v2/scim/");
            if updates.is_empty() || is_job || is_other_view || !lists_ids {
                continue;
            }
            let family = families.all.len();
            families.all.push(Family { path: &endpoint.operation.path, list: endpoint.index });
            families.paths.insert(path, family);
            let roles = [
                (endpoint.index, Role::List),
                (create, Role::Create),
                (read, Role::Read),
                (delete, Role::Delete),
            ];
            let updates = updates.into_iter().map(|update| (update, Role::Update));
            families.roles.extend(
                roles.into_iter().chain(updates).map(|(index, role)| (index, (family, role))),
            );
        }
        families.find_other_lists(api);
        families
    }

    /// Adds the lists and searches of the same records at other paths, such as `/routing/queues/divisionviews`.
    fn find_other_lists(&mut self, api: &'static Api) {
        for endpoint in api.endpoints() {
            let path = unnamed(&endpoint.operation.path);
            let mut parent = path.as_str();
            while let Some((start, word)) = parent.rsplit_once('/')
                && VIEWS.contains(&word)
            {
                parent = start;
            }
            let Some(&family) = self.paths.get(parent).filter(|_| parent.len() < path.len()) else {
                continue;
            };
            let lists_ids = matches!(
                &endpoint.success_response().body,
                SuccessBody::Listing(listing) if listing.has_id()
            );
            if lists_ids && api.job_specs().of_submit(endpoint.index).is_none() {
                self.roles.entry(endpoint.index).or_insert((family, Role::List));
            }
        }
    }

    /// The families whose records change on their own.
    pub(super) fn changing(&self) -> impl Iterator<Item = &Family> {
        self.all.iter().filter(|family| family.changes())
    }

    /// The family of an operation, and what the operation does.
    pub(super) fn role(&self, endpoint: usize) -> Option<(&Family, Role)> {
        let (family, role) = self.roles.get(&endpoint)?;
        Some((&self.all[*family], *role))
    }

    /// The family of the collection at a path with `{}` for parameters.
    pub(super) fn at(&self, path: &str) -> Option<&Family> {
        self.paths.get(path).map(|&family| &self.all[family])
    }
}

impl Family {
    /// Whether its collection belongs to a record of another one.
    pub(super) fn has_parent(&self) -> bool {
        self.path.contains('{')
    }

    /// Whether its records change on their own. Records refer to divisions, so divisions stay.
    pub(super) fn changes(&self) -> bool {
        !self.has_parent() && self.path != DIVISIONS
    }

    /// The name of its records in audits, such as `Queue` for `/api/v2/routing/queues`.
    pub(super) fn entity(&self) -> String {
        let word = self.path.rsplit('/').next().unwrap_or_default();
        let word = match word.strip_suffix("ies") {
            Some(stem) => format!("{stem}y"),
            None => word.strip_suffix('s').unwrap_or(word).to_owned(),
        };
        capitalized(&word)
    }
}

/// A path template without the names of its parameters.
pub(super) fn unnamed(template: &str) -> String {
    let segments = template.split('/').map(|it| if it.starts_with('{') { "{}" } else { it });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_families_by_their_paths() {
        let families = Families::embedded();
        // A new document may change the number; a change of the rules should not.
        assert_eq!(families.all.len(), 163);
        for path in ["routing/queues", "users", "routing/wrapupcodes", "authorization/divisions"] {
            let family =
                families.at(&format!("/api/v2/{path}")).unwrap_or_else(|| panic!("{path}"));
            assert!(!family.has_parent(), "{path}");
        }
        let rows = families.at("/api/v2/flows/datatables/{}/rows");
        assert!(rows.is_none_or(Family::has_parent));
        // Recordings are deleted by a job.
        assert!(families.at("/api/v2/recording/jobs").is_none());
        assert_eq!(families.at("/api/v2/routing/queues").map(Family::entity), Some("Queue".into()));
    }
}
