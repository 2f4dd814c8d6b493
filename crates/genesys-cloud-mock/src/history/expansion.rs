//! Fields that a record has only if a request asks for them with `expand`.

use std::collections::HashSet;

use genesys_cloud_catalogue::{Location, Operation};

use crate::query::Query;
use crate::shape::Shape;

/// The names of the fields that the response to a request lacks: those that the document lists as values of `expand`,
/// unless the request names them. A field that refers to another record is there in any case.
pub(crate) fn hidden(operation: &Operation, query: Query<'_>, shape: &Shape) -> Vec<String> {
    let mut parameters = operation.parameters_in(Location::Query);
    let Some(parameter) = parameters.find(|parameter| parameter.name == "expand") else {
        return Vec::new();
    };
    let name = |text: &str| text.trim_start_matches("entities.").to_ascii_lowercase();
    let items = parameter.items.as_ref().map(|items| items.values.iter());
    let values = parameter.values.iter().chain(items.into_iter().flatten());
    let expandable: HashSet<_> = values.filter_map(|value| value.as_str()).map(name).collect();
    let requested = query.pairs().filter(|(parameter, _)| parameter == "expand");
    let requested: HashSet<_> =
        requested.flat_map(|(_, value)| value.split(',').map(name).collect::<Vec<_>>()).collect();
    let is_hidden = |field: &&str| {
        let name = field.to_ascii_lowercase();
        expandable.contains(&name) && !requested.contains(&name)
    };
    let fields = shape.fields().filter(|(_, shape)| !shape.refers());
    fields.map(|(field, _)| field).filter(is_hidden).map(str::to_owned).collect()
}
