//! `cargo xtask operations --jobs`: the job families.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;

use crate::jobs::{Completion, Family, Found, JobId, JobState, ResultLocation, Results, Role};
use crate::model::{Tagged, TaggedOperation};

/// Lists the families with their facts, and counts them.
pub fn jobs(tagged: &Tagged<'_>, out: &mut impl Write) -> Result<()> {
    let by_id: BTreeMap<&str, &TaggedOperation<'_>> =
        tagged.operations.iter().map(|it| (it.operation.id.as_str(), it)).collect();
    let families = &tagged.families.families;
    for family in families {
        writeln!(out, "{}", family.name)?;
        for (role, id) in family.members() {
            let route = by_id.get(id).map(|it| it.operation.route()).unwrap_or_default();
            writeln!(out, "  {:<18}{route} ({id})", role.as_str())?;
        }
        for (label, text) in facts(family) {
            writeln!(out, "  {label:<18}{text}")?;
        }
        let listed_by = match &family.results {
            Results::List(id) => by_id.get(id.as_str()),
            Results::Status => family.status.as_ref().and_then(|id| by_id.get(id.as_str())),
            Results::Reply(_) | Results::Nothing => None,
        };
        if let Some((scheme, items)) =
            listed_by.and_then(|it| it.tag.list.scheme.zip(it.tag.list.items.as_ref()))
        {
            writeln!(out, "  {:<18}{}, items in {items}", "listed by", scheme.name())?;
        }
        if let Some(reason) = &family.reason {
            let label = if family.found == Found::Changed { "changed" } else { "by table" };
            writeln!(out, "  {label:<18}{reason}")?;
        }
    }
    let submits: usize = families.iter().map(|family| family.submits.len()).sum();
    let by_rule = families.iter().filter(|family| family.found != Found::ByTable);
    let changed = families.iter().filter(|family| family.found == Found::Changed).count();
    let by_rule_submits: usize = by_rule.clone().map(|family| family.submits.len()).sum();
    writeln!(
        out,
        "\n{} families with {submits} submits: {} with {by_rule_submits} by rule ({changed} changed by the \
         table), {} with {} by table",
        families.len(),
        by_rule.clone().count(),
        families.len() - by_rule.count(),
        submits - by_rule_submits,
    )?;
    writeln!(
        out,
        "{} operations accept work without a status to poll",
        tagged.families.accepted.len()
    )?;
    Ok(())
}

/// The operations of a family by role.
pub(super) fn members(family: &Family) -> impl Iterator<Item = (&'static str, String)> {
    Role::ALL.into_iter().filter_map(|role| {
        let members = family.members().filter(|(it, _)| *it == role);
        let ids: Vec<&str> = members.map(|(_, id)| id).collect();
        (!ids.is_empty()).then(|| (role.as_str(), ids.join(", ")))
    })
}

/// The other facts of a family, with labels.
pub(super) fn facts(family: &Family) -> Vec<(&'static str, String)> {
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    let id = match &family.id {
        JobId::Field(path) => format!("field {path}"),
        JobId::Path(name) => format!("path parameter {name}"),
        JobId::Header(name) => format!("header {name}"),
        JobId::Nowhere => "none".to_owned(),
    };
    facts.push(("id", id));
    facts.extend(family.list.iter().map(|list| ("listed in", list.clone())));
    let done = match &family.done {
        Completion::State(path) => format!("state {path}"),
        Completion::Field(path) => format!("when {path} is present"),
        Completion::Since(path) => format!("when {path} is not before the submit"),
        Completion::Not202 => "when the status is not 202".to_owned(),
    };
    facts.push(("done", done));
    for state in JobState::ALL {
        let names: Vec<&str> = family
            .states
            .iter()
            .filter(|(_, it)| *it == state)
            .map(|(name, _)| name.as_str())
            .collect();
        if !names.is_empty() {
            facts.push((state.as_str(), names.join(", ")));
        }
    }
    let places: Vec<String> = match &family.results {
        // The whole response is the default.
        Results::Reply(places) if *places == [ResultLocation::Items("[]".to_owned())] => Vec::new(),
        Results::Reply(places) => places.iter().map(place).collect(),
        Results::List(_) | Results::Status | Results::Nothing => Vec::new(),
    };
    let places =
        if places.is_empty() { String::new() } else { format!(": {}", places.join(", or ")) };
    facts.push(("result", format!("{}{places}", family.result_kind())));
    let flags = [(family.at_once, "at once", "the response to the submit may have the result")];
    facts.extend(flags.iter().filter(|flag| flag.0).map(|flag| (flag.1, flag.2.to_owned())));
    facts.extend(family.redirects.iter().map(|path| ("redirects", path.clone())));
    facts.extend(family.available.iter().map(|it| {
        let (place, interval) = (it.interval.place.as_str(), &it.interval.name);
        let operation = &it.operation;
        ("data up to", format!("{operation}: {} (for {place} {interval})", it.field))
    }));
    facts.extend(family.hours.map(|hours| ("kept", format!("{hours} h"))));
    facts.extend(family.topic.iter().map(|topic| ("topic", topic.clone())));
    facts.extend(family.note.iter().map(|note| ("note", note.clone())));
    facts
}

fn place(at: &ResultLocation) -> String {
    match at {
        ResultLocation::Items(path) => path.clone(),
        ResultLocation::Json(urls, items) => format!("JSON at {urls} (items in {items})"),
        ResultLocation::Bytes(urls) => format!("bytes at {urls}"),
    }
}
