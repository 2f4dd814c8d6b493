//! The size of Parquet files of the same records, and the time to write them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use genesys_cloud_catalogue::Catalogue;
use genesys_cloud_core::specs;
use genesys_cloud_sinks::{Columns, Format, Names, Sink, StreamSink};
use serde_json::value::RawValue;

use crate::Result;

/// The records of a batch of an export.
const BATCH: usize = 1000;

/// Counts the bytes of a file.
#[derive(Clone, Default)]
struct Length(Arc<AtomicU64>);

impl Write for Length {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(part.len() as u64, Ordering::Relaxed);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the records in each form, in turns, and prints sizes and median times.
pub async fn compare(
    (name, operation): (&str, &str),
    records: &[Box<RawValue>],
    rounds: usize,
) -> Result<()> {
    let catalogue = Catalogue::embedded();
    let entry = catalogue.operation(operation).ok_or("no such operation")?;
    let item = specs::record(catalogue, entry, &specs::kind(catalogue, entry)?);
    let item = item.map(|item| catalogue.resolve(item));
    let json: usize = records.iter().map(|record| record.get().len() + 1).sum();
    println!("\n{} {name}, {:.1} MB of JSON\n", records.len(), json as f64 / 1e6);
    let forms = [
        ("jsonl.gz", "jsonl.gz", Columns::of(item)),
        ("Parquet, --nested text", "parquet", Columns::of(item)),
        ("Parquet, --nested types", "parquet", Columns::typed(&[], (&[], &[]), item, Names::Api)?),
    ];
    let mut figures = vec![(0, Vec::new()); forms.len()];
    for _ in 0..rounds {
        for ((_, format, columns), (bytes, seconds)) in forms.iter().zip(&mut figures) {
            let start = Instant::now();
            *bytes = write(records, format.parse()?, columns).await?;
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    for ((form, ..), (bytes, mut seconds)) in forms.iter().zip(figures) {
        seconds.sort_by(f64::total_cmp);
        let median = seconds[seconds.len() / 2];
        println!("{form:<30} {:>8.2} MB {median:>8.2} s", bytes as f64 / 1e6);
    }
    Ok(())
}

async fn write(records: &[Box<RawValue>], format: Format, columns: &Columns) -> Result<u64> {
    let length = Length::default();
    let mut sink = StreamSink::new(length.clone(), format);
    sink.open(columns, None).await?;
    for batch in records.chunks(BATCH) {
        sink.write(batch).await?;
        sink.commit().await?;
    }
    sink.commit_last().await?;
    sink.finish(true).await?;
    Ok(length.0.load(Ordering::Relaxed))
}
