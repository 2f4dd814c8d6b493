//! Reads the lists of all parents, and adds the values of its parent to each record.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures::StreamExt as _;
use genesys_cloud_core::{
    Checkpoint, Error, Nested, NestedItem, NestedReport, Paginator, RawItem, Request, Resumable,
    SavedJob, Windows, lenient,
};
use serde_json::value::RawValue;

use super::added_fields::AddedFields;
use super::binding::{Binding, Origin, Scalar};
use super::source::Tree;

/// A parent: a record, a record with its own parent, or a row of a file.
pub(super) trait Parent: Send + Sync + 'static {
    /// Returns the value of a binding. `None` if the parent has none.
    fn value(&self, origin: &Origin) -> Option<Scalar>;
}

impl Parent for RawItem {
    fn value(&self, origin: &Origin) -> Option<Scalar> {
        match origin {
            Origin::Field(0, path) => {
                let json = self.json().ok()?.get();
                Scalar::of_json(lenient::at(json, &format!("/{}", path.replace('.', "/")))?)
            }
            Origin::Value(value) => Some(value.clone()),
            Origin::Field(..) | Origin::Column(_) => None,
        }
    }
}

impl Parent for Vec<Scalar> {
    fn value(&self, origin: &Origin) -> Option<Scalar> {
        match origin {
            Origin::Column(at) => self.get(*at).cloned(),
            Origin::Value(value) => Some(value.clone()),
            Origin::Field(..) => None,
        }
    }
}

impl<P: Parent> Parent for NestedItem<P, RawItem> {
    fn value(&self, origin: &Origin) -> Option<Scalar> {
        match origin {
            Origin::Field(0, _) => self.item.value(origin),
            Origin::Field(level, path) => {
                self.parent.value(&Origin::Field(level - 1, path.clone()))
            }
            origin => self.parent.value(origin),
        }
    }
}

/// The lists of all parents.
pub(super) trait Branches: Send {
    /// The next record, with the values of its parent and all other added fields.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        added: &AddedFields,
    ) -> Poll<Option<Result<Keyed, Error>>>;
    fn report(&self) -> NestedReport;
    fn jobs(&self) -> Vec<SavedJob>;
    fn checkpoint(&self) -> Result<Checkpoint, Error>;
    fn checkpoint_with_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Error>;
}

/// A record, or an error of reading it as JSON.
pub(super) type Keyed = Result<Box<RawValue>, String>;

/// Parents of any kind, to read a list for each of them.
pub(super) trait Outer<P: Parent> {
    fn read(self, list: impl Fn(&P) -> Paginator<RawItem> + Send + 'static) -> Nested<P, RawItem>;
}

impl Outer<RawItem> for Paginator<RawItem> {
    fn read(
        self,
        list: impl Fn(&RawItem) -> Paginator<RawItem> + Send + 'static,
    ) -> Nested<RawItem, RawItem> {
        self.nest(list)
    }
}

impl Outer<RawItem> for Windows<RawItem> {
    fn read(
        self,
        list: impl Fn(&RawItem) -> Paginator<RawItem> + Send + 'static,
    ) -> Nested<RawItem, RawItem> {
        self.nest(list)
    }
}

impl Outer<Vec<Scalar>> for Vec<Vec<Scalar>> {
    fn read(
        self,
        list: impl Fn(&Vec<Scalar>) -> Paginator<RawItem> + Send + 'static,
    ) -> Nested<Vec<Scalar>, RawItem> {
        Nested::of(self, list)
    }
}

impl<P: Parent> Outer<NestedItem<P, RawItem>> for Nested<P, RawItem> {
    fn read(
        self,
        list: impl Fn(&NestedItem<P, RawItem>) -> Paginator<RawItem> + Send + 'static,
    ) -> Nested<NestedItem<P, RawItem>, RawItem> {
        self.nest(list)
    }
}

/// Reads a list for each parent, with the parameters that it sets.
pub(super) fn nested<P: Parent>(
    parents: impl Outer<P>,
    tree: &Tree,
    request: Request,
    make: impl Fn(Request) -> Paginator<RawItem> + Send + 'static,
) -> Nested<P, RawItem> {
    let bindings = tree.bindings.clone();
    let nested = parents.read(move |parent: &P| {
        let mut request = request.clone();
        for binding in &bindings {
            binding.set(&mut request, parent.value(&binding.origin).as_ref());
        }
        make(request)
    });
    nested
        .concurrency(tree.concurrency)
        .on_not_found(tree.on_missing)
        .on_forbidden(tree.on_forbidden)
}

/// Lists whose records get the values of their parent.
pub(super) struct KeyedLists<P> {
    nested: Nested<P, RawItem>,
    bindings: Vec<Binding>,
    /// The parent of the last record, and its values as fields of a record.
    last: Option<(Arc<P>, String)>,
}

impl<P: Parent> KeyedLists<P> {
    pub(super) fn new(
        nested: Nested<P, RawItem>,
        tree: &Tree,
        (limit, from): (Option<u64>, Option<&Checkpoint>),
    ) -> Self {
        let nested = match limit {
            Some(limit) => nested.limit(usize::try_from(limit).unwrap_or(usize::MAX)),
            None => nested,
        };
        let nested = match from {
            Some(from) => nested.resume(from),
            None => nested,
        };
        Self { nested, bindings: tree.bindings.clone(), last: None }
    }

    fn keyed(&mut self, item: NestedItem<P, RawItem>, added: &AddedFields) -> Keyed {
        let NestedItem { parent, item, .. } = item;
        if self.last.as_ref().is_none_or(|(last, _)| !Arc::ptr_eq(last, &parent)) {
            let fields = fields(&self.bindings, &*parent);
            self.last = Some((parent, fields));
        }
        let fields = self.last.as_ref().map(|(_, fields)| &**fields).unwrap_or_default();
        let record = item.json().map_err(|error| error.to_string())?;
        RawValue::from_string(added.add(fields, record.get())).map_err(|error| error.to_string())
    }
}

impl<P: Parent> Branches for KeyedLists<P> {
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        added: &AddedFields,
    ) -> Poll<Option<Result<Keyed, Error>>> {
        self.nested.poll_next_unpin(cx).map(|next| Some(next?.map(|item| self.keyed(item, added))))
    }

    fn report(&self) -> NestedReport {
        self.nested.report()
    }

    fn jobs(&self) -> Vec<SavedJob> {
        Resumable::jobs(&self.nested)
    }

    fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.nested.checkpoint()
    }

    fn checkpoint_with_jobs(&self, earlier: &Checkpoint) -> Result<Checkpoint, Error> {
        self.nested.checkpoint_with_jobs(earlier)
    }
}

/// Returns the values of a parent as fields of a JSON object.
fn fields(bindings: &[Binding], parent: &impl Parent) -> String {
    let fields = bindings.iter().map(|binding| {
        let value = parent.value(&binding.origin).map(|value| value.json);
        format!("{}:{}", binding.json_name, value.as_deref().unwrap_or("null"))
    });
    fields.collect::<Vec<_>>().join(",")
}
