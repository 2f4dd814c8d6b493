//! A checkpoint as it is written.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use self::form::Form;
use super::{Checkpoint, Of};
use crate::nested::TreePoint;
use crate::paging::ListPoint;
use crate::windows::RangePoint;
use crate::wire::Wire as _;

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod form {
    use chrono::{DateTime, Utc};

    use crate::nested::TreeForm;
    use crate::paging::ListForm;
    use crate::windows::RangeForm;

    crate::record! {
        /// A checkpoint as it is written. To write further fields takes no further version.
        pub struct Form {
            pub version: Option<i64> = "version",
            pub made: Option<DateTime<Utc>> = "made",
            pub note: Option<String> = "note",
            pub list: Option<ListForm> = "list",
            pub range: Option<RangeForm> = "range",
            pub tree: Option<TreeForm> = "tree",
        }
    }
}

/// What is written, and all that is read.
const VERSION: i64 = 3;

impl Serialize for Checkpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (made, note) = (Some(self.made), self.note.clone());
        let mut form = Form { version: Some(VERSION), made, note, ..Form::default() };
        match &self.of {
            Of::List(point) => form.list = Some(point.form()),
            Of::Range(point) => form.range = Some(point.form()),
            Of::Tree(point) => form.tree = Some(point.form()),
        }
        form.write(serializer)
    }
}

/// Refuses what another version wrote, and what no version does.
impl<'de> Deserialize<'de> for Checkpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The version before all else: of a later one, nothing is known of the rest.
        let value = Value::deserialize(deserializer)?;
        match value.get("version").and_then(Value::as_i64) {
            Some(VERSION) => {}
            Some(version) => {
                let by = if version > VERSION { ", by a later release" } else { "" };
                return Err(D::Error::custom(format!(
                    "a checkpoint of version {version}{by}; only version {VERSION} is known"
                )));
            }
            None => return Err(D::Error::custom("no checkpoint: it has no version")),
        }
        let form = Form::read(value).map_err(D::Error::custom)?;
        let made = form.made.ok_or_else(|| D::Error::missing_field("made"))?;
        let odd = |why: String| D::Error::custom(format!("no checkpoint: {why}"));
        let of = match (form.list, form.range, form.tree) {
            (Some(list), None, None) => Of::List(Box::new(ListPoint::of_form(list).map_err(odd)?)),
            (None, Some(range), None) => {
                Of::Range(Box::new(RangePoint::of_form(range).map_err(odd)?))
            }
            (None, None, Some(tree)) => Of::Tree(Box::new(TreePoint::of_form(tree).map_err(odd)?)),
            _ => return Err(D::Error::custom("no checkpoint: it is of no list")),
        };
        Ok(Self { made, note: form.note, of })
    }
}
