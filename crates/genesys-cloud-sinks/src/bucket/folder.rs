//! Folders in buckets: the objects whose keys have the same prefix.

use std::fmt;
use std::str::FromStr;

use super::object::BucketUrl;

/// The objects of a bucket under one prefix: `s3://bucket/prefix/`, `gs://bucket/prefix/` or `az://container/prefix/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketFolder(String);

impl BucketFolder {
    /// Returns the URL of the object with this key below the prefix. The key must consist of characters that a URL
    /// does not escape.
    ///
    /// # Errors
    /// If the key is empty or ends with a slash.
    pub fn object(&self, key: &str) -> Result<BucketUrl, String> {
        format!("{}{key}", self.0).parse()
    }
}

impl FromStr for BucketFolder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The text may contain a secret, so no message quotes it.
        let url = match text.ends_with('/') {
            true => format!("{text}object").parse::<BucketUrl>()?.to_string(),
            false => return Err("end the URL of a folder with a slash".to_owned()),
        };
        Ok(Self(url.strip_suffix("object").unwrap_or(&url).to_owned()))
    }
}

impl fmt::Display for BucketFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_prefix_without_credentials() {
        for (text, object) in [
            ("s3://bucket/", "s3://bucket/day=2026-05-01/part-0.jsonl"),
            ("gs://bucket/a/b/", "gs://bucket/a/b/day=2026-05-01/part-0.jsonl"),
            ("s3://bucket/object/", "s3://bucket/object/day=2026-05-01/part-0.jsonl"),
        ] {
            let folder: BucketFolder = text.parse().expect(text);
            assert_eq!(folder.to_string(), text);
            let found = folder.object("day=2026-05-01/part-0.jsonl").expect("an object");
            assert_eq!(found.to_string(), object);
            folder.object("a/").expect_err("no object");
        }
        for text in ["s3://bucket/a", "s3:///a/", "s3://me:SECRET@bucket/a/", "s3://b/?sig=SECRET/"]
        {
            let why = text.parse::<BucketFolder>().expect_err(text);
            assert!(!why.contains("SECRET"), "{why}");
        }
    }
}
