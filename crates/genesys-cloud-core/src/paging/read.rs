//! Decodes a page from a response body: its items and its page info.

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

/// The field of analytics responses with the time up to which the data is complete.
const AVAILABLE_UNTIL: &str = "dataAvailabilityDate";

/// The items of a page and its info.
pub(crate) type Page<T> = Result<(Vec<T>, PageInfo), DecodeError>;

/// An extractor of the caller.
type Extract<T> = dyn Fn(&RawResponse) -> Result<ExtractedPage<T>, DecodeError> + Send;

/// Decodes a page by the paths of its spec: [`wire`], [`serde()`] or [`bytes()`]. The last argument is the maximum
/// number of items.
pub(crate) type ReadPage<T> = fn(&RawResponse, &ListSpec, usize) -> Page<T>;

/// How pages are decoded.
pub(super) enum Read<T> {
    Paths(ReadPage<T>),
    Own(Box<Extract<T>>),
}

impl<T> Read<T> {
    pub(super) fn page(&self, response: &RawResponse, spec: &ListSpec, most: usize) -> Page<T> {
        match self {
            _ if response.status() == 204 && spec.allows_no_content() => {
                Ok((Vec::new(), PageInfo { has_list: true, ..PageInfo::default() }))
            }
            _ if response.status() == 204 => {
                Err(DecodeError::not_a_page("it has no content (204), but a list was expected"))
            }
            Self::Paths(read) => read(response, spec, most),
            Self::Own(extract) => Ok(extract(response)?.read_from(response, spec)),
        }
    }
}

/// Decodes items as [`Wire`] types.
pub(crate) fn wire<T: Wire>(response: &RawResponse, spec: &ListSpec, most: usize) -> Page<T> {
    leniently(response, |body| read(body, spec, most, Element::<T>::new))
}

/// Decodes items of any type that implements `Deserialize`.
pub(crate) fn serde<T: DeserializeOwned + 'static>(
    response: &RawResponse,
    spec: &ListSpec,
    most: usize,
) -> Page<T> {
    let read = |body: &str| read(body, spec, most, || PhantomData::<T>);
    let (items, info) = leniently(response, read)?;
    if spec.has_objects()
        && let Some(at) = items.iter().position(|item| !may_be_object(item))
    {
        return Err(no_object(at));
    }
    Ok((items, info))
}

/// Reads items as slices of the body.
pub(crate) fn borrowed<'de>(
    response: &'de RawResponse,
    spec: &ListSpec,
    most: usize,
) -> Page<&'de RawValue> {
    let body = response.json_text()?;
    let (items, info) = read(body, spec, most, || PhantomData::<&'de RawValue>)?;
    if spec.has_objects()
        && let Some(at) = items.iter().position(|item| !item.get().starts_with('{'))
    {
        return Err(no_object(at));
    }
    Ok((items, info))
}

fn no_object(at: usize) -> DecodeError {
    DecodeError::new(format!("item {} is not a JSON object", at + 1))
}

/// Whether an item may come from a JSON object. Types other than `Value` and `RawValue` have checked that already.
fn may_be_object<T: 'static>(item: &T) -> bool {
    let item: &dyn Any = item;
    if let Some(raw) = item.downcast_ref::<Box<RawValue>>() {
        return raw.get().starts_with('{');
    }
    item.downcast_ref::<Value>().is_none_or(Value::is_object)
}

/// Takes the whole body as the only item of a page.
pub(crate) fn bytes(response: &RawResponse, _: &ListSpec, _: usize) -> Page<Bytes> {
    let info = PageInfo { items: 1, has_list: true, ..PageInfo::default() };
    Ok((vec![response.body().clone()], info))
}

/// Reads the body as JSON, and accepts unpaired surrogates in strings.
fn leniently<T>(response: &RawResponse, read: impl Fn(&str) -> Page<T>) -> Page<T> {
    let body = response.json_text()?;
    read(body).or_else(|error| reread(body, error, read))
}

fn read<'de, T, E>(body: &'de str, spec: &ListSpec, most: usize, element: fn() -> E) -> Page<T>
where
    E: DeserializeSeed<'de, Value = T>,
{
    let found = Found::default();
    let list = Items { most, found: &found, element };
    let page = read_list(body, spec, list, &found);
    match (page, found.flaw.get()) {
        (Err(_), Some(Flaw::TooManyItems)) => Err(DecodeError::too_many(most)),
        (Err(_), Some(Flaw::ListTwice)) => {
            Err(DecodeError::new(format!("the list `{}` occurs twice", spec.items())))
        }
        (Err(_), Some(Flaw::TokenTwice)) => {
            let token = spec.token_out().map_or("", NextToken::path);
            Err(DecodeError::new(format!("the token `{token}` occurs twice")))
        }
        (page, _) => page,
    }
}

