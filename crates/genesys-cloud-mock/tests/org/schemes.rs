//! Reads every list of the document from end to end.

use std::collections::{BTreeMap, HashMap, HashSet};

use genesys_cloud_mock::{ExpectedEnd, MockOrg, Scheme};

use crate::client::Client;
use crate::reader::{End, lists, read_list};

/// How many similar lists are read in each scenario.
const SAMPLE: usize = 3;

/// Lists whose items are one of a few strings.
const OF_FEW_WORDS: [&str; 2] = [
    "getRoutingPredictorsKeyperformanceindicatortypes",
    "getSpeechandtextanalyticsTranslationsLanguages",
];

/// No record may be lost or repeated, for any operation and length.
#[tokio::test]
async fn every_list_returns_each_record_once() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    for list in lists().filter(|(_, scheme)| *scheme != Scheme::LimitOnly) {
        let id = list.0.id.as_str();
        for count in [0, 1, 10, 25] {
            org.set_list(id, count).expect("a list");
            let size = org.nearest_page_size(id, 10).expect("a list");
            let read = read_list(&org, &mut client, list, size).await;
            let expected = org.expected(id).expect("a list");
            assert_eq!(read.keys, expected.records, "{id}: {count}");
            assert_eq!(read.keys.len() as u64, count, "{id}");
            let unique: HashSet<_> = read.keys.iter().collect();
            let is_unique = unique.len() == read.keys.len();
            assert!(is_unique || OF_FEW_WORDS.contains(&id), "{id}");
        }
    }
}

/// A client that follows the facts about the service reads what the org expects: in every scenario, for some
/// lists of each scheme that support the same scenarios.
#[tokio::test]
async fn every_scenario_ends_as_expected() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    let (mut runs, mut alike) = (BTreeMap::new(), HashMap::new());
    for list in lists() {
        let id = list.0.id.as_str();
        let scenarios = org.scenarios(id).expect("a list");
        let alike = alike.entry((list.1, scenarios.clone())).or_insert(0);
        *alike += 1;
        for scenario in scenarios.into_iter().filter(|_| *alike <= SAMPLE) {
            let size = org.nearest_page_size(id, 2).expect("a list");
            org.scenario_with_page_size(id, scenario, size).expect("it applies");
            let read = read_list(&org, &mut client, list, size).await;
            let expected = org.expected(id).expect("a list");
            assert_eq!(read.keys, expected.records, "{id}: {scenario:?}");
            let end = match expected.end {
                ExpectedEnd::Broken => End::Broken,
                _ => End::Done,
            };
            assert_eq!(read.end, end, "{id}: {scenario:?}");
            *runs.entry(format!("{scenario:?}")).or_insert(0) += 1;
        }
    }
    assert_eq!(runs.len(), genesys_cloud_mock::Scenario::ALL.len(), "{runs:?}");
}

#[tokio::test]
async fn a_page_size_out_of_bounds_is_capped_or_refused() {
    let org = MockOrg::start().await.expect("an org");
    let mut client = Client::of(&org).await;
    for (method, uri, body, status, granted) in [
        ("GET", "/api/v2/routing/queues/q/members?pageSize=500", "", 200, Some(100)),
        ("GET", "/api/v2/routing/queues/q/members?pageSize=0", "", 400, None),
        ("GET", "/api/v2/externalcontacts/scan/contacts?limit=9", "", 400, None),
        ("GET", "/api/v2/externalcontacts/scan/contacts?limit=201", "", 400, None),
        ("GET", "/api/v2/externalcontacts/scan/contacts?limit=10", "", 200, None),
        ("POST", "/api/v2/quality/evaluations/search", r#"{"pageSize":101}"#, 400, None),
        ("POST", "/api/v2/quality/evaluations/search", r#"{"pageSize":100}"#, 200, Some(100)),
        ("POST", "/api/v2/casemanagement/cases/query/jobs", r#"{"pageSize":101}"#, 400, None),
    ] {
        let response =
            client.try_send(method, uri, body.to_owned().into()).await.expect("a response");
        assert_eq!(response.status, status, "{uri} {body}: {:?}", response.bytes);
        if let Some(granted) = granted {
            assert_eq!(response.json()["pageSize"], granted, "{uri} {body}");
        }
    }
}
