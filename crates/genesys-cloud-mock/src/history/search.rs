//! Searches: the criteria in the body of a search, or encoded in `q64`.

use serde_json::{Map, Value};

use super::selection::compare;
use crate::response::CannedResponse;

/// The criteria that a record has to meet.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Search(Vec<Criterion>);

/// One criterion.
#[derive(Debug, Clone, PartialEq)]
struct Criterion {
    test: Test,
    /// JSON pointers. One of the fields has to pass the test.
    fields: Vec<String>,
    joined_by: Operator,
}

/// How criteria combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
    Not,
}

/// What a field has to be.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// Anything.
    All,
    /// Equal to one of these, ignoring case.
    Equal(Vec<String>),
    StartsWith(Vec<String>),
    Contains(Vec<String>),
    Present,
    /// At least the first value and at most the second; without them, if they do not count.
    Range {
        from: Option<(String, bool)>,
        to: Option<(String, bool)>,
    },
    /// Other criteria, about any fields.
    Group(Search),
}

impl Search {
    /// Reads the criteria of a search.
    pub(super) fn of(search: &Map<String, Value>) -> Result<Self, CannedResponse> {
        Self::of_criteria(search.get("query").and_then(Value::as_array))
    }

    fn of_criteria(criteria: Option<&Vec<Value>>) -> Result<Self, CannedResponse> {
        let criteria = criteria.map(Vec::as_slice).unwrap_or_default();
        criteria.iter().map(Criterion::of).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a record meets all criteria joined by AND, at least one joined by OR if there are any, and none joined
    /// by NOT.
    pub(super) fn accepts(&self, record: &Value) -> bool {
        let of = |operator| self.0.iter().filter(move |it| it.joined_by == operator);
        let mut alternatives = of(Operator::Or).peekable();
        of(Operator::And).all(|it| it.accepts(record))
            && !of(Operator::Not).any(|it| it.accepts(record))
            && (alternatives.peek().is_none() || alternatives.any(|it| it.accepts(record)))
    }
}

impl Criterion {
    fn of(criterion: &Value) -> Result<Self, CannedResponse> {
        let text = |name: &str| criterion[name].as_str().map(str::to_owned);
        let list = |name: &str| {
            let texts = criterion[name].as_array().map(Vec::as_slice).unwrap_or_default();
            texts.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let values: Vec<_> = list("values").into_iter().chain(text("value")).collect();
        let lowercase = || values.iter().map(|value| value.to_lowercase()).collect();
        let bound = |is_inclusive: bool| text("value").map(|value| (value, is_inclusive));
        let group = criterion["group"].as_array().filter(|group| !group.is_empty());
        let kind = criterion["type"].as_str().unwrap_or_default();
        let test = match kind {
            _ if group.is_some() => Test::Group(Search::of_criteria(group)?),
            "MATCH_ALL" => Test::All,
            "EXACT" | "TERM" | "TERMS" => Test::Equal(lowercase()),
            "STARTS_WITH" => Test::StartsWith(lowercase()),
            "CONTAINS" => Test::Contains(lowercase()),
            "REQUIRED_FIELDS" => Test::Present,
            "RANGE" => Test::Range {
                from: text("startValue").map(|value| (value, true)),
                to: text("endValue").map(|value| (value, true)),
            },
            "LESS_THAN" => Test::Range { from: None, to: bound(false) },
            "LESS_THAN_EQUAL_TO" => Test::Range { from: None, to: bound(true) },
            "GREATER_THAN" => Test::Range { from: bound(false), to: None },
            "GREATER_THAN_EQUAL_TO" => Test::Range { from: bound(true), to: None },
            _ => {
                let message = format!("The fake org has no search of the type [{kind}].");
                return Err(CannedResponse::bad_request(&message));
            }
        };
        let joined_by = match criterion["operator"].as_str() {
            Some("OR") => Operator::Or,
            Some("NOT") => Operator::Not,
            _ => Operator::And,
        };
        let pointer = |field: String| format!("/{}", field.replace('.', "/"));
        let fields = list("fields").into_iter().map(pointer).collect();
        Ok(Self { test, fields, joined_by })
    }

    fn accepts(&self, record: &Value) -> bool {
        match &self.test {
            Test::All => true,
            Test::Group(search) => search.accepts(record),
            test => self.fields.iter().any(|field| match record.pointer(field) {
                None | Some(Value::Null) => false,
                Some(Value::Array(items)) => items.iter().any(|item| test.accepts(item)),
                Some(value) => test.accepts(value),
            }),
        }
    }
}

impl Test {
    /// Whether a value passes.
    fn accepts(&self, value: &Value) -> bool {
        let text = || match value {
            Value::String(text) => text.to_lowercase(),
            value => value.to_string(),
        };
        match self {
            Self::Equal(wanted) => wanted.contains(&text()),
            Self::StartsWith(wanted) => wanted.iter().any(|it| text().starts_with(it.as_str())),
            Self::Contains(wanted) => wanted.iter().any(|it| text().contains(it.as_str())),
            Self::Range { from, to } => {
                let order = |bound: &str| match value {
                    Value::Number(_) => {
                        bound.parse::<f64>().ok().map(|it| compare(value, &it.into()))
                    }
                    value => Some(compare(value, &bound.into())),
                };
                let is_within = |bound: &Option<(String, bool)>, outside: std::cmp::Ordering| {
                    bound.as_ref().is_none_or(|(bound, is_inclusive)| {
                        order(bound).is_some_and(|it| {
                            it.is_eq() && *is_inclusive || it == outside.reverse()
                        })
                    })
                };
                is_within(from, std::cmp::Ordering::Less)
                    && is_within(to, std::cmp::Ordering::Greater)
            }
            Self::All | Self::Present | Self::Group(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(criteria: Value) -> bool {
        let record = json!({
            "name": "Ada Lovelace",
            "state": "active",
            "version": 7,
            "dateCreated": "2026-05-01T12:00:00Z",
            "chat": { "jabberId": "ada" },
            "tags": ["one", "two"],
        });
        let search = json!({ "query": criteria });
        let search = Search::of(search.as_object().expect("an object")).expect("a search");
        search.accepts(&record)
    }

    #[test]
    fn compares_fields_as_the_type_of_the_criterion_says() {
        for (criterion, expected) in [
            (json!({"type": "EXACT", "fields": ["name"], "value": "ada lovelace"}), true),
            (json!({"type": "EXACT", "fields": ["name"], "value": "ada"}), false),
            (json!({"type": "STARTS_WITH", "fields": ["state", "name"], "value": "ADA"}), true),
            (json!({"type": "CONTAINS", "fields": ["chat.jabberId"], "value": "d"}), true),
            (json!({"type": "TERMS", "fields": ["tags"], "values": ["two", "six"]}), true),
            (json!({"type": "TERM", "fields": ["version"], "value": "7"}), true),
            (json!({"type": "REQUIRED_FIELDS", "fields": ["email"]}), false),
            (
                json!({"type": "RANGE", "fields": ["dateCreated"], "startValue": "2026-05-01",
                "endValue": "2026-05-02"}),
                true,
            ),
            (json!({"type": "GREATER_THAN", "fields": ["version"], "value": "7"}), false),
            (json!({"type": "GREATER_THAN_EQUAL_TO", "fields": ["version"], "value": "7"}), true),
            (json!({"type": "LESS_THAN", "fields": ["version"], "value": "10"}), true),
            (json!({"type": "MATCH_ALL"}), true),
        ] {
            assert_eq!(accepts(json!([criterion])), expected, "{criterion}");
        }
    }

    #[test]
    fn combines_criteria_by_their_operators() {
        let is = |operator: &str, value: &str| json!({"type": "EXACT", "fields": ["state"], "value": value, "operator": operator});
        assert!(accepts(json!([is("AND", "active"), is("NOT", "inactive")])));
        assert!(!accepts(json!([is("NOT", "active")])));
        assert!(accepts(json!([is("OR", "active"), is("OR", "inactive")])));
        assert!(!accepts(json!([is("OR", "deleted"), is("OR", "inactive")])));
        let group = json!({"type": "EXACT", "operator": "NOT", "group": [is("OR", "active")]});
        assert!(!accepts(json!([group])));
        assert!(accepts(json!([])));
    }

    #[test]
    fn refuses_a_search_that_it_can_not_do() {
        let search = json!({ "query": [{ "type": "REGEX", "fields": ["name"], "value": "a.*" }] });
        let refusal = Search::of(search.as_object().expect("an object")).expect_err("a refusal");
        assert_eq!(refusal.status, 400);
    }
}
