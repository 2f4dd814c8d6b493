//! One list whose request says itself which page it wants: it is begun there, or refused.

use std::cell::Cell;
use std::rc::Rc;

use futures::StreamExt as _;
use genesys_cloud_core::{Error, Verdict};
use genesys_cloud_mock::{Expected, MockOrg, Scenario};

use crate::choice::Choice;
use crate::clock::Clock;
use crate::run::{client, text};
use crate::subject::List;

/// So many errors end it.
const ERRORS: usize = 2;

/// Does a run, and tells what is wrong.
pub(crate) async fn check(choice: &Choice<'_>, list: &List, name: &str) -> Result<(), String> {
    let org = MockOrg::builder().seed(choice.seed).token_lifetime(choice.way.token_lifetime);
    let org = org.start().await.map_err(text)?;
    org.scenario(list.operation, Scenario::ManyPages).map_err(text)?;
    let page_size = org.nearest_page_size(list.operation, Scenario::PAGE_SIZE).map_err(text)?;
    let due = org.expected(list.operation).map_err(text)?.records;
    let value = match name {
        "pageNumber" => "2",
        "startIndex" => "11",
        // The id of a record, where records have one.
        "before" | "after" => due[25].as_str(),
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
        came = read => came,
        () = clock.run(&org) => return Err("it hangs".to_owned()),
    };
    check_came(&due, &keys, &errors, &verdict).map_err(|why| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        format!("{why}; {} items, {verdict}; errors: {}", keys.len(), errors.join("\n        "))
    })
}

/// It ends in an error, is not called complete, or is one part of the list without a hole in it.
fn check_came(
    due: &[String],
    keys: &[String],
    errors: &[Error],
    verdict: &Verdict,
) -> Result<(), String> {
    let is_part = keys.is_empty() || due.windows(keys.len()).any(|part| part == keys);
    match errors.is_empty() && *verdict == Verdict::Complete && !is_part {
        true => Err("what came is no part of the list".to_owned()),
        false => Ok(()),
    }
}
