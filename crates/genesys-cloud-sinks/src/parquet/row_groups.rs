//! The row groups of a file.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use genesys_cloud_arrow::arrow_array::RecordBatch;
use genesys_cloud_arrow::arrow_schema::SchemaRef;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataBuilder};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::printer::print_schema;
use serde_json::{Value, json};

use super::metadata::{Metadata, Tail};
use super::{MAGIC, failed};
use crate::checksum::Checksum;
use crate::error::SinkError;

/// Maximum size of a page of a column in bytes, unless a single batch is larger.
const PAGE_BYTES: usize = 1 << 20;

/// Encodes rows into row groups, each with its position in the file.
///
/// The metadata of a finished row group is kept compressed. It is needed again for the footer, and to resume.
pub(super) struct RowGroups {
    arrow: SchemaRef,
    factory: ArrowRowGroupWriterFactory,
    properties: WriterPropertiesPtr,
    /// Metadata of the file.
    head: FileMetaData,
    finished: Vec<Metadata>,
    /// Position of the open row group in the file.
    position: usize,
    /// Never locked: it makes the writers `Sync`, as sinks need to be shared with futures.
    open: Mutex<Vec<ArrowColumnWriter>>,
    rows: usize,
    bytes: usize,
}

impl RowGroups {
    pub(super) fn new(arrow: SchemaRef) -> Result<Self, SinkError> {
        let properties = properties().map_err(failed)?;
        let converter = ArrowSchemaConverter::new().with_coerce_types(properties.coerce_types());
        let schema = converter.convert(&arrow).map_err(failed)?;
        let (root, properties) = (schema.root_schema_ptr(), Arc::clone(&properties));
        // The metadata of a file without records.
        let file = SerializedFileWriter::new(Vec::new(), root, properties.clone());
        let file = file.map_err(failed)?;
        let factory = ArrowRowGroupWriterFactory::new(&file, arrow.clone());
        let head = file.close().map_err(failed)?.file_metadata().clone();
        let position = MAGIC.len();
        Ok(Self {
            arrow,
            factory,
            properties,
            head,
            finished: Vec::new(),
            position,
            open: Mutex::default(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Returns the number of rows in the open row group.
    pub(super) fn open_rows(&self) -> usize {
        self.rows
    }

    /// Returns the approximate encoded size of the open row group.
    pub(super) fn open_bytes(&self) -> usize {
        self.bytes
    }

    /// Encodes rows into the open row group.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        if open.is_empty() {
            let writers = self.factory.create_column_writers(self.finished.len());
            *open = writers.map_err(failed)?;
        }
        let mut writers = open.iter_mut();
        for (field, array) in self.arrow.fields().iter().zip(batch.columns()) {
            for leaf in compute_leaves(field, array).map_err(failed)? {
                let Some(writer) = writers.next() else {
                    return Err(SinkError::new("the table has more columns than its schema"));
                };
                writer.write(&leaf).map_err(failed)?;
            }
        }
        self.rows += batch.num_rows();
        self.bytes = open.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum();
        Ok(())
    }

    /// Ends the open row group, and returns its bytes.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>, SinkError> {
        let ordinal = i16::try_from(self.finished.len()).map_err(|_| {
            SinkError::new("too many row groups; make them larger with --row-group")
        })?;
        let mut tail = Tail::from(self.position, self.bytes);
        let metadata = self.finish_into(&mut tail, ordinal).map_err(failed)?;
        let bytes = tail.into_bytes();
        self.finished.push(Metadata::of(&metadata)?);
        self.position += bytes.len();
        (self.rows, self.bytes) = (0, 0);
        Ok(bytes)
    }

    fn finish_into(
        &mut self,
        tail: &mut Tail,
        ordinal: i16,
    ) -> Result<ParquetMetaData, ParquetError> {
        let mut file = tail.file()?;
        let (mut column_indexes, mut offset_indexes) = (Vec::new(), Vec::new());
        let mut group = SerializedRowGroupWriter::new(
            self.head.schema_descr_ptr(),
            Arc::clone(&self.properties),
            &mut file,
            ordinal,
            Some(Box::new(|_, _, _, columns, offsets| {
                (column_indexes, offset_indexes) = (columns, offsets);
                Ok(())
            })),
        );
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        for writer in open.drain(..) {
            writer.close()?.append_to_row_group(&mut group)?;
        }
        let group = group.close()?;
        file.flush()?;
        let none = ColumnIndexMetaData::NONE;
        let index = |index: Option<_>| index.unwrap_or_else(|| none.clone());
        Ok(ParquetMetaDataBuilder::new(self.head.clone())
            .add_row_group((*group).clone())
            .set_column_index(Some(vec![column_indexes.into_iter().map(index).collect()]))
            .set_offset_index(
                offset_indexes.into_iter().collect::<Option<Vec<_>>>().map(|it| vec![it]),
            )
            .build())
    }

    /// Returns the state to resume from, once all rows are in finished row groups.
    pub(super) fn saved(&self) -> Value {
        let metadata: Vec<&str> = self.finished.iter().map(Metadata::text).collect();
        json!({ "position": self.position, "metadata": metadata, "schema": self.schema_sum() })
    }

    /// Resumes after a commit.
    pub(super) fn resume(&mut self, saved: &Value) -> Result<(), SinkError> {
        let invalid = || {
            SinkError::mismatch(
                "the saved state of the table is invalid; start over with --restart",
            )
        };
        let sum = saved.get("schema").and_then(Value::as_str).ok_or_else(invalid)?;
        if sum != self.schema_sum() {
            return Err(SinkError::mismatch(
                "the table has the columns of another release or of other options; start over with --restart",
            ));
        }
        let position = saved.get("position").and_then(Value::as_u64).ok_or_else(invalid)?;
        self.position = usize::try_from(position).map_err(|_| invalid())?;
        let metadata = saved.get("metadata").and_then(Value::as_array).ok_or_else(invalid)?;
        let metadata = metadata.iter().map(|text| text.as_str().and_then(Metadata::parse));
        self.finished = metadata.collect::<Option<_>>().ok_or_else(invalid)?;
        Ok(())
    }

    /// Returns a checksum of the schema.
    fn schema_sum(&self) -> String {
        let (mut text, mut sum) = (Vec::new(), Checksum::new());
        print_schema(&mut text, self.head.schema());
        sum.add(&text);
        sum.text()
    }

    /// Returns the bytes after the last row group.
    pub(super) fn footer(&self) -> Result<Vec<u8>, SinkError> {
        Metadata::footer(&self.head, &self.finished, self.position)
    }
}

fn properties() -> Result<WriterPropertiesPtr, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
        // Names of lists as in the specification.
        .set_coerce_types(true)
        .set_created_by(concat!("genesys-cloud ", env!("CARGO_PKG_VERSION")).to_owned());
    Ok(Arc::new(properties.build()))
}
