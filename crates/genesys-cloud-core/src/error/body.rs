//! Error bodies of the API.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::http_client::MAX_ERROR_BODY;
use crate::response::RawResponse;

/// The body of an error response (`ErrorBody` in the API document).
///
/// Every field is optional. The login service's `error` and `error_description` are in `code` and `message`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorBody {
    /// The message, with its parameters filled in.
    pub message: Option<String>,
    /// The API's error code, such as `general.bad.request`.
    pub code: Option<String>,
    /// The HTTP status, repeated in the body.
    pub status: Option<u16>,
    /// The id of the entity that the error is about.
    pub entity_id: Option<String>,
    /// The name of the entity that the error is about.
    pub entity_name: Option<String>,
    /// The message with placeholders for `message_params`.
    pub message_with_params: Option<String>,
    /// Values for the placeholders in `message_with_params`.
    pub message_params: BTreeMap<String, String>,
    /// The correlation id of the call.
    pub context_id: Option<String>,
    /// Errors of single fields.
    pub details: Vec<ErrorDetail>,
    /// Errors that this one consists of, such as those of the items of a bulk request.
    pub errors: Vec<ErrorBody>,
    /// The limit that was reached.
    pub limit: Option<ErrorLimit>,
}

/// An error of one field of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorDetail {
    /// The API's error code.
    pub error_code: Option<String>,
    /// The field.
    pub field_name: Option<String>,
    /// The id of the entity that the field belongs to.
    pub entity_id: Option<String>,
    /// The name of the entity that the field belongs to.
    pub entity_name: Option<String>,
}

/// A limit of the organization or the token that was reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorLimit {
    /// The namespace of the limit, such as `platform.api`.
    pub namespace: Option<String>,
    /// The name of the limit, such as `client.credentials.token.rate.per.minute`.
    pub key: Option<String>,
    /// The value of the limit.
    pub value: Option<String>,
}

/// The fields of error bodies, including those of gateways.
const FIELDS: [&str; 16] = [
    "message",
    "code",
    "status",
    "entityId",
    "entityName",
    "messageWithParams",
    "messageParams",
    "contextId",
    "details",
    "errors",
    "limit",
    "error",
    "error_description",
    "description",
    "errorMessage",
    "requestId",
];

impl ErrorBody {
    /// Returns whether an object has an error message and only fields of error bodies.
    pub(crate) fn is_all_of(fields: &Map<String, Value>) -> bool {
        let says_why = ["message", "error", "errorMessage"]
            .iter()
            .any(|name| matches!(fields.get(*name), Some(Value::String(text)) if !text.is_empty()));
        says_why && fields.keys().all(|name| FIELDS.contains(&name.as_str()))
    }

    /// Parses the body of a response, and redacts credentials that the server echoed.
    pub(super) fn of(response: &RawResponse) -> Option<Self> {
        let body = Some(&response.body).filter(|body| body.len() <= MAX_ERROR_BODY)?;
        let mut this = Self::from_json(serde_json::from_slice(body).ok()?)?;
        let redactor = response.head.secrets.redactor();
        this.each_text(&|text| redactor.redact_in(text));
        Some(this)
    }

    /// Applies a function to each text.
    pub(super) fn each_text(&mut self, change: &impl Fn(&mut String)) {
        let texts = [
            &mut self.message,
            &mut self.code,
            &mut self.entity_id,
            &mut self.entity_name,
            &mut self.message_with_params,
            &mut self.context_id,
        ];
        let limit = self.limit.iter_mut();
        let limit = limit.flat_map(|it| [&mut it.namespace, &mut it.key, &mut it.value]);
        let details = self.details.iter_mut().flat_map(|it| {
            [&mut it.error_code, &mut it.field_name, &mut it.entity_id, &mut it.entity_name]
        });
        texts.into_iter().chain(limit).chain(details).flatten().for_each(change);
        let params = std::mem::take(&mut self.message_params).into_iter();
        self.message_params = params
            .map(|(mut name, mut value)| {
                change(&mut name);
                change(&mut value);
                (name, value)
            })
            .collect();
        self.errors.iter_mut().for_each(|error| error.each_text(change));
    }

    /// Whether any field describes an error. Every JSON object parses as an `ErrorBody`.
    pub(super) const fn is_error(&self) -> bool {
        let says_why = self.message.is_some() || self.code.is_some();
        says_why || self.message_with_params.is_some() || self.status.is_some()
    }

    /// Parses leniently: fields of an undocumented type are skipped.
    pub(super) fn from_json(json: Value) -> Option<Self> {
        let Value::Object(fields) = json else { return None };
        let text = |name| text(&fields, name);
        Some(Self {
            message: text("message")
                .or_else(|| text("error_description"))
                .or_else(|| text("description")),
            code: text("code").or_else(|| text("error")),
            status: text("status").and_then(|status| status.parse().ok()),
            entity_id: text("entityId"),
            entity_name: text("entityName"),
            message_with_params: text("messageWithParams"),
            message_params: match fields.get("messageParams") {
                Some(Value::Object(params)) => params
                    .keys()
                    .filter_map(|name| Some((name.clone(), self::text(params, name)?)))
                    .collect(),
                _ => BTreeMap::new(),
            },
            context_id: text("contextId"),
            details: objects(&fields, "details").map(ErrorDetail::from_json).collect(),
            errors: match fields.get("errors") {
                Some(Value::Array(errors)) => {
                    errors.iter().cloned().filter_map(Self::from_json).collect()
                }
                _ => Vec::new(),
            },
            limit: match fields.get("limit") {
                Some(Value::Object(limit)) => Some(ErrorLimit {
                    namespace: self::text(limit, "namespace"),
                    key: self::text(limit, "key"),
                    value: self::text(limit, "value"),
                }),
                _ => None,
            },
        })
    }

    /// Returns the message, or else the first message of the nested errors.
    pub(super) fn first_message(&self) -> Option<&str> {
        let own = self.message.as_deref().or(self.message_with_params.as_deref());
        own.or_else(|| self.errors.iter().find_map(Self::first_message))
    }
}

impl ErrorDetail {
    fn from_json(fields: &Map<String, Value>) -> Self {
        Self {
            error_code: text(fields, "errorCode"),
            field_name: text(fields, "fieldName"),
            entity_id: text(fields, "entityId"),
            entity_name: text(fields, "entityName"),
        }
    }
}

/// Accepts every JSON object; fields of an undocumented type are skipped.
impl<'de> Deserialize<'de> for ErrorBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        Self::from_json(json)
            .ok_or_else(|| serde::de::Error::custom("an error body must be an object"))
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn objects<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let array = fields.get(name).and_then(Value::as_array);
    array.into_iter().flatten().filter_map(Value::as_object)
}
