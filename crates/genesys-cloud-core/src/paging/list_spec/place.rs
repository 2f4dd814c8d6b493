//! Where requests and responses have what leads from page to page.

use std::borrow::Cow;

use super::Text;
use crate::request::Request;

/// A place in a request: a query parameter, or a field of the body.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ParamLocation {
    name: Text,
    pub(super) in_body: bool,
}

impl ParamLocation {
    /// The query parameter of this name.
    pub const fn query(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), in_body: false }
    }

    /// The field of the body at this path: names joined by dots, such as `paging.pageNumber`.
    pub const fn body(path: &'static str) -> Self {
        Self { name: Cow::Borrowed(path), in_body: true }
    }

    /// A place that is known at run time only.
    pub fn new(name: impl Into<Cow<'static, str>>, in_body: bool) -> Self {
        Self { name: name.into(), in_body }
    }

    /// The name of the parameter, or the path of the field.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a field of the body.
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

/// Where a response has what leads to the next page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NextToken {
    field: Text,
    form: TokenForm,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum TokenForm {
    Bare,
    Link,
    /// The token is a parameter of a link: of this name, or of the one that it goes to.
    InLink(Option<Text>),
}

impl NextToken {
    /// A field that is the token, a text or an integer: names joined by dots, such as `cursors.after`.
    /// Where it is missing, `null`, `false` or empty, the page is the last; anything else is an error.
    pub const fn field(path: &'static str) -> Self {
        Self { field: Cow::Borrowed(path), form: TokenForm::Bare }
    }

    /// A field that links to the next page. The link is followed as a whole.
    pub const fn link(path: &'static str) -> Self {
        Self { field: Cow::Borrowed(path), form: TokenForm::Link }
    }

    /// A field that links to the next page. The token is taken out of the link's query, where it has
    /// the name of the parameter that it goes to.
    pub const fn in_link(path: &'static str) -> Self {
        Self { field: Cow::Borrowed(path), form: TokenForm::InLink(None) }
    }

    /// The same, where the token has a name of its own in the link.
    pub const fn named_in_link(path: &'static str, parameter: &'static str) -> Self {
        let parameter = Some(Cow::Borrowed(parameter));
        Self { field: Cow::Borrowed(path), form: TokenForm::InLink(parameter) }
    }

    /// The same form at a path that is known at run time only.
    #[must_use]
    pub fn at(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.field = path.into();
        self
    }

    /// The same link, in whose query the token has a name that is known at run time only.
    #[must_use]
    pub fn named(mut self, parameter: impl Into<Cow<'static, str>>) -> Self {
        self.form = TokenForm::InLink(Some(parameter.into()));
        self
    }

    /// The path of the field.
    pub fn path(&self) -> &str {
        &self.field
    }

    /// Whether the field is a link that is followed as a whole.
    pub(in crate::paging) fn is_whole_link(&self) -> bool {
        self.form == TokenForm::Link
    }

    /// The name that the token for a place has in the link. `None` where the field is no link.
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
