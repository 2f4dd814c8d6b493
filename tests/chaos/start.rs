//! Reads a list whose request selects a page: it starts there, or is refused.

use std::cell::Cell;
use std::rc::Rc;

use futures::StreamExt as _;
use genesys_cloud_core::{Error, Verdict};
use genesys_cloud_mock::{Expected, MockOrg, Scenario};

use crate::choice::Choice;
use crate::clock::Clock;
use crate::run::{client, text};
use crate::subject::List;

/// The run ends after this many errors.
const ERRORS: usize = 2;

/// Executes a run, and returns what is wrong.
pub(crate) async fn check(choice: &Choice<'_>, list: &List, name: &str) -> Result<(), String> {
    let org = MockOrg::builder().seed(choice.seed).token_lifetime(choice.usage.token_lifetime);
    let org = org.start().await.map_err(text)?;
    org.scenario(list.operation, Scenario::ManyPages).map_err(text)?;
    let page_size = org.nearest_page_size(list.operation, Scenario::PAGE_SIZE).map_err(text)?;
    let expected = org.expected(list.operation).map_err(text)?.records;
    let value = match name {
        "pageNumber" => "2",
        "startIndex" => "11",
        // The id of a record, if records have one.
        "before" | "after" => expected[25].as_str(),
        _ => "abc",
    };
    let (clock, hook) = Clock::new(Rc::new(Cell::new(0)));
    let client = client(choice, &org, hook)?;
    let read = async {
        let mut list = list.open_with(&client, name, value).page_size(page_size as usize);
        let (mut keys, mut errors) = (Vec::new(), Vec::new());
        while errors.len() < ERRORS {
            match list.next().await {
                Some(Ok(item)) => keys.push(Expected::key(&item)),
                Some(Err(error)) => errors.push(error),
                None => break,
            }
        }
        (keys, errors, list.report().verdict())
    };
    let (keys, errors, verdict) = tokio::select! {
        biased;
        outcome = read => outcome,
        () = clock.run(&org) => return Err("the run hangs".to_owned()),
    };
    check_items(&expected, &keys, &errors, &verdict).map_err(|why| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        format!("{why}; {} items, {verdict}; errors: {}", keys.len(), errors.join("\n        "))
    })
}

/// The list ends with an error, is not called complete, or is a contiguous part of the list.
fn check_items(
    expected: &[String],
    keys: &[String],
    errors: &[Error],
    verdict: &Verdict,
) -> Result<(), String> {
    let is_part = keys.is_empty() || expected.windows(keys.len()).any(|part| part == keys);
    match errors.is_empty() && *verdict == Verdict::Complete && !is_part {
        true => Err("the items are not a contiguous part of the list".to_owned()),
        false => Ok(()),
    }
}