fn read_list<'de, T, S>(body: &'de str, spec: &ListSpec, list: S, found: &Found) -> Page<T>
where
    S: DeserializeSeed<'de, Value = Option<Vec<T>>> + Copy,
{
    let mut info = PageInfo::default();
    let trimmed = body.trim_ascii();
    if trimmed.is_empty() {
        return Err(DecodeError::new("the response is empty"));
    }
    if trimmed == "null" {
        return Err(DecodeError::not_a_page("it is `null`"));
    }
    let advance = spec.scheme().spec().advance;
    let token = spec.token_out().map(NextToken::path);
    let mut json = serde_json::Deserializer::from_str(body);
    let (items, text) = if spec.items() == "[]" {
        if trimmed.starts_with('{') {
            return Err(no_page(trimmed, "a list"));
        }
        info.has_list = true;
        (list.deserialize(&mut json)?.unwrap_or_default(), Some(body))
    } else {
        let (mut text, mut is_page) = (None, false);
        let envelope = Envelope {
            body,
            spec,
            items: Some(spec.items()),
            // For windows, the token is a field of the last item.
            token: token.filter(|_| advance != Advance::Window),
            list,
            info: &mut info,
            text: &mut text,
            is_page: &mut is_page,
            has_token: &mut false,
            found,
        };
        let items = envelope.deserialize(&mut json)?;
        let is_legal = spec.allows_empty_object() && is_empty_object(trimmed);
        if !is_page && !is_legal {
            return Err(no_page(trimmed, &format!("a page with `{}`", spec.items())));
        }
        (items, text)
    };
    json.end()?;
    info.nulls = found.nulls.get();
    info.items = items.len() as u64 + info.nulls;
    if let Some(text) = text.filter(|_| !items.is_empty() && !matches!(advance, Advance::Once(_))) {
        info.fingerprint = Some(fingerprint(text));
        info.edges = Edges::of(text);
        if let (Advance::Window, Some(path)) = (advance, token) {
            info.token = last_key(text, spec, path);
        }
    }
    Ok((items, info))
}

fn is_empty_object(body: &str) -> bool {
    let inner = body.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| inner.trim_ascii().is_empty())
}

/// The error for an object without any field of a page.
fn no_page(body: &str, expected: &str) -> DecodeError {
    let found = field_names(body);
    let found = match &found[..] {
        [] => "an object without fields".to_owned(),
        names => format!("an object with `{}`", names.join("`, `")),
    };
    DecodeError::not_a_page(format!("it is {found}, but {expected} was expected"))
}

/// Whether a page without its list has another one under an undocumented name: the list may have been renamed.
pub(super) fn has_other_list(body: &str, spec: &ListSpec) -> bool {
    let mut level = body;
    for step in spec.items().split('.') {
        let Ok(mut fields) = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(level)
        else {
            return false;
        };
        let is_other = |(name, value): (&Cow<'_, str>, &&RawValue)| {
            let list = value.get().strip_prefix('[').map(str::trim_ascii_start);
            let has_items = list.is_some_and(|list| !list.starts_with(']'));
            has_items && name != step && !spec.is_page_field(name)
        };
        if fields.iter().any(is_other) {
            return true;
        }
        let Some(next) = fields.remove(step) else { return false };
        level = next.get();
    }
    false
}

/// The field names of an object, shortened and escaped for an error or report, since they come from the server.
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

/// A field of the last item of a list. Parses the list again, and is used only if the next page is requested by an
/// item.
fn last_key(text: &str, spec: &ListSpec, path: &str) -> Option<Token> {
    let list = text.get(text.find('[')?..)?;
    let mut lists = serde_json::Deserializer::from_str(list).into_iter::<Vec<&RawValue>>();
    let last = lists.next()?.ok()?.into_iter().rfind(|item| item.get() != "null")?;
    let (mut info, mut none) = (PageInfo::default(), None);
    let item = Envelope {
        body: last.get(),
        spec,
        items: None,
        token: Some(path),
        list: PhantomData::<Option<Vec<IgnoredAny>>>,
        info: &mut info,
        text: &mut none,
        is_page: &mut false,
        has_token: &mut false,
        found: &Found::default(),
    };
    item.deserialize(&mut serde_json::Deserializer::from_str(last.get())).ok()?;
    info.token
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "a record is made as generated code makes it")]
mod tests;
