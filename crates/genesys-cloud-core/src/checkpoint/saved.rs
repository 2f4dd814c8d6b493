//! The serialized form of a checkpoint.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use self::form::Form;
use super::{Checkpoint, Position};
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
        /// A serialized checkpoint. New fields need no new version.
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

/// The version that is written, and the only one that is accepted.
const VERSION: i64 = 3;

impl Serialize for Checkpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (made, note) = (Some(self.made), self.note.clone());
        let mut form = Form { version: Some(VERSION), made, note, ..Form::default() };
        match &self.position {
            Position::List(point) => form.list = Some(point.form()),
            Position::Range(point) => form.range = Some(point.form()),
            Position::Tree(point) => form.tree = Some(point.form()),
        }
        form.write(serializer)
    }
}

/// Rejects other versions and malformed checkpoints.
impl<'de> Deserialize<'de> for Checkpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The version first: the other fields of a later one are unknown.
        let value = Value::deserialize(deserializer)?;
        match value.get("version").and_then(Value::as_i64) {
            Some(VERSION) => {}
            Some(version) => {
                let by = if version > VERSION { " (of a later release)" } else { "" };
                return Err(D::Error::custom(format!(
                    "unsupported checkpoint version {version}{by}; expected {VERSION}"
                )));
            }
            None => return Err(D::Error::custom("not a checkpoint: it has no version")),
        }
        let form = Form::read(value).map_err(D::Error::custom)?;
        let made = form.made.ok_or_else(|| D::Error::missing_field("made"))?;
        let malformed = |why: String| D::Error::custom(format!("malformed checkpoint: {why}"));
        let position = match (form.list, form.range, form.tree) {
            (Some(list), None, None) => {
                Position::List(Box::new(ListPoint::of_form(list).map_err(malformed)?))
            }
            (None, Some(range), None) => {
                Position::Range(Box::new(RangePoint::of_form(range).map_err(malformed)?))
            }
            (None, None, Some(tree)) => {
                Position::Tree(Box::new(TreePoint::of_form(tree).map_err(malformed)?))
            }
            _ => {
                return Err(D::Error::custom(
                    "malformed checkpoint: it must have one of `list`, `range` and `tree`",
                ));
            }
        };
        Ok(Self { made, note: form.note, position })
    }
}
