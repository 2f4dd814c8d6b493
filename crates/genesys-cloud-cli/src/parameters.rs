//! Validates parameters against the API document and builds a request.

use chrono::{DateTime, NaiveDate};
use genesys_cloud_catalogue::{Kind, Location, Operation as Entry, Parameter};
use genesys_cloud_core::Request;
use genesys_cloud_core::specs;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::body;
use crate::failure::Failure;
use crate::resolve::{nearest, quoted};

/// The input of an operation.
#[derive(Debug)]
pub(crate) struct Given {
    /// Names and values, in the order of the command line.
    pub(crate) params: Vec<(String, String)>,
    /// The body, which is sent unchanged.
    pub(crate) body: Option<Box<RawValue>>,
    /// Whether to skip validation.
    pub(crate) unchecked: bool,
    /// Names of parameters and body fields that the export sets later.
    pub(crate) later: Vec<String>,
    /// The option for these parameters, for error messages.
    pub(crate) option: &'static str,
    /// The option for the body, for error messages.
    pub(crate) body_option: &'static str,
    /// Whether --interval can set the interval of the operation.
    pub(crate) takes_interval: bool,
}

impl Default for Given {
    fn default() -> Self {
        let (params, later) = (Vec::new(), Vec::new());
        let (body, unchecked, takes_interval) = (None, false, false);
        let (option, body_option) = ("--param", "--body");
        Self { params, body, unchecked, later, option, body_option, takes_interval }
    }
}

/// Builds and validates a request. Reports all faults in one error.
pub(crate) fn request(entry: &Entry, given: &Given) -> Result<Request, Failure> {
    let operation = specs::operation(entry).map_err(|error| Failure::usage(error.to_string()))?;
    let mut request = Request::new(operation);
    let mut faults: Vec<String> = Vec::new();
    // Whether the document may be outdated rather than the input wrong.
    let mut is_unknown = false;
    for (at, (name, value)) in given.params.iter().enumerate() {
        let Some(parameter) = entry.parameter(name) else {
            match given.unchecked {
                true => drop(request.add_query(name.clone(), value)),
                false => {
                    is_unknown = true;
                    faults.push(unknown(entry, name));
                }
            }
            continue;
        };
        if !is_list(parameter) && given.params[..at].iter().any(|(known, _)| known == name) {
            faults.push(format!("`{name}` is given twice but takes one value"));
            continue;
        }
        for value in values(parameter, value) {
            if !given.unchecked
                && let Err(fault) = check(parameter, value)
            {
                faults.push(fault);
                continue;
            }
            match parameter.location {
                Location::Path => request.set_path(name.clone(), value),
                Location::Header => request.set_header(name, value),
                _ if is_list(parameter) => add(&mut request, parameter, value),
                _ => request.add_query(name.clone(), value),
            };
        }
    }
    let is_given = |name: &str| {
        given.later.iter().any(|known| known == name)
            || given.params.iter().any(|(known, _)| known == name)
    };
    for parameter in entry.parameters.iter().filter(|it| it.required && !is_given(&it.name)) {
        if given.unchecked && parameter.location != Location::Path {
            continue;
        }
        let kind = match parameter.location {
            Location::Path => "the path requires",
            _ => "the operation requires",
        };
        faults.push(format!(
            "{kind} `{0}`: {1} {0}={2}",
            parameter.name,
            given.option,
            example(parameter)
        ));
    }
    match (&entry.body, &given.body) {
        (Some(known), Some(body)) => {
            if !given.unchecked {
                let found = body::faults(&known.schema, body);
                is_unknown |= !found.is_empty();
                faults.extend(found);
            }
            request.set_body(body);
        }
        // An interval that is set later may be in the body.
        (Some(body), None)
            if body.required && given.later.iter().all(|it| entry.parameter(it).is_some()) =>
        {
            let or = match given.takes_interval {
                true => "; or --interval start/end for a time range",
                false => "",
            };
            faults.push(format!(
                "the operation requires a body: {} file.json, or - for standard input{or}",
                given.body_option
            ));
        }
        (None, Some(_)) if !given.unchecked => {
            faults.push("the operation takes no body".to_owned());
        }
        (None, Some(body)) => drop(request.set_body(body)),
        (_, None) => {}
    }
    match &faults[..] {
        [] => Ok(request),
        faults => {
            let text = format!("{} {}: {}", entry.method, entry.path, faults.join("; "));
            let advice = format!("`genesys-cloud describe {}` shows its parameters", entry.id);
            let failure = Failure::usage(text).advise(advice);
            Err(match is_unknown {
                true => failure.advise("--unchecked skips this validation"),
                false => failure,
            })
        }
    }
}

