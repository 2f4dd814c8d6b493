use std::borrow::Cow;

use genesys_cloud_catalogue::{Kind, Location, Operation, Parameter};
use serde_json::json;

use crate::journal::RecordedRequest;
use crate::query::Query;
use crate::response::CannedResponse;

/// Refuses what the service would refuse: a parameter that does not parse, or a missing required one. Accepts
/// enum values that the document doesn't know.
pub(crate) fn check(
    operation: &Operation,
    path_values: &[Cow<'_, str>],
    request: &RecordedRequest,
) -> Result<(), CannedResponse> {
    for (parameter, value) in operation.parameters_in(Location::Path).zip(path_values) {
        parse(parameter, value)?;
    }
    let query = Query::new(&request.query);
    for parameter in operation.parameters_in(Location::Query) {
        let mut values = query.pairs().filter(|(name, _)| *name == parameter.name).peekable();
        if parameter.required && values.peek().is_none() {
            return Err(missing(&parameter.name));
        }
        values.try_for_each(|(_, value)| parse(parameter, &value))?;
    }
    check_body(operation, request)
}

fn check_body(operation: &Operation, request: &RecordedRequest) -> Result<(), CannedResponse> {
    let Some(body) = &operation.body else {
        return Ok(());
    };
    if request.body.is_empty() {
        return if body.required { Err(missing("body")) } else { Ok(()) };
    }
    let is_json = request.header("content-type").is_some_and(|it| it.contains("json"));
    if !is_json {
        let message = "Unsupported Media Type - Unsupported or incorrect media type, such as an \
                       incorrect Content-Type value in the header.";
        return Err(CannedResponse::error(415, "unsupported.media.type", message));
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(&request.body) {
        Ok(_) => Ok(()),
        Err(error) => Err(CannedResponse::bad_request(&format!(
            "The request could not be understood by the server due to malformed syntax. {error}"
        ))),
    }
}

fn parse(parameter: &Parameter, value: &str) -> Result<(), CannedResponse> {
    let fits = match parameter.kind {
        Kind::Integer if parameter.format.as_deref() == Some("int32") => {
            value.parse::<i32>().is_ok()
        }
        Kind::Integer => value.parse::<i64>().is_ok(),
        Kind::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
        Kind::Boolean => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        _ => true,
    };
    let is_page = matches!(parameter.name.as_str(), "pageNumber" | "pageSize");
    if !fits {
        let kind = format!("{:?}", parameter.kind).to_lowercase();
        let message = format!("Value [{value}] is not valid for field type [{kind}].");
        Err(CannedResponse::error(400, "invalid.value", &message))
    } else if is_page && value.parse::<i64>().is_ok_and(|number| number < 1) {
        let message = format!("{} must be at least 1, not {value}.", parameter.name);
        Err(CannedResponse::bad_request(&message))
    } else {
        Ok(())
    }
}

fn missing(field: &str) -> CannedResponse {
    let code = "required.field.missing";
    let detail = json!({ "errorCode": code, "fieldName": field });
    CannedResponse::json(
        400,
        &json!({
            "message": format!("A required field is missing a value: {field}."),
            "code": code,
            "status": 400,
            "details": [detail],
            "errors": [],
        }),
    )
}
