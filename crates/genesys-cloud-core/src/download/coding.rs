//! Decodes the `Content-Encoding` of a file while it is streamed.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE};

/// The output buffer grows by this many bytes.
const ROOM: usize = 16 << 10;

/// The encoding of a file during transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// Not encoded.
    Identity,
    Gzip,
    Deflate,
    /// An encoding that this crate does not decode.
    Other(String),
}

impl Coding {
    /// Returns the encoding of a file at this URL path. A file with the name or type of a gzip file is `Identity`,
    /// because object stores label such files as encoded too.
    pub(super) fn of(headers: &HeaderMap, path: &str) -> Self {
        let codings = headers.get_all(CONTENT_ENCODING);
        let codings = codings.iter().filter_map(|value| value.to_str().ok());
        let mut codings =
            codings.flat_map(|value| value.split(',')).map(str::trim).filter(|name| {
                !name.is_empty()
                    && !["identity", "aws-chunked"].iter().any(|it| name.eq_ignore_ascii_case(it))
            });
        let (Some(name), more) = (codings.next(), codings.next()) else { return Self::Identity };
        let name = name.to_ascii_lowercase();
        match (name.as_str(), more) {
            ("gzip" | "x-gzip", None) if is_meant_as_gzip(headers, path) => Self::Identity,
            ("gzip" | "x-gzip", None) => Self::Gzip,
            ("deflate", None) => Self::Deflate,
            (_, Some(_)) => Self::Other("several encodings".to_owned()),
            (_, None) => Self::Other(name),
        }
    }
}

/// Whether the type or name is that of a gzip file.
fn is_meant_as_gzip(headers: &HeaderMap, path: &str) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media = text(CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    let disposition = text(CONTENT_DISPOSITION).unwrap_or_default().to_ascii_lowercase();
    let names = disposition.split(';').filter_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.starts_with("filename").then(|| value.trim().trim_matches('"'))
    });
    let path = path.to_ascii_lowercase();
    let is_gzip = |name: &str| [".gz", ".tgz", ".gzip"].iter().any(|end| name.ends_with(end));
    matches!(&*media, "application/gzip" | "application/x-gzip" | "application/x-gtar-compressed")
        || is_gzip(&path)
        || names.into_iter().any(is_gzip)
}

/// The bytes are not valid in the declared encoding.
#[derive(Debug)]
pub(super) struct NotEncoded;

/// A streaming decoder.
pub(super) enum Decoder {
    Identity,
    /// The flag is set once bytes have arrived: an empty body is an empty file.
    Gzip(Box<MultiGzDecoder<Vec<u8>>>, bool),
    Deflate(Box<Inflate>),
}

/// A zlib stream, or raw deflate, which some servers send under the same name.
pub(super) struct Inflate {
    stream: Option<Decompress>,
    has_ended: bool,
}

impl Decoder {
    pub(super) fn new(coding: &Coding) -> Self {
        match coding {
            Coding::Identity | Coding::Other(_) => Self::Identity,
            Coding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new())), false),
            Coding::Deflate => Self::Deflate(Box::new(Inflate { stream: None, has_ended: false })),
        }
    }

    /// Decodes the next bytes. The output can be a thousand times larger than the input.
    pub(super) fn decode(&mut self, bytes: Bytes) -> Result<Bytes, NotEncoded> {
        match self {
            Self::Identity => Ok(bytes),
            Self::Gzip(gzip, has_begun) => {
                *has_begun |= !bytes.is_empty();
                gzip.write_all(&bytes).map_err(|_| NotEncoded)?;
                Ok(std::mem::take(gzip.get_mut()).into())
            }
            Self::Deflate(inflate) => inflate.decode(&bytes),
        }
    }

    /// Returns the remaining bytes at the end of the input.
    pub(super) fn finish(&mut self) -> Result<Bytes, NotEncoded> {
        match self {
            Self::Gzip(gzip, true) => {
                gzip.try_finish().map_err(|_| NotEncoded)?;
                Ok(std::mem::take(gzip.get_mut()).into())
            }
            Self::Deflate(inflate) if inflate.stream.is_some() && !inflate.has_ended => {
                Err(NotEncoded)
            }
            Self::Identity | Self::Gzip(..) | Self::Deflate(_) => Ok(Bytes::new()),
        }
    }
}