fn is_list(parameter: &Parameter) -> bool {
    parameter.kind == Kind::Array
}

/// Splits a value at commas if the document lists all allowed values, none of which contains a comma.
fn values<'a>(parameter: &Parameter, text: &'a str) -> Vec<&'a str> {
    let listed = parameter.items.as_ref().is_some_and(|items| !items.values.is_empty());
    match is_list(parameter) && listed {
        true => text.split(',').map(str::trim).collect(),
        false => vec![text],
    }
}

/// Adds a value to a list parameter.
fn add<'a>(request: &'a mut Request, parameter: &Parameter, value: &str) -> &'a mut Request {
    let separator = match parameter.collection_format.as_deref() {
        Some("multi") => return request.add_query(parameter.name.clone(), value),
        Some("pipes" | "|") => '|',
        Some("ssv" | " ") => ' ',
        _ => ',',
    };
    let joined = match request.query(&parameter.name) {
        Some(before) => format!("{before}{separator}{value}"),
        None => value.to_owned(),
    };
    request.set_query(parameter.name.clone(), joined)
}

/// Checks a value against its parameter.
fn check(parameter: &Parameter, value: &str) -> Result<(), String> {
    let name = &parameter.name;
    let (kind, format, listed) = match &parameter.items {
        Some(items) if is_list(parameter) => (items.kind, items.format.as_deref(), &items.values),
        _ => (Some(parameter.kind), parameter.format.as_deref(), &parameter.values),
    };
    let fits = match (kind, format) {
        (Some(Kind::Integer), Some("int32")) => value.parse::<i32>().is_ok(),
        (Some(Kind::Integer), _) => value.parse::<i64>().is_ok(),
        (Some(Kind::Number), _) => value.parse::<f64>().is_ok_and(f64::is_finite),
        (Some(Kind::Boolean), _) => matches!(value, "true" | "false"),
        (_, Some("date" | "date-time")) => is_date(value),
        _ => true,
    };
    if !fits {
        return Err(format!("`{name}` takes {}, not `{value}`", takes(kind, format)));
    }
    if value.is_empty() && parameter.location == Location::Path {
        return Err(format!("`{name}` must not be empty"));
    }
    let listed: Vec<String> =
        listed.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect();
    if listed.is_empty() || listed.iter().any(|known| known == value) {
        return Ok(());
    }
    let near = nearest(value, listed.iter().cloned(), 1);
    Err(match near.is_empty() {
        false => format!("`{name}` has no value `{value}`; did you mean {}?", quoted(&near)),
        true => format!("`{name}` has no value `{value}`; expected one of {}", listed.join(", ")),
    })
}

fn is_date(value: &str) -> bool {
    DateTime::parse_from_rfc3339(value).is_ok() || value.parse::<NaiveDate>().is_ok()
}

/// Describes the values of a type.
pub(crate) fn takes(kind: Option<Kind>, format: Option<&str>) -> &'static str {
    match (kind, format) {
        (Some(Kind::Integer), _) => "an integer",
        (Some(Kind::Number), _) => "a number",
        (Some(Kind::Boolean), _) => "true or false",
        (_, Some("date")) => "a date such as 2024-05-01",
        (_, Some("date-time")) => "a date-time such as 2024-05-01T12:00:00Z",
        _ => "a string",
    }
}

pub(crate) fn example(parameter: &Parameter) -> String {
    let listed = parameter.items.as_ref().map_or(&parameter.values, |items| &items.values);
    match (listed.first().and_then(Value::as_str), parameter.kind, parameter.format.as_deref()) {
        (Some(value), ..) => value.to_owned(),
        (_, Kind::Integer | Kind::Number, _) => "1".to_owned(),
        (_, Kind::Boolean, _) => "true".to_owned(),
        (_, _, Some("date")) => "2024-05-01".to_owned(),
        (_, _, Some("date-time")) => "2024-05-01T00:00:00Z".to_owned(),
        _ => "..".to_owned(),
    }
}

