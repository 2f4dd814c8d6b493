//! Traits for code that is generic over lists.

use futures::stream::TryStream;

use crate::call::OperationCall;
use crate::error::Error;
use crate::paging::{Batches, Pages, Paginator, Verdict};
use crate::windows::{WindowPages, Windows};

/// A list as a stream: of items ([`Paginator`], [`Windows`], [`Nested`](crate::Nested)), of pages ([`Pages`], [`WindowPages`]) or of
/// batches ([`Batches`]).
///
/// ```
/// use futures::TryStreamExt as _;
/// use genesys_cloud_core::{Error, List, Verdict};
///
/// async fn count<L: List + Unpin>(mut list: L) -> Result<(u64, Verdict), Error> {
///     while list.try_next().await?.is_some() {}
///     Ok((list.items_read(), list.verdict()))
/// }
/// ```
pub trait List: TryStream<Error = Error> {
    /// Returns whether the items are the whole list. Before the end it is [`Verdict::Unknown`].
    fn verdict(&self) -> Verdict;

    /// Returns the number of items that the stream has yielded.
    fn items_read(&self) -> u64;
}

/// A call that reads a list, or submits a job whose results are a list.
///
/// ```
/// use genesys_cloud_core::{Error, Paged};
///
/// async fn all<C: Paged>(call: C) -> Result<Vec<C::Item>, Error> {
///     let mut items = call.paginate();
///     let mut all = Vec::new();
///     while let Some(item) = items.try_next().await? {
///         all.push(item);
///     }
///     Ok(all)
/// }
/// ```
pub trait Paged: OperationCall {
    /// The type of the items.
    type Item;

    /// Returns the list as a stream of items. Nothing is sent before the first poll.
    fn paginate(self) -> Paginator<Self::Item>;
}

macro_rules! list {
    ($($list:ident)*) => {
        $(impl<T> List for $list<T> {
            fn verdict(&self) -> Verdict {
                self.report().verdict()
            }

            fn items_read(&self) -> u64 {
                self.report().items
            }
        })*
    };
}

list! { Paginator Pages Batches Windows WindowPages }
