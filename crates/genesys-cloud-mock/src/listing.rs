use genesys_cloud_catalogue::{Catalogue, Kind, Schema};
use serde_json::Value;

use crate::classify::ItemLocation;
use crate::expected::Expected;
use crate::identity::Identity;
use crate::name::NameFilter;
use crate::paging::{Neighbor, Page, PageSelector};
use crate::shape::{RecordContext, Scope, Shape};
use crate::timeline::Spread;

/// A response that holds a list: the fields around the items, and the shape of an item.
#[derive(Debug)]
pub(crate) struct Listing {
    item: Shape,
    /// The field names of the path to the list; empty if the response is the list.
    path: Vec<String>,
    /// The list itself, or the object that contains it.
    response: Part,
}

/// One part of the response.
#[derive(Debug)]
enum Part {
    Items,
    /// Fields in the order of the document.
    Object(Vec<Field>),
    PageNumber,
    PageSize,
    PageCount,
    Total,
    /// The number of items on this page.
    Count,
    /// The position of the first item, from 1.
    StartIndex,
    Uri(Neighbor),
    SearchUri(Neighbor),
    Token,
    /// Tokens in both directions; only one is set.
    Cursors,
    /// Left out of list responses: a token backwards, or errors.
    Absent,
    False,
    Fixed(&'static str),
    Other(Shape),
}

#[derive(Debug)]
struct Field {
    /// `"name":`
    key: Vec<u8>,
    part: Part,
}

impl Listing {
    /// Returns the listing of a response, or `None` if it has no list.
    pub(crate) fn of(catalogue: &Catalogue, response: &Schema) -> Option<Self> {
        let response = catalogue.resolve(response);
        Self::at(catalogue, response, ItemLocation::of(catalogue, response)?)
    }

    /// Returns the listing of a resolved response with its items at `location`.
    pub(crate) fn at(
        catalogue: &Catalogue,
        response: &Schema,
        location: ItemLocation<'_>,
    ) -> Option<Self> {
        let items = match location {
            ItemLocation::Reply => Some(response),
            ItemLocation::Field(name, inner) => {
                let field = catalogue.resolve(response.property(name)?);
                match inner {
                    Some(inner) => field.property(inner).map(|inner| catalogue.resolve(inner)),
                    None => Some(field),
                }
            }
        };
        let any = Schema::default();
        let item = items?.items.as_deref().unwrap_or(&any);
        let path = match location {
            ItemLocation::Reply => Vec::new(),
            ItemLocation::Field(name, inner) => {
                [Some(name), inner].into_iter().flatten().map(str::to_owned).collect()
            }
        };
        Some(Self {
            item: Shape::of(catalogue, item),
            path,
            response: match location {
                ItemLocation::Reply => Part::Items,
                ItemLocation::Field(name, inner) => Part::object(catalogue, response, name, inner),
            },
        })
    }

    /// Whether responses count pages or records.
    pub(crate) fn counts(&self) -> bool {
        self.response.any(&|part| matches!(part, Part::PageCount | Part::Total))
    }

    /// The field names of the path to the list; empty if the response is the list.
    pub(crate) fn path(&self) -> &[String] {
        &self.path
    }

    /// Whether responses state their page number.
    pub(crate) fn numbers(&self) -> bool {
        self.response.any(&|part| matches!(part, Part::PageNumber | Part::StartIndex))
    }

    /// Whether responses state the number of records on a page or in total.
    pub(crate) fn sizes(&self) -> bool {
        self.counts() || self.response.any(&|part| matches!(part, Part::PageSize | Part::Count))
    }

    /// Whether the document says that items are objects.
    pub(crate) fn has_records(&self) -> bool {
        matches!(self.item, Shape::Object(_))
    }

    /// Whether responses can have the URI of the next page.
    pub(crate) fn links(&self) -> bool {
        self.response.any(&|part| matches!(part, Part::Uri(Neighbor::Next)))
    }

    /// Whether responses have a field for a token.
    pub(crate) fn has_token(&self) -> bool {
        self.response.any(&|part| matches!(part, Part::Token | Part::Cursors))
    }

    /// Whether its records link to files.
    pub(crate) fn has_media(&self) -> bool {
        self.item.has_media()
    }

    /// The shape of its records.
    pub(crate) fn item(&self) -> &Shape {
        &self.item
    }

