//! What the macros of generated code expand to. Not part of the public API.

use crate::call::Call;
use crate::paging::{Listing, Paginator};
use crate::wire::{Wire, Written};

pub use crate::wire::{
    EnumForm, Form, Generated, ReadFields, RecordForm, ShowFields, debug_record,
};
#[cfg(feature = "schemars")]
pub use crate::wire::{FieldSchema, open_enum_schema, record_schema};
#[cfg(feature = "schemars")]
pub use schemars;
pub use serde;

/// Sets the body of a call.
pub fn set_body<T, B: Wire>(call: &mut Call<T>, body: &B) {
    call.request_mut().set_body(&Written(body));
}

/// The items that an operation lists.
pub fn paginate<T: Wire, O>(call: Call<O>, listing: Listing) -> Paginator<T> {
    Paginator::known(call, listing)
}
