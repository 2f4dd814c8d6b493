use std::ops::Range;

use genesys_cloud_catalogue::{Catalogue, Kind, Schema};
use serde_json::Value;

use super::row::ResultField;
use super::spec::field;
use crate::classify::ItemLocation;
use crate::expected::Expected;
use crate::identity::Identity;
use crate::listing::{Listing, write_record};
use crate::paging::{Page, PageRequest};
use crate::shape::Shape;

/// The field of a response with the URL of a result file.
const LINKS: [&str; 12] = [
    "downloadUrls",
    "downloadUrl",
    "downloadURL",
    "downloadURI",
    "downloadUri",
    "resultsUrls",
    "resultsUrl",
    "fileUrl",
    "signedUrl",
    "uri",
    "contentLocationUri",
    "download",
];

/// Fields with which the document describes the contents of files.
pub(crate) const CONTENTS: [&str; 2] = ["downloadResult", "downloadTemplate"];

/// The results of a job that the status or the response to the submit contains or links to.
#[derive(Debug)]
pub(crate) struct JobResults {
    pub(crate) in_status: ResultLocation,
    /// In the response to the submit, if it has the result immediately.
    pub(crate) in_submit: ResultLocation,
    /// The format of files.
    pub(crate) format: FileFormat,
}

impl JobResults {
    /// Whether the results may be several files.
    pub(crate) fn has_many_files(&self) -> bool {
        let is_one = matches!(self.content(), Some(Content::One(_)));
        self.in_status.links.is_some_and(|links| links.is_list) && !is_one
    }

    /// The schema of the results.
    pub(crate) fn content(&self) -> Option<&Content> {
        let inline = self.in_status.inline.as_ref().or(self.in_submit.inline.as_ref());
        inline.map(|inline| &inline.content)
    }
}

/// Where one response has results.
#[derive(Debug, Default)]
pub(crate) struct ResultLocation {
    pub(crate) inline: Option<Inline>,
    pub(crate) links: Option<Links>,
}

/// Results inside a response.
#[derive(Debug)]
pub(crate) struct Inline {
    pub(crate) path: String,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    List(Listing),
    One(Shape),
}

impl Inline {
    pub(crate) fn is_list(&self) -> bool {
        matches!(self.content, Content::List(_))
    }
}

impl Content {
    /// The results at these positions of their list; a single result ignores the positions.
    pub(crate) fn write(&self, list: u64, places: Range<u64>) -> Value {
        let written = match self {
            Self::List(listing) => {
                let page_request = PageRequest::whole();
                listing.write(list, "", &Page::whole(&page_request, places.collect()))
            }
            Self::One(shape) => write_one(shape, list, ""),
        };
        serde_json::from_slice(&written).unwrap_or_default()
    }

    /// The key of a single result.
    pub(crate) fn key_of_one(shape: &Shape, list: u64) -> [String; 1] {
        [Expected::key_of(&write_one(shape, list, ""))]
    }

    /// The keys of what [`Content::write`] writes.
    pub(crate) fn keys(&self, list: u64, count: u64) -> Vec<String> {
        match self {
            Self::List(listing) => (0..count).map(|index| listing.key(list, index, None)).collect(),
            Self::One(shape) => Self::key_of_one(shape, list).into(),
        }
    }
}

/// Writes a single result.
pub(crate) fn write_one(shape: &Shape, list: u64, path: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_record(&mut out, shape, Identity::new(list, 0), path);
    out
}

/// The field with links to files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) field: &'static str,
    pub(crate) is_list: bool,
    /// Whether it has the address of a download, which in turn links to the file.
    pub(crate) is_entity: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Json,
    Csv,
    /// Any archive.
    Archive,
}

impl FileFormat {
    fn of(path: &str) -> Self {
        let has = |parts: &[&str]| parts.iter().any(|part| path.contains(part));
        if has(&["/flows/export/", "/gdpr/", "/siptraces/"]) {
            Self::Archive
        } else if path.ends_with("/exports")
            || has(&["/datatables/", "/outbound/", "/session/export/", "/uploads/reports"])
        {
            Self::Csv
        } else {
            Self::Json
        }
    }
}

