//! Parquet: row groups one after the other, and a footer that says where they are.

mod cells;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    FileMetaData, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::{Type, TypePtr};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use self::cells::Cells;
use super::jsonl::unreadable;
use super::losses::Losses;
use super::pick::Picker;
use super::reject::{Fault, Unfit};
use super::{Encode, SinkError};
use crate::columns::{Column, ColumnKind, Columns};

/// What a file begins and ends with.
const MAGIC: &[u8] = b"PAR1";

/// How many bytes of JSON a row group holds at the most, but for its last batch.
const MOST_BYTES: usize = 64 << 20;

/// A table with a column for each field, of the type that the document says.
///
/// A row group is a commit: it is made once it has its records, and where it stands is kept. The bytes behind
/// it are the next row group, or the footer.
pub(super) struct Parquet {
    /// How many records a row group has at least.
    row_group: usize,
    picker: Picker,
    losses: Losses,
    columns: Vec<Cells>,
    rows: usize,
    /// How many bytes of JSON these rows were.
    bytes: usize,
    /// How many records came before them in this run.
    before: usize,
    /// Where the next row group begins.
    position: usize,
    groups: Vec<RowGroupMetaData>,
    /// What the footer says of all of it.
    head: Option<FileMetaData>,
}

impl Parquet {
    pub(super) fn new(row_group: usize) -> Self {
        Self {
            row_group,
            picker: Picker::default(),
            losses: Losses::default(),
            columns: Vec::new(),
            rows: 0,
            bytes: 0,
            before: 0,
            position: 0,
            groups: Vec::new(),
            head: None,
        }
    }

    fn head(&self) -> Result<&FileMetaData, SinkError> {
        self.head.as_ref().ok_or_else(|| SinkError::new("the table was not begun"))
    }

    /// Writes the rows as a row group.
    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let schema = self.head()?.schema_descr_ptr();
        let mut buffer = TrackedWrite::new(Vec::new());
        let ordinal = i32::try_from(self.groups.len())
            .map_err(|_| SinkError::new("there are too many row groups; make them larger"))?;
        let mut group =
            SerializedRowGroupWriter::new(schema, properties(), &mut buffer, ordinal, None);
        for cells in &mut self.columns {
            let Some(mut column) = group.next_column().map_err(failed)? else {
                return Err(SinkError::new("the table has more columns than its schema"));
            };
            cells.write(&mut column).map_err(failed)?;
            column.close().map_err(failed)?;
        }
        let group = group.close().map_err(failed)?;
        let bytes = buffer.into_inner().map_err(failed)?;
        self.groups.push(moved(&group, self.position).map_err(failed)?);
        self.position += bytes.len();
        self.before += self.rows;
        (self.rows, self.bytes) = (0, 0);
        out.extend_from_slice(&bytes);
        Ok(())
    }

    /// The error of a value that does not fit into its column.
    fn unfit(&self, record: &RawValue, column: usize, what: &str) -> SinkError {
        let head = self.head.as_ref().map(FileMetaData::schema_descr);
        let field = head.map_or_else(String::new, |it| it.column(column).name().to_owned());
        let record = named(record, self.before + self.rows + 1);
        let text = format!(
            "{record}: `{field}` is {what}, which does not fit the type that it has in the document; \
             --on-bad-value null or skip writes the other records; --fields and --unchecked take fields as JSON"
        );
        let reason =
            format!("it is {what}, which does not fit the type that it has in the document");
        let fault = Fault { field: Some(field), reason };
        SinkError::of_value(text, Unfit { column: Some(column), fault })
    }

    fn footer(&self) -> Result<Vec<u8>, SinkError> {
        let head = self.head()?.clone();
        let metadata = ParquetMetaData::new(head, self.groups.clone());
        let mut footer = Vec::new();
        ParquetMetaDataWriter::new(&mut footer, &metadata).finish().map_err(failed)?;
        Ok(footer)
    }
}

impl Encode for Parquet {
    fn begin(&mut self, columns: &Columns, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let paths = || columns.all().iter().map(|column| column.path.as_str());
        self.picker = Picker::new(paths(), !columns.are_chosen());
        self.losses = Losses::of(columns);
        self.columns = columns.all().iter().map(|column| Cells::new(column.kind)).collect();
        // What the footer of a file without records says.
        let schema = schema(columns).map_err(failed)?;
        let file = SerializedFileWriter::new(Vec::new(), schema, properties()).map_err(failed)?;
        self.head = Some(file.close().map_err(failed)?.file_metadata().clone());
        out.extend_from_slice(MAGIC);
        self.position = MAGIC.len();
        Ok(())
    }

