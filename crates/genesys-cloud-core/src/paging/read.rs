//! A page as it is read from the body of a reply: its items, and what it says.

mod envelope;

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::de::{DeserializeOwned, DeserializeSeed, IgnoredAny};
use serde_json::Value;
use serde_json::value::RawValue;

use self::envelope::Envelope;
use super::cursor_state::{PageInfo, Token};
use super::extracted::ExtractedPage;
use super::items::{Flaw, Found, Items};
use super::list_spec::{ListSpec, NextToken};
use super::scheme::Advance;
use crate::page_identity::{Edges, fingerprint};
use crate::response::{DecodeError, RawResponse};
use crate::wire::{Element, Wire, reread};

/// Where analytics says up to when the data is complete that a list is made from.
const AVAILABLE_UNTIL: &str = "dataAvailabilityDate";

/// The items of a page, and what it says.
pub(crate) type Page<T> = Result<(Vec<T>, PageInfo), DecodeError>;

/// A function of the caller's own.
type Extract<T> = dyn Fn(&RawResponse) -> Result<ExtractedPage<T>, DecodeError> + Send;

/// Reads a page by the paths of its listing: [`wire`], [`serde()`] or [`bytes()`]. It may hold no more than
/// so many items.
pub(crate) type ReadPage<T> = fn(&RawResponse, &ListSpec, usize) -> Page<T>;

/// How a page is had from a reply.
pub(super) enum Read<T> {
    Paths(ReadPage<T>),
    Own(Box<Extract<T>>),
}

impl<T> Read<T> {
    pub(super) fn page(&self, reply: &RawResponse, listing: &ListSpec, most: usize) -> Page<T> {
        match self {
            _ if reply.status() == 204 && listing.allows_no_content() => {
                Ok((Vec::new(), PageInfo { has_list: true, ..PageInfo::default() }))
            }
            _ if reply.status() == 204 => {
                Err(DecodeError::not_a_page("it has no content (204), where a list was expected"))
            }
            Self::Paths(read) => read(reply, listing, most),
            Self::Own(extract) => Ok(extract(reply)?.read_from(reply, listing)),
        }
    }
}

/// Reads items the way the API writes them.
pub(crate) fn wire<T: Wire>(reply: &RawResponse, listing: &ListSpec, most: usize) -> Page<T> {
    leniently(reply, |body| read(body, listing, most, Element::<T>::new))
}

/// Reads items of any type that serde can read.
pub(crate) fn serde<T: DeserializeOwned + 'static>(
    reply: &RawResponse,
    listing: &ListSpec,
    most: usize,
) -> Page<T> {
    let read = |body: &str| read(body, listing, most, || PhantomData::<T>);
    let (items, facts) = leniently(reply, read)?;
    if listing.has_objects()
        && let Some(at) = items.iter().position(|item| !may_be_object(item))
    {
        return Err(no_object(at));
    }
    Ok((items, facts))
}

/// Reads items as the parts of the body that they are.
pub(crate) fn borrowed<'de>(
    reply: &'de RawResponse,
    listing: &ListSpec,
    most: usize,
) -> Page<&'de RawValue> {
    let body = reply.json_text()?;
    let (items, facts) = read(body, listing, most, || PhantomData::<&'de RawValue>)?;
    if listing.has_objects()
        && let Some(at) = items.iter().position(|item| !item.get().starts_with('{'))
    {
        return Err(no_object(at));
    }
    Ok((items, facts))
}

fn no_object(at: usize) -> DecodeError {
    DecodeError::new(format!("item {} is not a JSON object", at + 1))
}

/// Whether an item may have been made from a JSON object. Of types that hold JSON of any kind it is known; the
/// others have read it already.
fn may_be_object<T: 'static>(item: &T) -> bool {
    let item: &dyn Any = item;
    if let Some(raw) = item.downcast_ref::<Box<RawValue>>() {
        return raw.get().starts_with('{');
    }
    item.downcast_ref::<Value>().is_none_or(Value::is_object)
}

/// Takes what came as the one item of a page, whatever it is.
pub(crate) fn bytes(reply: &RawResponse, _: &ListSpec, _: usize) -> Page<Bytes> {
    let facts = PageInfo { items: 1, has_list: true, ..PageInfo::default() };
    Ok((vec![reply.body().clone()], facts))
}

/// Reads the body as JSON. Half of a surrogate pair in a text does not make it unreadable.
fn leniently<T>(reply: &RawResponse, read: impl Fn(&str) -> Page<T>) -> Page<T> {
    let body = reply.json_text()?;
    read(body).or_else(|error| reread(body, error, read))
}

fn read<'de, T, E>(body: &'de str, listing: &ListSpec, most: usize, element: fn() -> E) -> Page<T>
where
    E: DeserializeSeed<'de, Value = T>,
{
    let found = Found::default();
    let list = Items { most, found: &found, element };
    let page = read_list(body, listing, list, &found);
    match (page, found.flaw.get()) {
        (Err(_), Some(Flaw::TooManyItems)) => Err(DecodeError::too_many(most)),
        (Err(_), Some(Flaw::ListTwice)) => {
            Err(DecodeError::new(format!("the list `{}` occurs twice", listing.items())))
        }
        (Err(_), Some(Flaw::TokenTwice)) => {
            let token = listing.token_out().map_or("", NextToken::path);
            Err(DecodeError::new(format!("the token `{token}` occurs twice")))
        }
        (page, _) => page,
    }
}

