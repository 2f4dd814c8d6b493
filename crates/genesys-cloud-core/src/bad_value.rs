//! Values that do not fit the type of their field.

use std::fmt;
use std::str::FromStr;

/// What to do with a record that has a value the output can't hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBadValue {
    /// Fail.
    #[default]
    Fail,
    /// Keep the record, with null instead of the value. A record that is not an object is skipped.
    Null,
    /// Skip the record.
    Skip,
}

impl OnBadValue {
    /// All actions.
    pub const VARIANTS: [Self; 3] = [Self::Fail, Self::Null, Self::Skip];

    /// Returns the name: `fail`, `null` or `skip`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Null => "null",
            Self::Skip => "skip",
        }
    }
}

impl fmt::Display for OnBadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OnBadValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::VARIANTS.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| format!("unknown value `{text}`; expected fail, null or skip"))
    }
}

/// A value that does not fit its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The path of the field, with names of the API. `None` if it is the record itself, or unknown.
    pub field: Option<String>,
    /// Why it does not fit, without the value.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            None => f.write_str(&self.reason),
            Some(field) => write!(f, "`{field}`: {}", self.reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_names() {
        for action in OnBadValue::VARIANTS {
            assert_eq!(action.to_string().parse(), Ok(action));
        }
        let error = "drop".parse::<OnBadValue>().expect_err("no action");
        assert_eq!(error, "unknown value `drop`; expected fail, null or skip");
    }

    #[test]
    fn a_fault_names_the_field_if_there_is_one() {
        let reason = "expected a list, found a string".to_owned();
        let fault = Fault { field: Some("a.b".to_owned()), reason };
        assert_eq!(fault.to_string(), "`a.b`: expected a list, found a string");
        assert_eq!(Fault { field: None, ..fault }.to_string(), "expected a list, found a string");
    }
}
