//! Parquet: row groups, followed by a footer with their positions.

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
use super::reject::Unfit;
use crate::columns::{Column, ColumnKind, Columns};
use crate::encode::Encode;
use crate::error::SinkError;
use genesys_cloud_core::Fault;

/// The first and last bytes of a file.
const MAGIC: &[u8] = b"PAR1";

/// A row group ends after the batch that reaches this number of bytes. While it is written, memory holds it twice.
const MOST_BYTES: usize = 32 << 20;

/// The limit for rows of more than 64 KiB: their page is large, too.
const MOST_WIDE_BYTES: usize = 4 << 20;
const WIDE: usize = 64 << 10;

/// Maximum size of a page of a column in bytes, unless a single value is larger.
const PAGE_BYTES: usize = 1 << 20;

/// Writes a column for each field, with the type in the API document.
///
/// Each row group is a commit, which saves the metadata of all row groups so far.
pub(super) struct Parquet {
    /// Minimum number of records per row group.
    row_group: usize,
    projection: Projection,
    losses: Losses,
    columns: Vec<Cells>,
    rows: usize,
    /// Bytes of JSON in these rows.
    bytes: usize,
    /// Number of earlier records in this run.
    before: usize,
    /// Offset of the next row group.
    position: usize,
    groups: Vec<RowGroupMetaData>,
    /// Metadata of the file.
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
        self.head.as_ref().ok_or_else(|| SinkError::new("the table is not open"))
    }

    /// Writes the rows as a row group.
    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), SinkError> {
        let schema = self.head()?.schema_descr_ptr();
        let mut buffer = TrackedWrite::new(Vec::with_capacity(self.bytes));
        let ordinal = i16::try_from(self.groups.len()).map_err(|_| {
            SinkError::new("too many row groups; make them larger with --row-group")
        })?;
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
        // Serialize and parse the metadata, as a resume does, so that the file is the same with and without a kill: the
        // writer adds deprecated statistics, which the reader drops.
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

    /// Returns the number of values to encode at a time, about one page. The writer checks the page size only after
    /// that.
    fn values_at_once(&self) -> usize {
        let bytes_per_row = self.bytes / self.rows.max(1);
        (PAGE_BYTES / bytes_per_row.max(1)).clamp(1, 1024)
    }

    /// Creates the error of a value that does not fit its column.
    fn unfit(&self, record: &RawValue, column: usize, what: &str) -> SinkError {
        let head = self.head.as_ref().map(FileMetaData::schema_descr);
        let field = head.map_or_else(String::new, |it| it.column(column).name().to_owned());
        let record = named(record, self.before + self.rows + 1);
        let text = format!(
            "{record}: `{field}` is {what}, which does not fit its type in the API document; \
             use --on-bad-value null or skip, or --fields with --unchecked to write fields as JSON"
        );
        let reason = format!("{what} does not fit the type in the API document");
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
        // The metadata of a file without records.
        let schema = schema(columns).map_err(failed)?;
        let file =
            SerializedFileWriter::new(Vec::new(), schema, properties(1024)).map_err(failed)?;
        self.head = Some(file.close().map_err(failed)?.file_metadata().clone());
        out.extend_from_slice(MAGIC);
        self.position = MAGIC.len();
        Ok(())
    }

    fn resume(&mut self, columns: &Columns, state: &Value) -> Result<(), SinkError> {
        self.begin(columns, &mut Vec::new())?;
        let invalid = || {
            SinkError::mismatch(
                "the saved state of the table is invalid; start over with --restart",
            )
        };
        self.losses.resume(state.get("losses").ok_or_else(invalid)?)?;
        let position = state.get("position").and_then(Value::as_u64).ok_or_else(invalid)?;
        let footer = state.get("footer").and_then(Value::as_str).ok_or_else(invalid)?;
        let footer = BASE64.decode(footer).map_err(|_| invalid())?;
        let saved = groups(&footer).map_err(|_| invalid())?;
        if saved.file_metadata().schema() != self.head()?.schema() {
            return Err(SinkError::mismatch(
                "the table has the columns of another release; start over with --restart",
            ));
        }
        self.position = usize::try_from(position).map_err(|_| invalid())?;
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
            let reason = "the record is not an object".to_owned();
            let text = format!("{} is not an object", named(record, number));
            let fault = Fault { field: None, reason };
            return Err(SinkError::of_value(text, Unfit { column: None, fault }));
        }
        let found = self.projection.select(record).map_err(unreadable)?;
        let bytes: usize = found.iter().flatten().map(|value| value.get().len()).sum();
        // Almost always empty, without an allocation.
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

/// Returns a schema with an optional column for each field.
fn schema(columns: &Columns) -> Result<TypePtr, ParquetError> {
    let fields = columns.all().iter().map(|column| field(column).map(Arc::new));
    let fields: Vec<TypePtr> = fields.collect::<Result<_, _>>()?;
    Type::group_type_builder("schema").with_fields(fields).build().map(Arc::new)
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let (physical, logical) = match column.kind {
        ColumnKind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnKind::Json | ColumnKind::JsonText => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
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
        // Page indexes would be between the last row group and the footer.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by(concat!("genesys-cloud ", env!("CARGO_PKG_VERSION")).to_owned());
    Arc::new(properties.build())
}

/// Parses a footer.
fn groups(footer: &[u8]) -> Result<ParquetMetaData, SinkError> {
    // Without the length and the magic bytes.
    let footer = &footer[..footer.len().saturating_sub(8)];
    let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
    ParquetMetaDataReader::decode_metadata_with_options(footer, Some(&options)).map_err(failed)
}

/// Moves the offsets of a row group.
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

/// Names a record by number and ID, without its content.
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