fn unknown(entry: &Entry, name: &str) -> String {
    let names = entry.parameters.iter().map(|parameter| parameter.name.clone());
    let near = nearest(name, names.clone(), 2);
    let text = format!("unknown parameter `{name}`");
    if !near.is_empty() {
        return format!("{text}; did you mean {}?", quoted(&near));
    }
    let names: Vec<String> = names.collect();
    match names.is_empty() {
        true => format!("{text}; the operation has no parameters"),
        false => format!("{text}; expected one of {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve;

    fn made(operation: &str, params: &[&str]) -> Result<String, String> {
        let entry = resolve::operation(operation).expect(operation);
        let params =
            params.iter().map(|text| crate::values::name_value(text).expect("a pair")).collect();
        let given = Given { params, ..Given::default() };
        let request = request(entry, &given).map_err(|failure| failure.to_string())?;
        request.target().map_err(|error| error.to_string())
    }

    #[test]
    fn sets_parameters_in_the_path_and_query() {
        for (operation, params, target) in [
            (
                "routing.queues",
                &["name=A B", "pageSize=5"][..],
                "/api/v2/routing/queues?name=A%20B&pageSize=5",
            ),
            ("getRoutingQueue", &["queueId=a/b"], "/api/v2/routing/queues/a%2Fb"),
            (
                "users.users",
                &["expand=skills,languages"],
                "/api/v2/users?expand=skills&expand=languages",
            ),
            (
                "users.users",
                &["expand=skills", "expand=team"],
                "/api/v2/users?expand=skills&expand=team",
            ),
            ("users.users", &["id=a,b", "id=c"], "/api/v2/users?id=a%2Cb&id=c"),
        ] {
            assert_eq!(made(operation, params).as_deref(), Ok(target), "{params:?}");
        }
    }

    #[test]
    fn reports_all_faults_together() {
        for (operation, params, parts) in [
            (
                "routing.queues",
                &["nme=A"][..],
                &["unknown parameter `nme`", "did you mean `name`?"][..],
            ),
            (
                "routing.queues",
                &["zzzzzz=1"],
                &["unknown parameter `zzzzzz`; expected one of", "pageSize"],
            ),
            ("routing.queues", &["pageSize=many"], &["`pageSize` takes an integer, not `many`"]),
            ("routing.queues", &["pageSize=1", "pageSize=2"], &["`pageSize` is given twice"]),
            ("getRoutingQueue", &["queueId=a", "queueId=b"], &["`queueId` is given twice"]),
            ("routing.queues", &["hasPeer=yes"], &["`hasPeer` takes true or false"]),
            ("routing.queues", &["sortOrder=ascc"], &["did you mean `asc`?"]),
            (
                "routing.queues",
                &["sortOrder=upwards"],
                &["no value `upwards`; expected one of asc, desc"],
            ),
            (
                "users.users",
                &["expand=skills,skils"],
                &["`expand` has no value `skils`; did you mean"],
            ),
            ("getRoutingQueue", &[], &["the path requires `queueId`: --param queueId=.."]),
            ("getRoutingQueue", &["queueId="], &["`queueId` must not be empty"]),
            (
                "getRoutingQueueMembers",
                &["pageSize=x", "by=y"],
                &["`pageSize` takes", "unknown parameter `by`", "the path requires `queueId`"],
            ),
            ("postAnalyticsConversationsDetailsJobs", &[], &["requires a body: --body"]),
        ] {
            let fault = made(operation, params).expect_err("a fault");
            for part in parts {
                assert!(fault.contains(part), "{params:?}: {fault}");
            }
        }
    }

    #[test]
    fn unchecked_skips_validation() {
        let entry = resolve::operation("routing.queues").expect("an operation");
        let params =
            vec![("new".to_owned(), "1".to_owned()), ("sortOrder".to_owned(), "x".to_owned())];
        let given = Given { params, unchecked: true, ..Given::default() };
        let target = request(entry, &given).expect("a request").target().expect("a target");
        assert_eq!(target, "/api/v2/routing/queues?new=1&sortOrder=x");
    }
}
