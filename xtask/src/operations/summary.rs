//! `cargo xtask operations`: the number of operations per scheme.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;

use crate::jobs::Role;
use crate::model::{Tagged, TaggedOperation};

/// Writes a line per scheme: the number of operations, how many of them have `paginate`, and the paths of their items.
/// Then a line per kind of call.
pub fn summary(tagged: &Tagged<'_>, out: &mut impl Write) -> Result<()> {
    let operations = &tagged.operations;
    #[derive(Default)]
    struct Line {
        operations: usize,
        paginated: usize,
        items: BTreeMap<String, usize>,
    }
    let mut by_scheme: BTreeMap<_, Line> = BTreeMap::new();
    let mut by_kind: BTreeMap<&str, usize> = BTreeMap::new();
    for TaggedOperation { tag, .. } in operations {
        *by_kind.entry(tag.kind.as_str()).or_default() += 1;
        if let Some(scheme) = tag.list.scheme {
            let line = by_scheme.entry(scheme).or_default();
            line.operations += 1;
            line.paginated += usize::from(tag.is_list() || tag.role == Some(Role::Submit));
            *line.items.entry(tag.list.items.clone().unwrap_or("-".to_owned())).or_default() += 1;
        }
    }
    let total = by_scheme
        .values()
        .fold((0, 0), |(all, paginated), line| (all + line.operations, paginated + line.paginated));
    writeln!(out, "{:<26}{:>10}{:>12}  items", "scheme", "operations", "paginate()")?;
    for (scheme, line) in by_scheme {
        let mut items: Vec<_> = line.items.into_iter().collect();
        items.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let items: Vec<_> = items.iter().map(|(path, count)| format!("{path} {count}")).collect();
        let (name, items) = (scheme.name(), items.join(", "));
        writeln!(out, "{name:<26}{:>10}{:>12}  {items}", line.operations, line.paginated)?;
    }
    writeln!(out, "{:<26}{:>10}{:>12}", "all", total.0, total.1)?;
    let kinds: Vec<_> = by_kind.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    writeln!(out, "\n{} operations: {}", operations.len(), kinds.join(", "))?;
    let families = &tagged.families.families;
    if !families.is_empty() {
        let submits: usize = families.iter().map(|family| family.submits.len()).sum();
        writeln!(out, "{} job families, submitted by {submits} operations", families.len())?;
    }
    Ok(())
}
