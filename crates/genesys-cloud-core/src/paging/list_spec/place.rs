//! Where requests and responses have page numbers, tokens and links.

use std::borrow::Cow;

use super::Text;
use crate::request::Request;

/// A location in a request: a query parameter or a field of the body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ParamLocation {
    name: Text,
    pub(super) in_body: bool,
}

impl ParamLocation {
    /// Creates the location of a query parameter.
    pub const fn query(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), in_body: false }
    }

    /// Creates the location of a body field at this path: names joined by dots, such as `paging.pageNumber`.
    pub const fn body(path: &'static str) -> Self {
        Self { name: Cow::Borrowed(path), in_body: true }
    }

    /// Creates a location from a name known only at run time.
    pub fn new(name: impl Into<Cow<'static, str>>, in_body: bool) -> Self {
        Self { name: name.into(), in_body }
    }

    /// Returns the name of the parameter, or the path of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether it is a field of the body.
    pub const fn is_in_body(&self) -> bool {
        self.in_body
    }

    /// Writes a text there.
    pub(crate) fn write(&self, request: &mut Request, text: &str) {
        match self.in_body {
            false => request.set_query(self.name.clone(), text),
            true => request.set_body_field(&self.pointer(), text),
        };
    }

    /// The path as a JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        format!("/{}", self.name.replace('~', "~0").replace('/', "~1").replace('.', "/"))
    }
}

/// Where a response has the token or link for the next page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NextToken {
    field: Text,
    form: TokenForm,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum TokenForm {
    Bare,
    Link,
    /// A parameter of a link: with this name, or else with the name of the request parameter.
    InLink(Option<Text>),
}

impl NextToken {
    /// Takes the token from a field, a string or an integer, at a path of names joined by dots, such as
    /// `cursors.after`. The page is the last if the field is missing, `null`, `false` or empty; anything else is an
    /// error.
    pub const fn field(path: &'static str) -> Self {
        Self { field: Cow::Borrowed(path), form: TokenForm::Bare }
    }

    /// Follows the link in a field as it is.
    pub const fn link(path: &'static str) -> Self {
        Self { field: Cow::Borrowed(path), form: TokenForm::Link }
    }

    /// Takes the token from the query of a link in a field. It has the name of the request parameter there.
    pub const fn in_link(path: &'static str) -> Self {
        Self { field: Cow::Borrowed(path), form: TokenForm::InLink(None) }
    }

    /// Takes the token from the query of a link in a field, under another name than that of the request parameter.
    pub const fn named_in_link(path: &'static str, parameter: &'static str) -> Self {
        let parameter = Some(Cow::Borrowed(parameter));
        Self { field: Cow::Borrowed(path), form: TokenForm::InLink(parameter) }
    }

    /// Replaces the path of the field with one known only at run time.
    #[must_use]
    pub fn at(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.field = path.into();
        self
    }

    /// Takes the token from the link's query, under a name known only at run time.
    #[must_use]
    pub fn named(mut self, parameter: impl Into<Cow<'static, str>>) -> Self {
        self.form = TokenForm::InLink(Some(parameter.into()));
        self
    }

    /// Returns the path of the field.
    pub fn path(&self) -> &str {
        &self.field
    }

    /// Whether the field is a link that is followed as it is.
    pub(in crate::paging) fn is_whole_link(&self) -> bool {
        self.form == TokenForm::Link
    }

    /// The name of the token in the link. `None` if the field is not a link to take a token from.
    pub(in crate::paging) fn name_in_link<'a>(
        &'a self,
        place: &'a ParamLocation,
    ) -> Option<&'a str> {
        match &self.form {
            TokenForm::InLink(name) => Some(name.as_deref().unwrap_or(place.name())),
            TokenForm::Bare | TokenForm::Link => None,
        }
    }
}