    /// Whether records are identified by an id.
    pub(crate) fn has_id(&self) -> bool {
        self.item.has_id()
    }

    /// Returns the positions of the records that pass a filter, of `count` records.
    pub(crate) fn filter(&self, count: u64, filter: &NameFilter) -> Option<Vec<u64>> {
        let noun = self.item.noun()?;
        let mut name = Vec::new();
        let accepted = |index: &u64| {
            name.clear();
            noun.write(&mut name, *index);
            filter.accepts(&name)
        };
        Some((0..count).filter(accepted).collect())
    }

    /// Writes a page as JSON.
    pub(crate) fn write(&self, list: u64, list_path: &str, page: &Page<'_>) -> Vec<u8> {
        if page.selector == PageSelector::Paging
            && page.offset.ordinal > 0
            && page.indexes.is_empty()
        {
            // The service returns this past the end of a details query.
            return b"{}".to_vec();
        }
        let mut out = Vec::with_capacity(1_024 * (page.indexes.len() + 1));
        Writer { listing: self, list, list_path, page }.part(&mut out, &self.response);
        out
    }

    /// Returns the [key](Expected::key) of a record.
    pub(crate) fn key(&self, list: u64, index: u64, times: Option<Spread<'_>>) -> String {
        if self.has_id() {
            return Identity::new(list, index).id().to_string();
        }
        Expected::key_of(&self.record((list, index), "", times))
    }

    /// Writes a record, by its list and position. Its links depend on the path of the list.
    pub(crate) fn record(
        &self,
        (list, index): (u64, u64),
        list_path: &str,
        times: Option<Spread<'_>>,
    ) -> Vec<u8> {
        let mut item = Vec::new();
        write_item(&mut item, &self.item, Identity::new(list, index), list_path, times);
        item
    }
}

/// Writes the parts of one response.
struct Writer<'a> {
    listing: &'a Listing,
    list: u64,
    list_path: &'a str,
    page: &'a Page<'a>,
}

impl Writer<'_> {
    /// Writes a part; writes nothing if it has no value.
    fn part(&self, out: &mut Vec<u8>, part: &Part) {
        let page = self.page;
        match part {
            // The service leaves out the list of a details query if it is empty.
            Part::Items if page.selector == PageSelector::Paging && page.indexes.is_empty() => {}
            Part::Items => self.items(out),
            Part::Object(fields) => self.object(out, fields),
            Part::PageNumber => push(out, page.number()),
            Part::PageSize => push(out, page.size),
            Part::PageCount => page.stated_count().into_iter().for_each(|count| push(out, count)),
            Part::Total => page.stated_total().into_iter().for_each(|total| push(out, total)),
            Part::Count => push(out, page.indexes.len()),
            Part::StartIndex => push(out, page.offset.start + 1),
            Part::Uri(neighbor) => push_text(out, page.uri(*neighbor)),
            Part::SearchUri(neighbor) => push_text(out, Some(page.search_uri(*neighbor))),
            Part::Token => push_text(out, page.token()),
            Part::Cursors => {
                out.extend_from_slice(b"{");
                if let Some(token) = page.token() {
                    out.extend_from_slice(b"\"after\":");
                    push_text(out, Some(token));
                }
                out.push(b'}');
            }
            Part::Absent => {}
            Part::False => push(out, false),
            Part::Fixed(text) => push_text(out, Some((*text).to_owned())),
            Part::Other(shape) => {
                write_record(out, shape, Identity::new(self.list, u64::MAX), self.list_path);
            }
        }
    }

    fn object(&self, out: &mut Vec<u8>, fields: &[Field]) {
        out.push(b'{');
        let first = out.len();
        for field in fields {
            let start = out.len();
            if start > first {
                out.push(b',');
            }
            out.extend_from_slice(&field.key);
            let value = out.len();
            self.part(out, &field.part);
            if out.len() == value {
                out.truncate(start);
            }
        }
        out.push(b'}');
    }

    fn items(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (number, &index) in self.page.indexes.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            if let Some(writer) = &self.page.entities {
                writer.write(out, &self.listing.item, index, self.list_path);
                continue;
            }
            let identity = Identity::new(self.list, index);
            write_item(out, &self.listing.item, identity, self.list_path, self.page.times);
        }
        out.push(b']');
    }
}

