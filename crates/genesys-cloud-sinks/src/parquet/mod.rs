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
use super::projection::Projection;
use super::reject::{Fault, Unfit};
use crate::columns::{Column, ColumnKind, Columns};
use crate::encode::Encode;
use crate::error::SinkError;

/// What a file begins and ends with.
const MAGIC: &[u8] = b"PAR1";

/// How many bytes of values a row group holds at the most, but for its last batch. It is in memory twice when it is
/// written.
const MOST_BYTES: usize = 32 << 20;

/// The same where rows have more than 64 KiB: the page that they come from is large as well.
const MOST_WIDE_BYTES: usize = 4 << 20;
const WIDE: usize = 64 << 10;

/// How many bytes a page of a column has at the most, unless one value has more.
const PAGE_BYTES: usize = 1 << 20;

/// A table with a column for each field, of the type that the document says.
///
/// A row group is a commit: it is made once it has its records, and where it stands is kept. The bytes behind
/// it are the next row group, or the footer.
pub(super) struct Parquet {
    /// How many records a row group has at least.
    row_group: usize,
    projection: Projection,
    losses: Losses,
    columns: Vec<Cells>,
    rows: usize,
    /// How many bytes of JSON the values of these rows were.
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
            projection: Projection::default(),
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
        let mut buffer = TrackedWrite::new(Vec::with_capacity(self.bytes));
        let ordinal = i16::try_from(self.groups.len())
            .map_err(|_| SinkError::new("there are too many row groups; make them larger"))?;
        let mut group = SerializedRowGroupWriter::new(
            schema,
            properties(self.values_at_once()),
            &mut buffer,
            ordinal,
            None,
        );
        for cells in &mut self.columns {
            let Some(mut column) = group.next_column().map_err(failed)? else {
                return Err(SinkError::new("the table has more columns than its schema"));
            };
            cells.write(&mut column).map_err(failed)?;
            column.close().map_err(failed)?;
        }
        let group = group.close().map_err(failed)?;
        let bytes = buffer.into_inner().map_err(failed)?;
        let group = moved(&group, self.position).map_err(failed)?;
        // As it is once it was saved and read again, so that the file is the same whether the export was killed or not:
        // the writer adds statistics in a deprecated form, which the reader drops.
        let saved = self.footer_of(vec![group])?;
        self.groups.extend(groups(&saved)?.row_groups().iter().cloned());
        self.position += bytes.len();
        self.before += self.rows;
        (self.rows, self.bytes) = (0, 0);
        match out.is_empty() {
            true => *out = bytes,
            false => out.extend_from_slice(&bytes),
        }
        Ok(())
    }

    /// How many values are encoded at a time: about as many as make a page, before which its size is not looked at.
    fn values_at_once(&self) -> usize {
        let bytes_per_row = self.bytes / self.rows.max(1);
        (PAGE_BYTES / bytes_per_row.max(1)).clamp(1, 1024)
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
        self.footer_of(self.groups.clone())
    }

    fn footer_of(&self, groups: Vec<RowGroupMetaData>) -> Result<Vec<u8>, SinkError> {
        let metadata = ParquetMetaData::new(self.head()?.clone(), groups);
        let mut footer = Vec::new();
        ParquetMetaDataWriter::new(&mut footer, &metadata).finish().map_err(failed)?;
        Ok(footer)
    }
}

impl Encode for Parquet {
    fn begin(&mut self, columns: &Columns, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let paths = || columns.all().iter().map(|column| column.path.as_str());
        self.projection = Projection::new(paths(), !columns.are_chosen());
        self.losses = Losses::of(columns);
        self.columns = columns.all().iter().map(|column| Cells::new(column.kind)).collect();
        // What the footer of a file without records says.
        let schema = schema(columns).map_err(failed)?;
        let file =
            SerializedFileWriter::new(Vec::new(), schema, properties(1024)).map_err(failed)?;
        self.head = Some(file.close().map_err(failed)?.file_metadata().clone());
        out.extend_from_slice(MAGIC);
        self.position = MAGIC.len();
        Ok(())
    }

    fn resume(&mut self, columns: &Columns, form: &Value) -> Result<(), SinkError> {
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
        let saved = groups(&footer).map_err(|_| odd())?;
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
        let found = self.projection.select(record).map_err(unreadable)?;
        let bytes: usize = found.iter().flatten().map(|value| value.get().len()).sum();
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
        self.bytes += bytes;
        Ok(())
    }

    fn end_batch(&mut self, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let is_wide = self.bytes > self.rows.saturating_mul(WIDE);
        let most = if is_wide { MOST_WIDE_BYTES } else { MOST_BYTES };
        match self.rows >= self.row_group || self.bytes >= most {
            true => self.flush(out),
            false => Ok(()),
        }
    }

    fn commit(&mut self, is_last: bool, out: &mut Vec<u8>) -> Result<Option<Value>, SinkError> {
        if self.rows > 0 {
            if !is_last {
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
        let mut notes = self.projection.notes();
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

fn properties(values_at_once: usize) -> WriterPropertiesPtr {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_write_batch_size(values_at_once)
        // Indexes of pages would stand between the last row group and the footer.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("genesys-cloud ", env!("CARGO_PKG_VERSION")).to_owned());
    Arc::new(properties.build())
}

/// Reads a footer, with all that it says.
fn groups(footer: &[u8]) -> Result<ParquetMetaData, SinkError> {
    // Without its length and the magic.
    let footer = &footer[..footer.len().saturating_sub(8)];
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    ParquetMetaDataReader::decode_metadata_with_options(footer, Some(&options)).map_err(failed)
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
