//! Parameters of the operation that lists a job's results.

use std::borrow::Cow;

use genesys_cloud_catalogue::{Location, Operation as Entry};
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_core::{JobOperation, Results};

use super::validation;
use crate::failure::Failure;
use crate::parameters::{self, Given};
use crate::resolve;
use crate::settings::ExportSettings;

const OPTION: &str = "--results-param";

/// Validates `--results-param` and adds the parameters to the job's result list.
pub(super) fn set(
    kind: OperationKind,
    settings: &ExportSettings,
    entry: &Entry,
) -> Result<OperationKind, Failure> {
    let none = || {
        Failure::usage(format!(
            "{OPTION}: {} is not a job whose results are listed by another operation",
            resolve::rust_name(entry)
        ))
    };
    let params = &settings.results_params;
    let family = match kind {
        OperationKind::Job(family) => family,
        other if params.is_empty() => return Ok(other),
        _ => return Err(none()),
    };
    let (call, listing) = match family.results() {
        Results::List(call, listing) => (call.clone(), listing.clone()),
        _ if params.is_empty() => return Ok(OperationKind::Job(family)),
        _ => return Err(none()),
    };
    let listed_by = resolve::operation(call.operation().id())?;
    let in_path: Vec<String> =
        listed_by.parameters_in(Location::Path).map(|it| it.name.clone()).collect();
    if let Some((name, _)) = params.iter().find(|(name, _)| in_path.contains(name)) {
        return Err(Failure::usage(format!("{OPTION} {name}: the job sets this parameter")));
    }
    let given = Given {
        params: params.clone(),
        unchecked: settings.call.unchecked,
        later: in_path,
        option: OPTION,
        ..Given::default()
    };
    let request = parameters::request(listed_by, &given)?;
    validation::starts_at_the_first_page(
        &OperationKind::List(Box::new(listing.clone())),
        listed_by,
        &given,
    )?;
    let owned = |text: &str| Cow::Owned(text.to_owned());
    let query = request.query_pairs().map(|(name, value)| (owned(name), owned(value))).collect();
    let call: JobOperation = call.with_query(query);
    Ok(OperationKind::Job(Box::new(family.with_results(Results::List(call, listing)))))
}
