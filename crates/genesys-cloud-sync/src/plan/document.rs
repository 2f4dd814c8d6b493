//! The TOML text of a plan, with the places of its keys and values.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Fault, Wrong, unknown};

/// A plan as text, and the faults found in it.
pub(super) struct Document<'a> {
    text: &'a str,
    faults: RefCell<Vec<Fault>>,
}

/// A table of a document. Reading a value of the wrong type notes a fault.
#[derive(Clone, Copy)]
pub(super) struct Section<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) keys: &'d DeTable<'d>,
    /// The place of the section itself.
    pub(super) span: (usize, usize),
}

/// A value with its place.
pub(super) type Placed<T> = (T, Range<usize>);

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, faults: RefCell::default() }
    }

    /// Notes a fault.
    pub(super) fn fault(&self, span: Range<usize>, wrong: Wrong) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        self.faults.borrow_mut().push(Fault::new((line, column), wrong));
    }

    /// Returns the faults in the order of the document.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort();
        faults.dedup();
        faults
    }
}

impl<'d> Section<'d> {
    pub(super) fn fault(&self, span: Range<usize>, wrong: Wrong) {
        self.document.fault(span, wrong);
    }

    /// Notes a fault of the section as a whole.
    pub(super) fn fault_here(&self, wrong: Wrong) {
        self.document.fault(self.span.0..self.span.1, wrong);
    }

    /// Notes unknown keys.
    pub(super) fn check_keys(&self, known: &[&str]) {
        let names: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
        for (key, _) in self.keys.iter().filter(|(key, _)| !known.contains(&&**key.get_ref())) {
            let text = format!("unknown key `{}`", key.get_ref());
            self.fault(key.span(), unknown(text, key.get_ref(), &names));
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.keys.get(key)
    }

    /// Returns the place of the value of a key, or else of the section.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.get(key).map_or(self.span.0..self.span.1, Spanned::span)
    }

    pub(super) fn text(&self, key: &str) -> Option<Placed<&'d str>> {
        let value = self.get(key)?;
        match value.get_ref().as_str().map(str::trim) {
            Some("") => self.wrong(value, format!("`{key}` is empty")),
            Some(text) => Some((text, value.span())),
            None => self.wrong(value, format!("`{key}` must be a string")),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong(value, format!("`{key}` must be true or false")),
        }
    }

    pub(super) fn number(&self, key: &str) -> Option<Placed<f64>> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => Some((number, value.span())),
            None => self.wrong(value, format!("`{key}` must be a number")),
        }
    }

    /// Reads a string, or a list of strings.
    pub(super) fn texts(&self, key: &str) -> Option<Vec<Placed<&'d str>>> {
        let value = self.get(key)?;
        let items = match value.get_ref() {
            DeValue::String(_) => std::slice::from_ref(value),
            DeValue::Array(items) => &items[..],
            _ => {
                return self.wrong(value, format!("`{key}` must be a string or a list of strings"));
            }
        };
        let texts: Option<Vec<_>> = items
            .iter()
            .map(|item| match item.get_ref().as_str().map(str::trim) {
                Some(text) if !text.is_empty() => Some((text, item.span())),
                _ => self.wrong(item, format!("`{key}` must have names of fields")),
            })
            .collect();
        match texts {
            Some(texts) if texts.is_empty() => self.wrong(value, format!("`{key}` is empty")),
            texts => texts,
        }
    }

    /// Reads a date, such as 2026-01-01 or "2026-01-01".
    pub(super) fn date(&self, key: &str) -> Option<Placed<chrono::NaiveDate>> {
        let value = self.get(key)?;
        let text: Option<Cow<'_, str>> = match value.get_ref() {
            DeValue::String(text) => Some(Cow::Borrowed(text)),
            DeValue::Datetime(date) => Some(Cow::Owned(date.to_string())),
            _ => None,
        };
        match text.and_then(|text| text.parse().ok()) {
            Some(date) => Some((date, value.span())),
            None => self.wrong(value, format!("`{key}` must be a date, such as 2026-01-01")),
        }
    }

    /// Reads a duration, such as "3 days".
    pub(super) fn duration(&self, key: &str) -> Option<std::time::Duration> {
        let (text, span) = self.text(key)?;
        match humantime::parse_duration(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                let text = format!("`{key}` is not a duration: {error}");
                self.fault(span, Wrong::new(text).advise("write it such as \"3 days\" or \"12h\""));
                None
            }
        }
    }

    /// Reads an inner table.
    pub(super) fn section(&self, key: &str) -> Option<Section<'d>> {
        let value = self.get(key)?;
        match value.get_ref().as_table() {
            Some(keys) => {
                let span = value.span();
                Some(Section { document: self.document, keys, span: (span.start, span.end) })
            }
            None => self.wrong(value, format!("`{key}` must be a table")),
        }
    }

    fn wrong<T>(&self, value: &Spanned<DeValue<'_>>, text: String) -> Option<T> {
        self.fault(value.span(), Wrong::new(text));
        None
    }
}

/// Converts a value to JSON.
pub(super) fn json(value: &DeValue<'_>) -> serde_json::Value {
    use serde_json::Value;
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let fields = table.iter();
            fields.map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect()
        }
    }
}
