//! Verifies the comparison: each change of the generated text must be reported.

use std::collections::BTreeMap;

use crate::bindings::Bindings;
use crate::compare::compare;
use crate::document::Document;
use crate::{catalogue, pinned, read, sources};

/// A change of generated text: its description, the original, and the replacement.
type Change = (&'static str, &'static str, &'static str);

const CHANGES: [Change; 20] = [
    (
        "a field has another name",
        "= \"queueId\",\n        pub user_id: Option<String>",
        "= \"queueID\",\n        pub user_id: Option<String>",
    ),
    (
        "a field is missing",
        "        pub agent_wait_seconds: Option<i64> = \"agentWaitSeconds\",\n",
        "",
    ),
    (
        "a field has another type",
        "pub wait_for_agent: Option<bool>",
        "pub wait_for_agent: Option<i64>",
    ),
    (
        "a list is a value",
        "pub backed_up_users: Option<Vec<String>>",
        "pub backed_up_users: Option<String>",
    ),
    ("a map is a list", "Option<Map<MediaUtilization>>", "Option<Vec<MediaUtilization>>"),
    (
        "a field is of another record",
        "Option<Map<LabelUtilizationResponse>>",
        "Option<Map<MediaUtilization>>",
    ),
    (
        "a value has another spelling",
        "Organization = \"Organization\"",
        "Organization = \"organization\"",
    ),
    ("a value is missing", "        Agent = \"Agent\",\n", ""),
    (
        "a record is missing",
        "record! {\n    pub struct AuthorizedDomains {\n        pub outbound: Option<Vec<String>> = \"outbound\",\n    }\n}\n",
        "",
    ),
    ("a parameter is missing", "        limit: String = \"limit\",\n", ""),
    (
        "a parameter has another type",
        "        page_size: String = \"pageSize\",\n    }\n    each {\n        queue_id",
        "        page_size: i64 = \"pageSize\",\n    }\n    each {\n        queue_id",
    ),
    (
        "a list of values has one value",
        "    each {\n        queue_id: String = \"queueId\",\n    }",
        "    query {\n        queue_id: String = \"queueId\",\n    }",
    ),
    ("another method", "\"getRoutingAssessments\" Get", "\"getRoutingAssessments\" Post"),
    (
        "another path",
        "Get \"/api/v2/routing/assessments\"\n",
        "Get \"/api/v2/routing/assessment\"\n",
    ),
    ("another id", "\"getRoutingAssessments\" Get", "\"getRoutingAssessment2\" Get"),
    (
        "another reply",
        "-> GetRoutingAssessments -> types::AssessmentListing;",
        "-> GetRoutingAssessments -> types::AssessmentJobListing;",
    ),
    (
        "other items",
        "GetRoutingAssessments -> types::BenefitAssessment;",
        "GetRoutingAssessments -> types::BenefitAssessmentJob;",
    ),
    (
        "items at another place",
        "AfterInNextUri { items: [\"entities\"], page_size: \"pageSize\" as text, maximum: 200 }",
        "AfterInNextUri { items: [\"items\"], page_size: \"pageSize\" as text, maximum: 200 }",
    ),
    (
        "the page size has another type",
        "AfterInNextUri { items: [\"entities\"], page_size: \"pageSize\" as text, maximum: 200 }",
        "AfterInNextUri { items: [\"entities\"], page_size: \"pageSize\" as integer, maximum: 200 }",
    ),
    ("a required body is optional", "    body: types::", "    optional_body: types::"),
];

#[test]
fn finds_every_change_of_the_bindings() {
    let document = pinned();
    let sources: BTreeMap<String, String> = sources();
    let is_changed = |path: &str| path.starts_with("routing/");
    let (routing, others): (BTreeMap<String, String>, BTreeMap<String, String>) =
        sources.into_iter().partition(|(path, _)| is_changed(path));
    let others = Bindings::read(&others).unwrap();
    let count = |routing: &BTreeMap<String, String>| {
        let mut bindings = others.clone();
        for (path, source) in routing {
            bindings.add(path, source).unwrap();
        }
        compare(&document, &bindings).1.len()
    };
    let before = count(&routing);
    for (what, from, to) in CHANGES {
        let mut changed = routing.clone();
        let (_, text) = changed
            .iter_mut()
            .find(|(_, text)| text.contains(from))
            .unwrap_or_else(|| panic!("{what}: no text to change"));
        *text = text.replacen(from, to, 1);
        assert!(count(&changed) > before, "{what}: not found");
    }
}

#[test]
fn finds_every_change_of_the_catalogue() {
    let document: Document = pinned();
    let data = "crates/genesys-cloud-catalogue/data";
    let operations = read(&format!("{data}/operations.jsonl"));
    let definitions = read(&format!("{data}/definitions.jsonl"));
    let before = catalogue::compare(&document, &operations, &definitions).len();
    for (what, from, to) in [
        ("a parameter has another place", "\"in\":\"query\"", "\"in\":\"header\""),
        ("a parameter is optional", "\"in\":\"path\",\"required\":true", "\"in\":\"path\""),
        ("another method", "\"method\":\"GET\"", "\"method\":\"PUT\""),
        ("another status", "\"replies\":{\"200\":", "\"replies\":{\"201\":"),
        ("another value", "\"enum\":[\"Draft\"", "\"enum\":[\"draft\""),
        ("a body is optional", "\"body\":{\"required\":true", "\"body\":{\"required\":false"),
        ("another permission", "\"agentic:virtualAgent:view\"", "\"agentic:virtualAgent:edit\""),
    ] {
        let changed = operations.replacen(from, to, 1);
        assert_ne!(changed, operations, "{what}");
        let after = catalogue::compare(&document, &changed, &definitions).len();
        assert!(after > before, "{what}: not found");
    }
    for (what, from, to) in [
        ("another format", "\"format\":\"date-time\"", "\"format\":\"date\""),
        (
            "a list is a value",
            "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}",
            "{\"type\":\"string\"}",
        ),
        ("another definition", "\"$ref\":\"DomainEntityRef\"", "\"$ref\":\"Domain\""),
    ] {
        let changed = definitions.replacen(from, to, 1);
        assert_ne!(changed, definitions, "{what}");
        let after = catalogue::compare(&document, &operations, &changed).len();
        assert!(after > before, "{what}: not found");
    }
}
