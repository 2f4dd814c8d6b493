//! Recordings and transcripts: small real files, each generated from a number.

use bytes::Bytes;
use serde_json::json;

use crate::rng::{hash, mix};

/// Stands for the address of the files in generated records. Responses have the real one, which is known only once
/// the org listens.
const PLACEHOLDER: &str = "https://media.example.invalid/";

/// Samples per second of an audio file, each of one byte.
const SAMPLE_RATE: u32 = 8_000;
/// The samples of an audio file.
const SAMPLES: u32 = 4_000;

/// The size of an audio file, in bytes.
pub(crate) const AUDIO_BYTES: u32 = 44 + SAMPLES;
/// The length of an audio file, in milliseconds.
pub(crate) const AUDIO_MILLISECONDS: u32 = SAMPLES / (SAMPLE_RATE / 1_000);

/// The type of audio files.
pub(crate) const AUDIO_TYPE: &str = "audio/wav";

/// An image of one pixel.
const IMAGE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU\0\0\0\nIDATx\x9cc`\0\0\
    \0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82";

/// A kind of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Audio,
    Image,
    Transcript,
}

impl Media {
    const ALL: [Self; 3] = [Self::Audio, Self::Image, Self::Transcript];

    /// The file that a field of a definition links to.
    pub(crate) fn of_field(definition: &str, field: &str) -> Option<Self> {
        match (definition, field) {
            (_, "mediaUri" | "mediaFileUri") | ("BatchDownloadJobResult", "resultUrl") => {
                Some(Self::Audio)
            }
            (_, "mediaImageUri") => Some(Self::Image),
            ("TranscriptUrl" | "SegmentUrl", "url") => Some(Self::Transcript),
            _ => None,
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Audio => ".wav",
            Self::Image => ".png",
            Self::Transcript => ".json",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Audio => AUDIO_TYPE,
            Self::Image => "image/png",
            Self::Transcript => "application/json",
        }
    }

    /// Writes the URL of a file, with a placeholder for its address.
    pub(crate) fn write_url(self, out: &mut Vec<u8>, number: u64) {
        let name = format!("media/{number:016x}{}", self.extension());
        let signature = signature(&name);
        let url = format!("{PLACEHOLDER}{name}?X-Amz-Expires=900&X-Amz-Signature={signature}");
        out.extend_from_slice(url.as_bytes());
    }

    /// The contents of the file with this name, if it is one.
    pub(crate) fn file(name: &str) -> Option<(Bytes, &'static str)> {
        let file = name.strip_prefix("media/")?;
        Self::ALL.into_iter().find_map(|media| {
            let number = file.strip_suffix(media.extension())?;
            let number = u64::from_str_radix(number, 16).ok()?;
            Some((media.contents(number), media.content_type()))
        })
    }

    fn contents(self, number: u64) -> Bytes {
        match self {
            Self::Audio => audio(number).into(),
            Self::Image => Bytes::from_static(IMAGE),
            Self::Transcript => {
                let phrases: Vec<_> = (0..3 + number % 5)
                    .map(|phrase| {
                        let start = phrase * 4_000;
                        json!({
                            "text": format!("phrase {}", mix(number ^ phrase) % 1_000),
                            "participantPurpose": if phrase % 2 == 0 { "internal" } else { "external" },
                            "startTimeMs": start,
                            "duration": { "milliseconds": 3_500 },
                        })
                    })
                    .collect();
                let transcript =
                    json!({ "transcriptId": format!("{number:016x}"), "phrases": phrases });
                json!({ "transcripts": [transcript] }).to_string().into()
            }
        }
    }
}

/// Proves that the org issued the URL of a file.
pub(crate) fn signature(name: &str) -> String {
    format!("{:016x}", hash(name))
}

/// A WAV file with a tone.
fn audio(number: u64) -> Vec<u8> {
    let mut file = Vec::with_capacity(AUDIO_BYTES as usize);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(AUDIO_BYTES - 8).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    // Bytes per second, bytes per sample, bits per sample.
    file.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    file.extend_from_slice(b"\x01\0\x08\0data");
    file.extend_from_slice(&SAMPLES.to_le_bytes());
    let period = 8 + (number % 64) as u32;
    let loudness = 32 + (number >> 8) as u8 % 96;
    let sample = |at: u32| if at % period < period / 2 { 128 + loudness } else { 128 - loudness };
    // Distinguishes files of the same tone.
    file.extend_from_slice(&number.to_le_bytes());
    file.extend((8..SAMPLES).map(sample));
    file
}

/// Replaces the placeholders in a text by the address of the files, and calls `on_link` with the name of each file.
/// Returns `None` if there are none.
pub(crate) fn resolve(text: &str, base: &str, mut on_link: impl FnMut(&str)) -> Option<String> {
    let mut parts = text.split(PLACEHOLDER);
    let mut resolved = parts.next()?.to_owned();
    let mut has_links = false;
    for part in parts {
        on_link(part.split('?').next().unwrap_or_default());
        resolved.extend([base, "/", part]);
        has_links = true;
    }
    has_links.then_some(resolved)
}

/// The part of the URL of a file that is the same in every org.
pub(crate) fn without_address(url: &str) -> Option<&str> {
    let at = url.find("media/").filter(|_| url.contains("X-Amz-Signature="))?;
    Some(&url[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_has_the_length_in_its_header() {
        let (file, kind) = Media::file("media/00000000000000ff.wav").expect("a file");
        assert_eq!((file.len(), kind), (AUDIO_BYTES as usize, "audio/wav"));
        let number =
            |at: usize| u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]]);
        assert_eq!((&file[..4], number(4)), (&b"RIFF"[..], AUDIO_BYTES - 8));
        assert_eq!((&file[36..40], number(40)), (&b"data"[..], SAMPLES));
        assert_ne!(Some(file), Media::file("media/0000000000000100.wav").map(|it| it.0));
        assert_eq!(Media::file("media/..%2fsecret.wav"), None);
    }

    #[test]
    fn resolves_placeholders_and_names_their_files() {
        let mut written = b"[\"".to_vec();
        Media::Transcript.write_url(&mut written, 7);
        written.extend_from_slice(b"\"]");
        let written = String::from_utf8(written).expect("text");
        let mut names = Vec::new();
        let resolved = resolve(&written, "http://127.0.0.1:1", |name| names.push(name.to_owned()));
        let resolved = resolved.expect("a link");
        assert!(resolved.starts_with("[\"http://127.0.0.1:1/media/0000000000000007.json?"));
        assert_eq!(names, ["media/0000000000000007.json"]);
        assert_eq!(without_address(&resolved), without_address(&written));
        assert_eq!(resolve("[]", "", |_| {}), None);
    }
}
