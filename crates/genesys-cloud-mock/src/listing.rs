use genesys_cloud_catalogue::{Catalogue, Kind, Schema};
use serde_json::Value;

use crate::identity::Identity;
use crate::name::NameFilter;
use crate::scheme::item_field;
use crate::shape::{Shape, Subject};

/// A reply that holds a list: what stands around the items, and what each item looks like.
#[derive(Debug)]
pub(crate) struct Listing {
    item: Shape,
    /// The fields of the reply in the order of the document; none if it is a bare array.
    fields: Option<Vec<(Vec<u8>, Part)>>,
}

/// What a field of the reply says about the page.
#[derive(Debug)]
enum Part {
    Items,
    PageNumber,
    PageSize,
    PageCount,
    Total,
    Uri(Neighbour),
    /// A token for a page that isn't there.
    Absent,
    False,
    Other(Shape),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neighbour {
    Own,
    First,
    Previous,
    Next,
    Last,
}

/// One page of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page<'a> {
    pub(crate) number: u64,
    pub(crate) size: u64,
    /// How many records there are on all pages.
    pub(crate) total: u64,
    /// The places in the list of the records on this page.
    pub(crate) indexes: &'a [u64],
}

impl Page<'_> {
    fn count(&self) -> u64 {
        self.total.div_ceil(self.size)
    }

    /// The number of a page near this one, if there is one.
    fn neighbour(&self, neighbour: Neighbour) -> Option<u64> {
        match neighbour {
            Neighbour::Own => Some(self.number),
            Neighbour::First => Some(1),
            Neighbour::Previous => Some(self.number - 1).filter(|&number| number > 0),
            Neighbour::Next => Some(self.number + 1).filter(|&number| number <= self.count()),
            Neighbour::Last => Some(self.count().max(1)),
        }
    }
}

impl Listing {
    /// The listing a reply is; `None` if it is something else.
    pub(crate) fn of(catalogue: &Catalogue, reply: &Schema) -> Option<Self> {
        let reply = catalogue.resolve(reply);
        if reply.kind == Some(Kind::Array) {
            let item = Shape::of(catalogue, reply.items.as_deref()?);
            return Some(Self { item, fields: None });
        }
        let item_field = item_field(catalogue, reply)?;
        if reply.property("id").is_some() && item_field != "entities" {
            // An entity that has some `users` or `messages`, not a list of them.
            return None;
        }
        let items = catalogue.resolve(reply.property(item_field)?);
        let item = Shape::of(catalogue, items.items.as_deref()?);
        let fields = reply.properties.iter().map(|(name, schema)| {
            let key = format!("{}:", Value::from(name.as_str())).into_bytes();
            let part =
                if name == item_field { Part::Items } else { Part::of(catalogue, name, schema) };
            (key, part)
        });
        Some(Self { item, fields: Some(fields.collect()) })
    }

    /// The places of a page's records, and how many records there are in all.
    pub(crate) fn select(
        &self,
        count: u64,
        filter: Option<&NameFilter>,
        skip: u64,
        take: u64,
    ) -> (Vec<u64>, u64) {
        let (Some(filter), Some(noun)) = (filter, self.item.noun()) else {
            let start = skip.min(count);
            return ((start..start.saturating_add(take).min(count)).collect(), count);
        };
        let mut indexes = Vec::new();
        let mut total = 0;
        let mut name = Vec::new();
        for index in 0..count {
            name.clear();
            noun.write(&mut name, index);
            if filter.accepts(&name) {
                if total >= skip && total - skip < take {
                    indexes.push(index);
                }
                total += 1;
            }
        }
        (indexes, total)
    }

    /// Writes a page as JSON. `uri` writes where another page of the list is.
    pub(crate) fn write(
        &self,
        list: u64,
        list_path: &str,
        page: &Page<'_>,
        uri: impl Fn(u64) -> String,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(1_024 * (page.indexes.len() + 1));
        let Some(fields) = &self.fields else {
            self.write_items(&mut out, list, list_path, page);
            return out;
        };
        out.push(b'{');
        for (key, part) in fields {
            let field = out.len();
            if field > 1 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            let value = out.len();
            match part {
                Part::Items => self.write_items(&mut out, list, list_path, page),
                Part::PageNumber => push(&mut out, page.number),
                Part::PageSize => push(&mut out, page.size),
                Part::PageCount => push(&mut out, page.count()),
                Part::Total => push(&mut out, page.total),
                Part::Uri(neighbour) => {
                    if let Some(number) = page.neighbour(*neighbour) {
                        push(&mut out, Value::from(uri(number)));
                    }
                }
                Part::Absent => {}
                Part::False => push(&mut out, false),
                Part::Other(shape) => {
                    write_record(&mut out, shape, Identity::new(list, u64::MAX), list_path);
                }
            }
            if out.len() == value {
                out.truncate(field);
            }
        }
        out.push(b'}');
        out
    }

    fn write_items(&self, out: &mut Vec<u8>, list: u64, list_path: &str, page: &Page<'_>) {
        out.push(b'[');
        for (place, &index) in page.indexes.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            write_record(out, &self.item, Identity::new(list, index), list_path);
        }
        out.push(b']');
    }
}

impl Part {
    fn of(catalogue: &Catalogue, name: &str, schema: &Schema) -> Self {
        let kind = catalogue.resolve(schema).kind;
        match name {
            "pageNumber" | "currentPage" => Self::PageNumber,
            "pageSize" => Self::PageSize,
            "pageCount" => Self::PageCount,
            "selfUri" => Self::Uri(Neighbour::Own),
            "firstUri" => Self::Uri(Neighbour::First),
            "previousUri" => Self::Uri(Neighbour::Previous),
            "nextUri" => Self::Uri(Neighbour::Next),
            "lastUri" => Self::Uri(Neighbour::Last),
            "cursor" | "cursors" | "after" | "before" | "nextPage" | "previousPage" => Self::Absent,
            // A reply that succeeded says nothing about errors.
            _ if name.starts_with("error") => Self::Absent,
            _ if kind == Some(Kind::Integer) && name.to_lowercase().contains("total") => {
                Self::Total
            }
            _ if kind == Some(Kind::Boolean) => Self::False,
            _ => Self::Other(Shape::of(catalogue, schema)),
        }
    }
}

fn write_record(out: &mut Vec<u8>, shape: &Shape, identity: Identity, list_path: &str) {
    let id = identity.id();
    let subject = Subject {
        id: id.as_bytes(),
        number: identity.index(),
        seed: identity.seed(),
        list_path: Some(list_path),
    };
    shape.write(out, subject);
}

fn push(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing to memory can't fail.
    let _ = std::io::Write::write_fmt(out, format_args!("{value}"));
}