    fn go_on(&mut self, columns: &Columns, form: &Value) -> Result<(), SinkError> {
        self.begin(columns, &mut Vec::new())?;
        let odd = || {
            SinkError::mismatch(
                "what was saved of the table can't be read; start over with --restart",
            )
        };
        self.losses.resume(form.get("losses").ok_or_else(odd)?)?;
        let position = form.get("position").and_then(Value::as_u64).ok_or_else(odd)?;
        let footer = form.get("footer").and_then(Value::as_str).ok_or_else(odd)?;
        let footer = BASE64.decode(footer).map_err(|_| odd())?;
        // Without its length and the magic.
        let footer = footer.get(..footer.len().saturating_sub(8)).ok_or_else(odd)?;
        // All of it, so that the footer in the end is the same whether the export was stopped or not.
        let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
        let saved = ParquetMetaDataReader::decode_metadata_with_options(footer, Some(&options))
            .map_err(failed)?;
        if saved.file_metadata().schema() != self.head()?.schema() {
            return Err(SinkError::mismatch(
                "the table was begun with other columns, by another release; start over with --restart",
            ));
        }
        self.position = usize::try_from(position).map_err(|_| odd())?;
        self.groups = saved.row_groups().to_vec();
        Ok(())
    }

    fn record(&mut self, record: &RawValue, out: &mut Vec<u8>) -> Result<(), SinkError> {
        self.record_without(record, &[], out)
    }

    fn record_without(
        &mut self,
        record: &RawValue,
        nulls: &[usize],
        _: &mut Vec<u8>,
    ) -> Result<(), SinkError> {
        if !record.get().starts_with('{') {
            let number = self.before + self.rows + 1;
            let reason = "it is not an object, and makes no row of a table".to_owned();
            let text = format!("{}: {reason}", named(record, number));
            let fault = Fault { field: None, reason };
            return Err(SinkError::of_value(text, Unfit { column: None, fault }));
        }
        let found = self.picker.pick(record).map_err(unreadable)?;
        // Nearly always nothing, which takes no memory.
        let mut lost = Vec::new();
        for (at, (cells, value)) in self.columns.iter_mut().zip(found).enumerate() {
            match cells.push(value.filter(|_| !nulls.contains(&at))) {
                Ok(loss) => lost.extend(loss.map(|loss| (at, loss))),
                Err(what) => {
                    self.columns[..at].iter_mut().for_each(Cells::pop);
                    return Err(self.unfit(record, at, what));
                }
            }
        }
        lost.into_iter().for_each(|(at, loss)| self.losses.add(at, loss));
        self.rows += 1;
        self.bytes += record.get().len();
        Ok(())
    }

    fn commit(&mut self, is_last: bool, out: &mut Vec<u8>) -> Result<Option<Value>, SinkError> {
        let is_full = self.rows >= self.row_group || self.bytes >= MOST_BYTES;
        if self.rows > 0 {
            if !is_full && !is_last {
                return Ok(None);
            }
            self.flush(out)?;
        }
        let footer = BASE64.encode(self.footer()?);
        let losses = self.losses.saved();
        Ok(Some(json!({ "position": self.position, "footer": footer, "losses": losses })))
    }

    fn end(&self, out: &mut Vec<u8>) -> Result<(), SinkError> {
        out.extend_from_slice(&self.footer()?);
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.picker.notes();
        notes.extend(self.losses.notes());
        notes
    }
}

/// A column for each, which may lack a value in any row.
fn schema(columns: &Columns) -> Result<TypePtr, ParquetError> {
    let fields = columns.all().iter().map(|column| field(column).map(Arc::new));
    let fields: Vec<TypePtr> = fields.collect::<Result<_, _>>()?;
    Type::group_type_builder("schema").with_fields(fields).build().map(Arc::new)
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let (physical, logical) = match column.kind {
        ColumnKind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnKind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
        ColumnKind::Integer => (Physical::INT64, None),
        ColumnKind::Number => (Physical::DOUBLE, None),
        ColumnKind::Boolean => (Physical::BOOLEAN, None),
        ColumnKind::DateTime => {
            (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)))
        }
        ColumnKind::Date => (Physical::INT32, Some(LogicalType::Date)),
    };
    Type::primitive_type_builder(&column.path, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
}

fn properties() -> WriterPropertiesPtr {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        // Indexes of pages would stand between the last row group and the footer.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("genesys-cloud ", env!("CARGO_PKG_VERSION")).to_owned());
    Arc::new(properties.build())
}

/// A row group that was written by itself, as one that begins here.
fn moved(group: &RowGroupMetaData, by: usize) -> Result<RowGroupMetaData, ParquetError> {
    let by = by as i64;
    let columns = group.columns().iter().map(|column| {
        let dictionary = column.dictionary_page_offset();
        let index = column.index_page_offset();
        let builder = column.clone().into_builder();
        builder
            .set_data_page_offset(column.data_page_offset() + by)
            .set_dictionary_page_offset(dictionary.map(|it| it + by))
            .set_index_page_offset(index.map(|it| it + by))
            .build()
    });
    group
        .clone()
        .into_builder()
        .set_column_metadata(columns.collect::<Result<_, _>>()?)
        .set_file_offset(group.file_offset().unwrap_or(0) + by)
        .build()
}

/// A record, for people: without what it says.
fn named(record: &RawValue, number: usize) -> String {
    let known: Option<Value> = serde_json::from_str(record.get()).ok();
    match known.as_ref().and_then(|known| known.get("id")?.as_str()) {
        Some(id) => format!("record {number} of this run (id {id})"),
        _ => format!("record {number} of this run"),
    }
}

fn failed(error: ParquetError) -> SinkError {
    SinkError::new(format!("can't write Parquet: {error}"))
}
