//! Counts of values that a table can't hold unchanged, by field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::SinkError;
use crate::columns::Columns;

/// Maximum number of fields in a note.
const MOST_NAMED: usize = 8;

/// How a value was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Invalid characters were replaced.
    Replaced,
    /// A time was truncated to the precision of the column.
    Cut,
    /// A time out of range became the largest or smallest one.
    Far,
    /// The value does not have the type in the API document, and was written unchanged.
    Odd,
}

const LOSSES: [(Loss, &str, &str); 4] = [
    (
        Loss::Replaced,
        "replaced",
        "with invalid characters, such as half of a surrogate pair: replaced by U+FFFD",
    ),
    (Loss::Cut, "cut", "with a time more precise than the column: truncated"),
    (Loss::Far, "far", "with a time out of range: replaced by the largest or smallest time"),
    (Loss::Odd, "odd", "of another type than in the API document: written unchanged"),
];

/// Counts of changed values.
#[derive(Clone, Default)]
pub(super) struct Losses {
    fields: Vec<String>,
    counts: Vec<[u64; LOSSES.len()]>,
    /// Whether fields are added as they are named.
    takes_any: bool,
}

impl Losses {
    pub(super) fn new<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        let fields: Vec<String> = fields.into_iter().map(str::to_owned).collect();
        let counts = vec![[0; LOSSES.len()]; fields.len()];
        Self { fields, counts, takes_any: false }
    }

    /// Returns counts of any fields.
    #[cfg(feature = "parquet")]
    pub(super) fn of_any_field() -> Self {
        Self { takes_any: true, ..Self::default() }
    }

    /// Adds counts of a field.
    #[cfg(feature = "parquet")]
    pub(super) fn add_changes(&mut self, field: &str, changes: genesys_cloud_arrow::Changes) {
        let counts = [
            (Loss::Replaced, changes.replaced),
            (Loss::Cut, changes.truncated),
            (Loss::Far, changes.clamped),
        ];
        for (loss, count) in counts {
            let kind = LOSSES.iter().position(|(known, ..)| *known == loss);
            if let (Some(column), Some(kind)) = (self.column(field), kind) {
                self.counts[column][kind] += count;
            }
        }
    }

    fn column(&mut self, field: &str) -> Option<usize> {
        let known = self.fields.iter().position(|known| known == field);
        if known.is_none() && self.takes_any {
            self.fields.push(field.to_owned());
            self.counts.push([0; LOSSES.len()]);
            return Some(self.fields.len() - 1);
        }
        known
    }

    pub(super) fn of(columns: &Columns) -> Self {
        Self::new(columns.all().iter().map(|column| column.path.as_str()))
    }

    /// Counts a changed value of a column.
    pub(super) fn add(&mut self, column: usize, loss: Loss) {
        let kind = LOSSES.iter().position(|(known, ..)| *known == loss);
        if let (Some(counts), Some(kind)) = (self.counts.get_mut(column), kind) {
            counts[kind] += 1;
        }
    }

    /// Returns the counts for a commit.
    pub(super) fn saved(&self) -> Value {
        let of_kind = |kind: usize| -> BTreeMap<&str, u64> {
            let counts = self.fields.iter().zip(&self.counts);
            let counts = counts.map(|(field, counts)| (field.as_str(), counts[kind]));
            counts.filter(|(_, count)| *count > 0).collect()
        };
        let all = LOSSES.iter().enumerate().map(|(kind, (_, name, _))| (*name, of_kind(kind)));
        let all: BTreeMap<_, _> = all.filter(|(_, counts)| !counts.is_empty()).collect();
        serde_json::json!(all)
    }

    /// Resumes from saved counts.
    pub(super) fn resume(&mut self, saved: &Value) -> Result<(), SinkError> {
        let invalid = |why: &str| {
            SinkError::mismatch(format!(
                "the saved state of the output is invalid ({why}); start over with --restart"
            ))
        };
        let saved: BTreeMap<String, BTreeMap<String, u64>> =
            serde_json::from_value(saved.clone()).map_err(|error| invalid(&error.to_string()))?;
        for (name, counts) in saved {
            let kind = LOSSES.iter().position(|(_, known, _)| *known == name);
            let kind = kind.ok_or_else(|| invalid("unknown count"))?;
            for (field, count) in counts {
                let column = self.column(&field).ok_or_else(|| invalid("different fields"))?;
                self.counts[column][kind] = count;
            }
        }
        Ok(())
    }

    /// Returns notes for the user.
    pub(super) fn notes(&self) -> Vec<String> {
        let note = |(kind, (_, _, what)): (usize, &(Loss, &str, &str))| {
            let fields = self.fields.iter().zip(&self.counts).map(|(field, it)| (field, it[kind]));
            let fields: Vec<_> = fields.filter(|(_, count)| *count > 0).collect();
            let all: u64 = fields.iter().map(|(_, count)| count).sum();
            let named = fields.iter().take(MOST_NAMED);
            let mut named: Vec<String> =
                named.map(|(field, count)| format!("{field} {count}")).collect();
            if let Some(more) = fields.len().checked_sub(MOST_NAMED + 1) {
                named.push(format!("{} more fields", more + 1));
            }
            let noun = if all == 1 { "value" } else { "values" };
            (all > 0).then(|| format!("{all} {noun} {what} ({})", named.join(", ")))
        };
        LOSSES.iter().enumerate().filter_map(note).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_losses_by_field_across_a_resume() {
        let mut losses = Losses::new(["a", "b.c"]);
        assert!(losses.notes().is_empty());
        assert_eq!(losses.saved(), json!({}));
        losses.add(0, Loss::Replaced);
        losses.add(1, Loss::Replaced);
        losses.add(1, Loss::Replaced);
        losses.add(1, Loss::Cut);
        let saved = losses.saved();
        assert_eq!(saved, json!({ "replaced": { "a": 1, "b.c": 2 }, "cut": { "b.c": 1 } }));
        let mut resumed = Losses::new(["a", "b.c"]);
        resumed.resume(&saved).expect("resumed");
        resumed.add(0, Loss::Replaced);
        let notes = resumed.notes();
        assert_eq!(notes.len(), 2);
        assert!(
            notes[0].starts_with("4 values with invalid characters")
                && notes[0].ends_with("(a 2, b.c 2)")
        );
        assert!(notes[1].starts_with("1 value with a time more precise"), "{notes:?}");
        for odd in [json!(null), json!({ "x": {} }), json!({ "cut": { "z": 1 } }), json!([])] {
            assert!(Losses::new(["a", "b.c"]).resume(&odd).is_err(), "{odd}");
        }
    }
}