fn read_list<'de, T, S>(body: &'de str, listing: &ListSpec, list: S, found: &Found) -> Page<T>
where
    S: DeserializeSeed<'de, Value = Option<Vec<T>>> + Copy,
{
    let mut facts = PageInfo::default();
    let trimmed = body.trim_ascii();
    if trimmed.is_empty() {
        return Err(DecodeError::new("the reply is empty"));
    }
    if trimmed == "null" {
        return Err(DecodeError::not_a_page("it is `null`"));
    }
    let advance = listing.scheme().spec().advance;
    let token = listing.token_out().map(NextToken::path);
    let mut json = serde_json::Deserializer::from_str(body);
    let (items, text) = if listing.items() == "[]" {
        if trimmed.starts_with('{') {
            return Err(no_page(trimmed, "a list"));
        }
        facts.has_list = true;
        (list.deserialize(&mut json)?.unwrap_or_default(), Some(body))
    } else {
        let (mut text, mut is_page) = (None, false);
        let envelope = Envelope {
            body,
            listing,
            items: Some(listing.items()),
            // In a window the token is a field of the last item.
            token: token.filter(|_| advance != Advance::Window),
            list,
            facts: &mut facts,
            text: &mut text,
            is_page: &mut is_page,
            has_token: &mut false,
            found,
        };
        let items = envelope.deserialize(&mut json)?;
        let is_legal = listing.allows_empty_object() && is_empty_object(trimmed);
        if !is_page && !is_legal {
            return Err(no_page(trimmed, &format!("a page with `{}`", listing.items())));
        }
        (items, text)
    };
    json.end()?;
    facts.nulls = found.nulls.get();
    facts.items = items.len() as u64 + facts.nulls;
    if let Some(text) = text.filter(|_| !items.is_empty() && !matches!(advance, Advance::Once(_))) {
        facts.fingerprint = Some(fingerprint(text));
        facts.edges = Edges::of(text);
        if let (Advance::Window, Some(path)) = (advance, token) {
            facts.token = last_key(text, listing, path);
        }
    }
    Ok((items, facts))
}

fn is_empty_object(body: &str) -> bool {
    let inner = body.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

/// The error of an object that has nothing of a page.
fn no_page(body: &str, expected: &str) -> DecodeError {
    let found = field_names(body);
    let found = match &found[..] {
        [] => "an object without fields".to_owned(),
        names => format!("an object with `{}`", names.join("`, `")),
    };
    DecodeError::not_a_page(format!("it is {found}, where {expected} was expected"))
}

/// Whether a page without its list has another one, under a name that the document does not give: its own may have
/// been renamed.
pub(super) fn has_other_list(body: &str, listing: &ListSpec) -> bool {
    let mut level = body;
    for step in listing.items().split('.') {
        let Ok(mut fields) = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(level)
        else {
            return false;
        };
        let is_other = |(name, value): (&Cow<'_, str>, &&RawValue)| {
            let list = value.get().strip_prefix('[').map(str::trim_ascii_start);
            let has_items = list.is_some_and(|list| !list.starts_with(']'));
            has_items && name != step && !listing.is_page_field(name)
        };
        if fields.iter().any(is_other) {
            return true;
        }
        let Some(next) = fields.remove(step) else { return false };
        level = next.get();
    }
    false
}

/// The names of the fields of an object, as many as an error or a report shows. They come from the server.
pub(super) fn field_names(body: &str) -> Vec<String> {
    const MOST: usize = 8;
    const LONGEST: usize = 40;
    let names =
        serde_json::from_str::<BTreeMap<Cow<'_, str>, IgnoredAny>>(body).unwrap_or_default();
    let shown = |name: &Cow<'_, str>| {
        let text: String = name.chars().take(LONGEST).collect();
        text.escape_debug().to_string()
    };
    names.keys().take(MOST).map(shown).collect()
}

/// A field of the last item of a list. The list is read once more, which only lists need whose next page
/// is asked for by an item.
fn last_key(text: &str, listing: &ListSpec, path: &str) -> Option<Token> {
    let list = text.get(text.find('[')?..)?;
    let mut lists = serde_json::Deserializer::from_str(list).into_iter::<Vec<&RawValue>>();
    let last = lists.next()?.ok()?.into_iter().rfind(|item| item.get() != "null")?;
    let (mut facts, mut none) = (PageInfo::default(), None);
    let item = Envelope {
        body: last.get(),
        listing,
        items: None,
        token: Some(path),
        list: PhantomData::<Option<Vec<IgnoredAny>>>,
        facts: &mut facts,
        text: &mut none,
        is_page: &mut false,
        has_token: &mut false,
        found: &Found::default(),
    };
    item.deserialize(&mut serde_json::Deserializer::from_str(last.get())).ok()?;
    facts.token
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "a record is made as generated code makes it")]
mod tests;
