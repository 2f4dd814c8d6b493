//! Every job spec in every scenario.

mod client;

use std::collections::BTreeMap;

use self::client::Client;
use super::JobScenario;
use super::spec::Completion;
use crate::MockOrg;

#[tokio::test]
async fn every_job_ends_as_expected() {
    let org = MockOrg::start().await.expect("an org");
    let mut runs = BTreeMap::new();
    let mut wrong = Vec::new();
    for spec in org.service().api().job_specs().all() {
        let id = org.service().api().endpoint(spec.submit).operation.id.as_str();
        for scenario in org.job_scenarios(id).expect("jobs") {
            org.job_scenario(id, scenario).expect("it applies");
            let expected = org.expected_job(id).expect("jobs");
            let mut client =
                Client { org: &org, spec, token: org.access_token(), id: String::new(), scenario };
            let got = client.run().await;
            // `expected` does not include a record that only the request identifies.
            let is_named = spec.completion == Completion::Accepted && expected.records.is_empty();
            let records = if is_named { Vec::new() } else { got.records.clone() };
            let is_right =
                (Some(expected.end), &expected.records, &expected.files, &expected.message)
                    == (got.end, &records, &got.files, &got.message);
            let refusals = if scenario == JobScenario::TransientErrors { 2 } else { 0 };
            if !is_right || refusals != got.refusals {
                wrong.push(format!(
                    "{id} {scenario:?}: {:?} {} {} {:?}, got {:?} {} {} {:?}, refused {}",
                    expected.end,
                    expected.records.len(),
                    expected.files.len(),
                    expected.message,
                    got.end,
                    got.records.len(),
                    got.files.len(),
                    got.message,
                    got.refusals,
                ));
            }
            *runs.entry(format!("{scenario:?}")).or_insert(0) += 1;
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(runs.len(), JobScenario::ALL.len(), "{runs:?}");
}