impl JobResults {
    /// Returns the results of the jobs submitted at a path, from the schemas of the status and of the response
    /// to the submit.
    pub(crate) fn of(
        catalogue: &'static Catalogue,
        path: &str,
        (status, submit): (&'static Schema, Option<&'static Schema>),
        result_field: ResultField,
        has_operation: bool,
    ) -> Self {
        let location = |schema: &'static Schema| match result_field {
            ResultField::None => ResultLocation::default(),
            _ if has_operation => ResultLocation::default(),
            ResultField::ByRule => ResultLocation {
                inline: inline(catalogue, schema),
                links: links(catalogue, schema),
            },
            // The submit may have it under another name.
            ResultField::At(name) => ResultLocation {
                inline: at(catalogue, schema, name).or_else(|| inline(catalogue, schema)),
                links: links(catalogue, schema),
            },
            ResultField::Only(name) => {
                ResultLocation { inline: at(catalogue, schema, name), links: None }
            }
            ResultField::Link(name) => {
                ResultLocation { inline: None, links: link(catalogue, schema, name) }
            }
        };
        Self {
            in_status: location(status),
            in_submit: submit.map(location).unwrap_or_default(),
            format: FileFormat::of(path),
        }
    }
}

/// The results inside a response, if exactly one field can be that.
fn inline(catalogue: &'static Catalogue, response: &'static Schema) -> Option<Inline> {
    let is_result = |name: &str| {
        matches!(name, "result" | "results" | "entities" | "files")
            || CONTENTS.contains(&name)
            || name.ends_with("Result") && name != "importStatusResult"
            || name.ends_with("Results") && name != "rollbackResults"
    };
    let names =
        response.properties.iter().map(|(name, _)| name.as_str()).filter(|it| is_result(it));
    let mut found = names.filter_map(|name| at(catalogue, response, name));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn at(catalogue: &'static Catalogue, response: &'static Schema, path: &str) -> Option<Inline> {
    let schema = field(catalogue, response, path)?;
    let content = match schema.kind {
        Some(Kind::Array) => Content::List(Listing::of(catalogue, schema)?),
        Some(Kind::String | Kind::Integer | Kind::Number | Kind::Boolean | Kind::File) => {
            return None;
        }
        // The document's description of a file: a list with details.
        _ if CONTENTS.contains(&path) => {
            only_list(catalogue, schema).unwrap_or_else(|| content(catalogue, schema))
        }
        _ => content(catalogue, schema),
    };
    Some(Inline { path: path.to_owned(), content })
}

/// The list in an object that has only one.
fn only_list(catalogue: &'static Catalogue, schema: &'static Schema) -> Option<Content> {
    let is_list = |field: &Schema| catalogue.resolve(field).kind == Some(Kind::Array);
    let mut lists = schema.properties.iter().filter(|(_, field)| is_list(field));
    let (name, _) = lists.next()?;
    let listing = Listing::at(catalogue, schema, ItemLocation::Field(name, None))?;
    lists.next().is_none().then_some(Content::List(listing))
}

/// An object that is little more than a list counts as a list.
fn content(catalogue: &'static Catalogue, schema: &'static Schema) -> Content {
    let list = match schema.properties.as_slice() {
        [(name, only)] if catalogue.resolve(only).kind == Some(Kind::Array) => {
            Listing::at(catalogue, schema, ItemLocation::Field(name, None))
        }
        _ => Listing::of(catalogue, schema),
    };
    list.map_or_else(|| Content::One(Shape::of(catalogue, schema)), Content::List)
}

fn links(catalogue: &'static Catalogue, response: &'static Schema) -> Option<Links> {
    LINKS.into_iter().find_map(|name| link(catalogue, response, name))
}

fn link(
    catalogue: &'static Catalogue,
    response: &'static Schema,
    name: &'static str,
) -> Option<Links> {
    let kind = catalogue.resolve(response.property(name)?).kind;
    Some(Links {
        field: name,
        is_list: kind == Some(Kind::Array),
        is_entity: kind == Some(Kind::Object),
    })
}
