//! What the macros of generated code expand to. Not part of the public API.

use std::borrow::Borrow;

use crate::call::Call;
use crate::client::Client;
use crate::operation::Operation;
use crate::paging::{Listing, Paginator};
use crate::param::Param;
use crate::wire::{Wire, Written};

pub use crate::wire::{
    EnumForm, Form, Generated, ReadFields, RecordForm, ShowFields, debug_record,
};
#[cfg(feature = "schemars")]
pub use crate::wire::{FieldSchema, open_enum_schema, record_schema};
#[cfg(feature = "schemars")]
pub use schemars;
pub use serde;

/// A call of an operation with nothing set.
pub fn call<T>(client: &Client, operation: Operation) -> Call<T> {
    Call::new(client, operation)
}

/// What the arguments and setters of generated code come down to: one call each, since the compiler
/// checks some 7,000 of them.
#[doc(hidden)]
impl<T> Call<T> {
    pub fn with_path<P: Param>(mut self, name: &'static str, value: impl Into<P>) -> Self {
        self.request_mut().set_path(name, value.into());
        self
    }

    pub fn with_query<P: Param>(mut self, name: &'static str, value: impl Into<P>) -> Self {
        self.request_mut().set_query(name, value.into());
        self
    }

    pub fn with_each<P: Param>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = impl Into<P>>,
    ) -> Self {
        self.request_mut().set_query_each(name, values.into_iter().map(Into::into));
        self
    }

    pub fn with_joined<P: Param>(
        mut self,
        name: &'static str,
        separator: char,
        values: impl IntoIterator<Item = impl Into<P>>,
    ) -> Self {
        let values = values.into_iter().map(Into::into);
        self.request_mut().set_query_joined(name, separator, values);
        self
    }

    pub fn with_header<P: Param>(mut self, name: &'static str, value: impl Into<P>) -> Self {
        self.request_mut().set_header(name, value.into());
        self
    }

    pub fn with_body<B: Wire>(mut self, body: impl Borrow<B>) -> Self {
        self.request_mut().set_body(&Written(body.borrow()));
        self
    }
}

/// The items that an operation lists.
pub fn paginate<T: Wire, O>(call: Call<O>, listing: Listing) -> Paginator<T> {
    Paginator::known(call, listing)
}
