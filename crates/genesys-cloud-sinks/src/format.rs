//! Output formats.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

#[cfg(feature = "parquet")]
use genesys_cloud_arrow::Names;

use super::compression::Compression;
use super::csv::Csv;
use super::jsonl::Jsonl;
#[cfg(feature = "parquet")]
use super::parquet::Parquet;
use crate::encode::Encode;

/// An output format and its compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    form: Form,
    compression: Compression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Jsonl,
    Csv,
    /// With the minimum number of records per row group, and the names of columns.
    #[cfg(feature = "parquet")]
    Parquet(usize, Names),
}

#[cfg(feature = "parquet")]
const FORMS: &str = "jsonl, csv, parquet";
#[cfg(not(feature = "parquet"))]
const FORMS: &str = "jsonl, csv (parquet needs a build with the feature parquet)";

/// Default minimum number of records per Parquet row group.
#[cfg(feature = "parquet")]
const ROW_GROUP: usize = 50_000;

impl Format {
    /// Returns the format of a file by its extension, such as `queues.csv.gz`.
    pub fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let parts: Vec<&str> = name.rsplit('.').take(2).collect();
        let [last, before] = parts[..] else { return None };
        format!("{before}.{last}").parse().or_else(|_| last.parse()).ok()
    }

    /// Returns the usual format of a folder of files: Parquet, or JSON lines in a build without it.
    pub fn of_folder() -> Self {
        #[cfg(feature = "parquet")]
        let form = Form::Parquet(ROW_GROUP, Names::Api);
        #[cfg(not(feature = "parquet"))]
        let form = Form::Jsonl;
        Self { form, ..Self::default() }
    }

    /// Returns the compression.
    pub fn compression(self) -> Compression {
        self.compression
    }

    /// Sets the minimum number of records per Parquet row group, 50,000 by default. No effect on other formats.
    ///
    /// A row group has fewer records if it is the last one, if it reaches 32 MiB when compressed (4 MiB for rows above
    /// 64 KiB) or 64 MiB of JSON, or if the export was interrupted.
    #[must_use]
    #[cfg_attr(not(feature = "parquet"), allow(unused_variables))]
    pub fn row_group(self, records: usize) -> Self {
        let form = match self.form {
            #[cfg(feature = "parquet")]
            Form::Parquet(_, names) => Form::Parquet(records, names),
            form => form,
        };
        Self { form, ..self }
    }

    /// Sets the names of Parquet columns, those of the API by default. No effect on other formats, and with
    /// [`Columns::with_types`](crate::Columns::with_types), whose schema has names.
    #[cfg(feature = "parquet")]
    #[must_use]
    pub fn names(self, names: Names) -> Self {
        let form = match self.form {
            Form::Parquet(records, _) => Form::Parquet(records, names),
            form => form,
        };
        Self { form, ..self }
    }

    pub(super) fn encoder(self) -> Box<dyn Encode> {
        match self.form {
            Form::Jsonl => Box::<Jsonl>::default(),
            Form::Csv => Box::<Csv>::default(),
            #[cfg(feature = "parquet")]
            Form::Parquet(records, names) => Box::new(Parquet::new(records, names)),
        }
    }

    /// Returns whether the format has row groups.
    pub fn is_grouped(self) -> bool {
        !matches!(self.form, Form::Jsonl | Form::Csv)
    }

    /// Returns whether the format needs columns.
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
            Form::Parquet(..) => "parquet",
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
            "parquet" => Some(Form::Parquet(ROW_GROUP, Names::Api)),
            _ => None,
        };
        match (form, compression) {
            #[cfg(feature = "parquet")]
            (Some(Form::Parquet(..)), Some(compression)) if compression != Compression::None => {
                Err("parquet has its own compression; write it as parquet".to_owned())
            }
            (Some(form), Some(compression)) => Ok(Self { form, compression }),
            _ => Err(format!(
                "expected one of {FORMS}; for compression, add {} to jsonl or csv",
                Compression::ENDINGS
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infers_the_format_from_the_extension() {
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
                Some(Format {
                    form: Form::Parquet(ROW_GROUP, Names::Api),
                    compression: Compression::None,
                }),
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
