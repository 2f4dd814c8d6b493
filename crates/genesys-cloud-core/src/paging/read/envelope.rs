//! The JSON object that contains a page.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected,
    Visitor,
};

use super::AVAILABLE_UNTIL;
use crate::paging::cursor_state::{PageInfo, Token};
use crate::paging::items::{Flaw, Found};
use crate::paging::list_spec::ListSpec;
use crate::paging::scalar::Scalar;

/// Reads an object on the path to the items or the token, and the counts next to them.
pub(super) struct Envelope<'a, 'de, S> {
    pub(super) body: &'de str,
    pub(super) spec: &'a ListSpec,
    /// The path to the items from here, if they are below.
    pub(super) items: Option<&'a str>,
    /// The path to the token from here, if it is below.
    pub(super) token: Option<&'a str>,
    pub(super) list: S,
    pub(super) info: &'a mut PageInfo,
    /// The text from the list on. It may extend beyond the list.
    pub(super) text: &'a mut Option<&'de str>,
    /// Whether a field of a page was found.
    pub(super) is_page: &'a mut bool,
    pub(super) has_token: &'a mut bool,
    pub(super) found: &'a Found,
}

impl<'de, T, S> DeserializeSeed<'de> for Envelope<'_, 'de, S>
where
    S: DeserializeSeed<'de, Value = Option<Vec<T>>> + Copy,
{
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T, S> Visitor<'de> for Envelope<'_, 'de, S>
where
    S: DeserializeSeed<'de, Value = Option<Vec<T>>> + Copy,
{
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.items.or(self.token).unwrap_or_default())
    }

    fn visit_unit<E>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Vec<T>, E> {
        if value || self.items.is_some() {
            self.no_object(Unexpected::Bool(value))
        } else {
            Ok(Vec::new())
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Vec<T>, E> {
        self.no_object(Unexpected::Unsigned(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Vec<T>, E> {
        self.no_object(Unexpected::Signed(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Vec<T>, E> {
        self.no_object(Unexpected::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Vec<T>, E> {
        if self.items.is_none() && value.trim().is_empty() {
            return Ok(Vec::new());
        }
        self.no_object(Unexpected::Str(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        if self.items.is_none() && seq.next_element::<IgnoredAny>()?.is_none() {
            return Ok(Vec::new());
        }
        let none = self.no_object(Unexpected::Seq)?;
        IgnoredAny.visit_seq(seq).map(|_| none)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        let Self { body, spec, items: items_path, token: token_path, list, info, text, .. } = self;
        let (is_page, has_token, found) = (self.is_page, self.has_token, self.found);
        let mut items = Vec::new();
        // Where the list begins in the body, set between the list and the next field. The text of the list is that
        // between the two names. Borrowing it as raw text first would take a second pass.
        let mut list_begin = None;
        while let Some(name) = map.next_key_seed(Name)? {
            let at = offset(body, &name);
            if let Some(begin) = list_begin.take() {
                *text = at.and_then(|end| body.get(begin..end));
            }
            let (items_here, token_here) = (
                items_path.and_then(|path| below(path, &name)),
                token_path.and_then(|path| below(path, &name)),
            );
            match (items_here, token_here) {
                (Some(""), _) => {
                    if std::mem::replace(&mut info.has_list, true) {
                        found.flaw.set(Some(Flaw::ListTwice));
                        return Err(A::Error::custom("the list occurs twice"));
                    }
                    *is_page = true;
                    items = map.next_value_seed(list)?.unwrap_or_default();
                    (list_begin, *text) = (at.map(|at| at + name.len()), None);
                }
                (_, Some("")) => {
                    if std::mem::replace(has_token, true) {
                        found.flaw.set(Some(Flaw::TokenTwice));
                        return Err(A::Error::custom("the token occurs twice"));
                    }
                    *is_page = true;
                    info.token = map.next_value::<Scalar<'_>>()?.token();
                }
                (None, None) => {
                    *is_page = *is_page || spec.is_page_field(&name);
                    match info.count(&name) {
                        Some(count) => *count = map.next_value::<Scalar<'_>>()?.count(),
                        None if name == AVAILABLE_UNTIL => {
                            info.available_until = map.next_value::<Scalar<'_>>()?.instant();
                        }
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                (items_below, token_below) => {
                    // The object that contains the list is a page only if it has a field of a page itself.
                    *is_page = *is_page || items_below.is_none();
                    let inner = Envelope {
                        body,
                        spec,
                        items: items_below,
                        token: token_below,
                        list,
                        info: &mut *info,
                        text: &mut *text,
                        is_page: &mut *is_page,
                        has_token: &mut *has_token,
                        found,
                    };
                    let inner = map.next_value_seed(inner)?;
                    if items_below.is_some() {
                        items = inner;
                        // The list was the last field there, so its text ends at the next field here.
                        let open = text.filter(|text| body.ends_with(*text));
                        list_begin = open.map(|text| body.len() - text.len());
                    }
                }
            }
        }
        if let Some(begin) = list_begin {
            *text = body.get(begin..);
        }
        Ok(items)
    }
}

impl<S> Envelope<'_, '_, S> {
    /// A value other than an object has no items, an error if they are expected here, and no usable token.
    fn no_object<'de, T, E: de::Error>(self, found: Unexpected<'_>) -> Result<Vec<T>, E>
    where
        S: DeserializeSeed<'de, Value = Option<Vec<T>>>,
    {
        match self.items {
            Some(path) => {
                let expected = format!("an object with `{path}`");
                Err(E::invalid_type(found, &expected.as_str()))
            }
            None => {
                self.info.token = Some(Token::Odd);
                Ok(Vec::new())
            }
        }
    }
}

/// The rest of a path below a field of this name, empty if the path ends there. `None` if the field is not on the path.
fn below<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(name)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

impl PageInfo {
    /// The count with this field name.
    fn count(&mut self, name: &str) -> Option<&mut Option<u64>> {
        match name {
            "pageNumber" => Some(&mut self.page_number),
            "pageCount" => Some(&mut self.page_count),
            "pageSize" | "itemsPerPage" => Some(&mut self.page_size),
            "total" | "totalHits" | "totalResults" => Some(&mut self.total),
            "startIndex" => Some(&mut self.start_index),
            _ => None,
        }
    }
}

/// The offset of a slice of the body. `None` for a name with escapes, which was copied.
fn offset(body: &str, part: &str) -> Option<usize> {
    let offset = part.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
    body.get(offset..)?.starts_with(part).then_some(offset)
}

/// Reads the name of a field.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
