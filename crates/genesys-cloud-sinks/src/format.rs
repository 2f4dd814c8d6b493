//! The forms in which records are written.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::compression::Compression;
use super::csv::Csv;
use super::jsonl::Jsonl;
#[cfg(feature = "parquet")]
use super::parquet::Parquet;
use crate::encode::Encode;

/// A form in which records are written, and how it is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    form: Form,
    compression: Compression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Jsonl,
    Csv,
    /// With at least this number of records in a row group.
    #[cfg(feature = "parquet")]
    Parquet(usize),
}

#[cfg(feature = "parquet")]
const FORMS: &str = "jsonl, csv and parquet, the first two";
#[cfg(not(feature = "parquet"))]
const FORMS: &str = "jsonl and csv (parquet takes a build with the feature parquet),";

/// How many records a row group of Parquet has unless something else is said.
#[cfg(feature = "parquet")]
const ROW_GROUP: usize = 50_000;

impl Format {
    /// The form that the name of a file ends in, such as `queues.csv.gz`.
    pub fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let parts: Vec<&str> = name.rsplit('.').take(2).collect();
        let [last, before] = parts[..] else { return None };
        format!("{before}.{last}").parse().or_else(|_| last.parse()).ok()
    }

    /// How it is compressed.
    pub fn compression(self) -> Compression {
        self.compression
    }

    /// Parquet with at least this number of records in each row group, 50,000 by default. Fewer are in the last one,
    /// in those that have 32 MiB of values by then (4 MiB of records above 64 KiB), and where an export was stopped. Other forms have none.
    #[must_use]
    #[cfg_attr(not(feature = "parquet"), allow(unused_variables))]
    pub fn row_group(self, records: usize) -> Self {
        let form = match self.form {
            #[cfg(feature = "parquet")]
            Form::Parquet(_) => Form::Parquet(records),
            form => form,
        };
        Self { form, ..self }
    }

    pub(super) fn encoder(self) -> Box<dyn Encode> {
        match self.form {
            Form::Jsonl => Box::<Jsonl>::default(),
            Form::Csv => Box::<Csv>::default(),
            #[cfg(feature = "parquet")]
            Form::Parquet(records) => Box::new(Parquet::new(records)),
        }
    }

    /// Whether its records are in row groups.
    pub fn is_grouped(self) -> bool {
        !matches!(self.form, Form::Jsonl | Form::Csv)
    }

    /// Whether it can't do without columns.
    pub fn is_table(self) -> bool {
        self.form != Form::Jsonl
    }
}

impl Default for Format {
    fn default() -> Self {
        Self { form: Form::Jsonl, compression: Compression::None }
    }
}

/// `jsonl`, `csv.gz`
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.form {
            Form::Jsonl => "jsonl",
            Form::Csv => "csv",
            #[cfg(feature = "parquet")]
            Form::Parquet(_) => "parquet",
        })?;
        f.write_str(self.compression.ending())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.to_ascii_lowercase();
        let (form, compression) = match text.split_once('.') {
            Some((form, end)) => (form, Compression::of_ending(end)),
            None => (text.as_str(), Some(Compression::None)),
        };
        let form = match form {
            "jsonl" | "ndjson" => Some(Form::Jsonl),
            "csv" => Some(Form::Csv),
            #[cfg(feature = "parquet")]
            "parquet" => Some(Form::Parquet(ROW_GROUP)),
            _ => None,
        };
        match (form, compression) {
            // It is compressed within.
            #[cfg(feature = "parquet")]
            (Some(Form::Parquet(_)), Some(compression)) if compression != Compression::None => {
                Err("parquet is compressed within, and has no ending".to_owned())
            }
            (Some(form), Some(compression)) => Ok(Self { form, compression }),
            _ => Err(format!(
                "it is one of {FORMS} with {} if it is to be compressed",
                Compression::ENDINGS
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_its_form() {
        let csv = Format { form: Form::Csv, compression: Compression::None };
        let gzip = Format { form: Form::Jsonl, compression: Compression::Gzip };
        for (path, format) in [
            ("queues.jsonl", Some(Format::default())),
            ("a.b/queues.csv", Some(csv)),
            ("q.2024.CSV", Some(csv)),
            ("queues.jsonl.gz", Some(gzip)),
            ("queues.ndjson.gz", Some(gzip)),
            #[cfg(feature = "parquet")]
            (
                "queues.parquet",
                Some(Format { form: Form::Parquet(ROW_GROUP), compression: Compression::None }),
            ),
            #[cfg(feature = "parquet")]
            ("queues.parquet.gz", None),
            ("queues", None),
            ("queues.txt", None),
            ("queues.gz", None),
            ("csv", None),
        ] {
            assert_eq!(Format::from_path(Path::new(path)), format, "{path}");
            if let Some(format) = format {
                assert_eq!(format.to_string().parse(), Ok(format));
            }
        }
    }
}