impl Part {
    /// An object with the items in one of its fields, or in a field of that.
    fn object(catalogue: &Catalogue, schema: &Schema, items: &str, inner: Option<&str>) -> Self {
        let fields = schema.properties.iter().map(|(name, schema)| {
            let key = format!("{}:", Value::from(name.as_str())).into_bytes();
            let part = match inner {
                _ if name != items => Self::of(catalogue, name, schema),
                None => Self::Items,
                Some(inner) => Self::object(catalogue, catalogue.resolve(schema), inner, None),
            };
            Field { key, part }
        });
        Self::Object(fields.collect())
    }

    fn of(catalogue: &Catalogue, name: &str, schema: &Schema) -> Self {
        let resolved = catalogue.resolve(schema);
        match (name, resolved.kind) {
            ("pageNumber", Some(Kind::Integer)) => Self::PageNumber,
            ("pageSize", Some(Kind::Integer)) => Self::PageSize,
            ("pageCount", Some(Kind::Integer)) => Self::PageCount,
            ("itemsPerPage" | "count" | "results", Some(Kind::Integer)) => Self::Count,
            ("startIndex", Some(Kind::Integer)) => Self::StartIndex,
            ("selfUri", _) => Self::Uri(Neighbor::Own),
            ("firstUri", _) => Self::Uri(Neighbor::First),
            ("previousUri", _) => Self::Uri(Neighbor::Previous),
            ("nextUri", _) => Self::Uri(Neighbor::Next),
            ("lastUri", _) => Self::Uri(Neighbor::Last),
            ("previousPage", _) => Self::SearchUri(Neighbor::Previous),
            ("currentPage", _) => Self::SearchUri(Neighbor::Own),
            ("nextPage", _) => Self::SearchUri(Neighbor::Next),
            ("cursor" | "after", Some(Kind::String)) => Self::Token,
            ("cursors", _) => Self::Cursors,
            ("before", _) => Self::Absent,
            // Results exist only once the query has succeeded.
            ("queryStatus", _) => match resolved.values.iter().find_map(|it| finished(it)) {
                Some(status) => Self::Fixed(status),
                None => Self::Other(Shape::of(catalogue, schema)),
            },
            // A successful response reports no errors.
            _ if name.starts_with("error") => Self::Absent,
            (_, Some(Kind::Integer)) if name.to_lowercase().contains("total") => Self::Total,
            (_, Some(Kind::Boolean)) => Self::False,
            _ => Self::Other(Shape::of(catalogue, schema)),
        }
    }

    fn any(&self, holds: &dyn Fn(&Self) -> bool) -> bool {
        match self {
            Self::Object(fields) => fields.iter().any(|field| field.part.any(holds)),
            part => holds(part),
        }
    }
}

fn finished(status: &Value) -> Option<&'static str> {
    let words = ["Complete", "Completed", "FULFILLED", "Succeeded"];
    words.into_iter().find(|word| status == word)
}

/// Writes a record, with its time if the list has a timeline.
fn write_item(
    out: &mut Vec<u8>,
    shape: &Shape,
    identity: Identity,
    list_path: &str,
    times: Option<Spread<'_>>,
) {
    let Some(times) = times else { return write_record(out, shape, identity, list_path) };
    let mut written = Vec::new();
    write_record(&mut written, shape, identity, list_path);
    let mut record = serde_json::from_slice(&written).unwrap_or_default();
    times.date(&mut record, identity.index());
    push(out, record);
}

pub(crate) fn write_record(out: &mut Vec<u8>, shape: &Shape, identity: Identity, list_path: &str) {
    write_record_in(out, shape, identity, list_path, Scope::default());
}

/// Writes a record whose values are consistent with a scope.
pub(crate) fn write_record_in(
    out: &mut Vec<u8>,
    shape: &Shape,
    identity: Identity,
    list_path: &str,
    scope: Scope<'_>,
) {
    let id = identity.id();
    let context = RecordContext {
        id: id.as_bytes(),
        number: identity.index(),
        seed: identity.seed(),
        list_path: Some(list_path),
        scope,
        hidden: &[],
    };
    shape.write(out, context);
}

fn push(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to memory can't fail.
    let _ = std::io::Write::write_fmt(out, format_args!("{value}"));
}

fn push_text(out: &mut Vec<u8>, text: Option<String>) {
    if let Some(text) = text {
        push(out, Value::from(text));
    }
}