impl Inflate {
    fn decode(&mut self, mut bytes: &[u8]) -> Result<Bytes, NotEncoded> {
        let mut decoded = Vec::new();
        while let Some(first) = bytes.first().filter(|_| !self.has_ended) {
            // The low nibble of a zlib header is the method, 8 (RFC 1950, 2.2).
            let stream = self.stream.get_or_insert_with(|| Decompress::new(first & 0x0F == 8));
            decoded.reserve(ROOM);
            let (read, written) = (stream.total_in(), decoded.len());
            let status = stream.decompress_vec(bytes, &mut decoded, FlushDecompress::None);
            let status = status.map_err(|_| NotEncoded)?;
            let taken = stream.total_in() - read;
            self.has_ended = status == Status::StreamEnd;
            if taken == 0 && decoded.len() == written && !self.has_ended {
                return Err(NotEncoded);
            }
            bytes = bytes.get(taken as usize..).unwrap_or_default();
            // The output may not have fit into the buffer.
            while !self.has_ended && decoded.len() == decoded.capacity() {
                decoded.reserve(ROOM);
                let status = stream.decompress_vec(&[], &mut decoded, FlushDecompress::None);
                self.has_ended = status.map_err(|_| NotEncoded)? == Status::StreamEnd;
            }
        }
        Ok(decoded.into())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn reads_the_encoding_from_headers_and_names() {
        let other = |name: &str| Coding::Other(name.to_owned());
        for (headers, path, coding) in [
            (vec![], "/f.csv", Coding::Identity),
            (vec![(CONTENT_ENCODING, "gzip")], "/f.csv", Coding::Gzip),
            (vec![(CONTENT_ENCODING, "GZIP")], "/f", Coding::Gzip),
            (vec![(CONTENT_ENCODING, "x-gzip")], "/f", Coding::Gzip),
            (vec![(CONTENT_ENCODING, "aws-chunked, gzip")], "/f", Coding::Gzip),
            (vec![(CONTENT_ENCODING, "identity")], "/f", Coding::Identity),
            (vec![(CONTENT_ENCODING, "")], "/f", Coding::Identity),
            (vec![(CONTENT_ENCODING, "deflate")], "/f", Coding::Deflate),
            (vec![(CONTENT_ENCODING, "br")], "/f", other("br")),
            (vec![(CONTENT_ENCODING, "gzip, gzip")], "/f", other("several encodings")),
            // Gzip files.
            (vec![(CONTENT_ENCODING, "gzip")], "/f.csv.gz", Coding::Identity),
            (vec![(CONTENT_ENCODING, "gzip")], "/F.TGZ", Coding::Identity),
            (
                vec![(CONTENT_ENCODING, "gzip"), (CONTENT_TYPE, "application/x-gzip; a=b")],
                "/f",
                Coding::Identity,
            ),
            (
                vec![
                    (CONTENT_ENCODING, "gzip"),
                    (CONTENT_DISPOSITION, "attachment; filename=\"f.csv.gz\""),
                ],
                "/f",
                Coding::Identity,
            ),
            (
                vec![
                    (CONTENT_ENCODING, "gzip"),
                    (CONTENT_DISPOSITION, "attachment; filename=\"f.csv\""),
                ],
                "/f",
                Coding::Gzip,
            ),
            (vec![(CONTENT_ENCODING, "gzip"), (CONTENT_TYPE, "text/csv")], "/f", Coding::Gzip),
        ] {
            let headers: HeaderMap<HeaderValue> = headers
                .into_iter()
                .map(|(name, value): (HeaderName, _)| (name, HeaderValue::from_static(value)))
                .collect();
            assert_eq!(Coding::of(&headers, path), coding, "{headers:?} {path}");
        }
    }

    fn encoded(coding: &Coding, wrapped: bool, text: &[u8]) -> Vec<u8> {
        let fast = Compression::fast();
        match (coding, wrapped) {
            (Coding::Gzip, _) => {
                let mut encoder = GzEncoder::new(Vec::new(), fast);
                encoder.write_all(text).expect("a Vec");
                encoder.finish().expect("a Vec")
            }
            (Coding::Deflate, true) => {
                let mut encoder = ZlibEncoder::new(Vec::new(), fast);
                encoder.write_all(text).expect("a Vec");
                encoder.finish().expect("a Vec")
            }
            (Coding::Deflate, false) => {
                let mut encoder = DeflateEncoder::new(Vec::new(), fast);
                encoder.write_all(text).expect("a Vec");
                encoder.finish().expect("a Vec")
            }
            (Coding::Identity | Coding::Other(_), _) => text.to_owned(),
        }
    }

    fn decoded(coding: &Coding, bytes: &[u8], size: usize) -> Result<Vec<u8>, NotEncoded> {
        let mut decoder = Decoder::new(coding);
        let mut decoded = Vec::new();
        for part in bytes.chunks(size) {
            decoded.extend(decoder.decode(Bytes::copy_from_slice(part))?);
        }
        decoded.extend(decoder.finish()?);
        Ok(decoded)
    }

    #[test]
    fn decodes_input_in_chunks_of_any_size() {
        let long = b"0123456789,".repeat(50_000);
        for text in [&b""[..], b"a,b\n", &long] {
            for (coding, wrapped) in [
                (Coding::Identity, false),
                (Coding::Gzip, false),
                (Coding::Deflate, true),
                (Coding::Deflate, false),
            ] {
                let bytes = encoded(&coding, wrapped, text);
                for size in [1, 7, 4096, usize::MAX] {
                    let decoded = decoded(&coding, &bytes, size).expect("valid input");
                    assert_eq!(decoded, text, "{coding:?} {wrapped} in chunks of {size}");
                }
                if coding != Coding::Identity && !text.is_empty() {
                    assert!(decoded(&coding, &bytes[..bytes.len() - 1], 7).is_err(), "{coding:?}");
                }
            }
        }
        for coding in [Coding::Gzip, Coding::Deflate] {
            assert_eq!(decoded(&coding, b"", 1).expect("an empty file"), b"");
            assert!(decoded(&coding, b"a,b,c,d\n1,2,3,4\n", 7).is_err(), "{coding:?}");
        }
    }
}
