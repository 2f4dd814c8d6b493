//! Finds which records that the API returns convert into the records that it takes, so that a caller can read an
//! entity, change it and send it back.
//!
//! The rule: a PUT or PATCH takes a record, and the GET of the same path returns another record with all of its fields,
//! by wire name and with compatible types. Fields that the body lacks are read-only. Nested records follow the same
//! rule.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::document::Method;
use crate::model::{Bound, Field, Model, Output, TypeModel, TypeShape};
use crate::progenitor::RustType;

/// A conversion from one record to another.
pub(crate) struct Conversion {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The group of both records or of one of them; `None` if all groups share them.
    pub(crate) home: Option<String>,
    /// The fields, each with its conversion if the types differ.
    pub(crate) fields: Vec<(String, Option<String>)>,
}

type Pair = (String, String);

/// Returns all conversions of a model, sorted by type.
pub(crate) fn conversions(model: &Model) -> Vec<Conversion> {
    let types = Types::of(model);
    let wanted = pairs(model, &types);
    let mut plans: BTreeMap<Pair, Option<Plan>> = BTreeMap::new();
    let mut ahead: Vec<Pair> = wanted.iter().cloned().collect();
    while let Some(pair) = ahead.pop() {
        if let Entry::Vacant(entry) = plans.entry(pair) {
            let plan = types.plan(entry.key());
            ahead.extend(plan.iter().flat_map(|plan| plan.within.iter().cloned()));
            entry.insert(plan);
        }
    }
    // A record can't be converted if one of its nested records can't.
    loop {
        let stuck: Vec<Pair> = plans
            .iter()
            .filter(|(_, plan)| {
                let within = plan.iter().flat_map(|plan| &plan.within);
                within.into_iter().any(|pair| plans[pair].is_none())
            })
            .map(|(pair, _)| pair.clone())
            .collect();
        if stuck.is_empty() {
            break;
        }
        plans.extend(stuck.into_iter().map(|pair| (pair, None)));
    }
    // Drop conversions that only those records needed.
    let mut kept: BTreeSet<Pair> = BTreeSet::new();
    let mut ahead: Vec<Pair> = wanted.into_iter().collect();
    while let Some(pair) = ahead.pop() {
        if let Some(Some(plan)) = plans.get(&pair)
            && kept.insert(pair)
        {
            ahead.extend(plan.within.iter().cloned());
        }
    }
    let conversion = |pair: Pair| {
        let plan = plans.remove(&pair)??;
        let home = types.homes[&pair.0].or(types.homes[&pair.1]).map(str::to_owned);
        Some(Conversion { from: pair.0, to: pair.1, home, fields: plan.fields })
    };
    kept.into_iter().filter_map(conversion).collect()
}

/// The pairs of what a GET returns and what the PUT or PATCH of the same path takes.
fn pairs(model: &Model, types: &Types<'_>) -> BTreeSet<Pair> {
    let returned: BTreeMap<&str, &str> = model
        .operations()
        .filter(|(_, bound)| bound.operation.method == Method::Get)
        .filter_map(|(_, bound)| Some((bound.operation.path.as_str(), returned(bound)?)))
        .collect();
    model
        .operations()
        .filter(|(_, bound)| matches!(bound.operation.method, Method::Put | Method::Patch))
        .filter_map(|(_, bound)| {
            let from = types.resolve(returned.get(bound.operation.path.as_str())?);
            let to = types.resolve(taken(bound)?);
            (from != to).then(|| (from.to_owned(), to.to_owned()))
        })
        .collect()
}

fn returned(bound: &Bound) -> Option<&str> {
    match &bound.output {
        Output::Value(RustType::Named(name)) | Output::Optional(RustType::Named(name)) => {
            Some(name)
        }
        _ => None,
    }
}

fn taken(bound: &Bound) -> Option<&str> {
    match &bound.body {
        Some((RustType::Named(name), _)) => Some(name),
        _ => None,
    }
}

/// How to convert a record.
struct Plan {
    fields: Vec<(String, Option<String>)>,
    /// The nested records to convert as well.
    within: BTreeSet<Pair>,
}

struct Types<'a> {
    shapes: BTreeMap<&'a str, &'a TypeShape>,
    homes: BTreeMap<String, Option<&'a str>>,
}

impl<'a> Types<'a> {
    fn of(model: &'a Model) -> Self {
        let in_groups = model
            .groups
            .values()
            .flat_map(|group| group.types.iter().map(|it| (it, Some(group.name.as_str()))));
        let all: Vec<(&TypeModel, Option<&str>)> =
            in_groups.chain(model.common.iter().map(|it| (it, None))).collect();
        Self {
            shapes: all.iter().map(|(it, _)| (it.name.as_str(), &it.shape)).collect(),
            homes: all.iter().map(|(it, home)| (it.name.clone(), *home)).collect(),
        }
    }

    /// Resolves an alias.
    fn resolve<'b>(&'b self, name: &'b str) -> &'b str {
        match self.shapes.get(name) {
            Some(TypeShape::Alias(of)) => of,
            _ => name,
        }
    }

    /// Plans the conversion, if every field has a source.
    fn plan(&self, (from, to): &Pair) -> Option<Plan> {
        let (TypeShape::Record(from), TypeShape::Record(to)) =
            (self.shapes.get(from.as_str())?, self.shapes.get(to.as_str())?)
        else {
            return None;
        };
        let sources: BTreeMap<&str, &Field> =
            from.iter().map(|it| (it.wire.as_str(), it)).collect();
        let mut within = BTreeSet::new();
        let fields = to
            .iter()
            .map(|field| {
                let source = sources.get(field.wire.as_str())?;
                // Two wire names may have the same Rust name with a numeric suffix.
                if source.name != field.name {
                    return None;
                }
                let how = self.how(&source.kind, &field.kind, &mut within)?;
                Some((field.name.clone(), Some(how).filter(|how| how != "same")))
            })
            .collect::<Option<Vec<_>>>()?;
        (!fields.is_empty()).then_some(Plan { fields, within })
    }

    /// How to convert a value; `None` if the types are incompatible.
    fn how(&self, from: &RustType, to: &RustType, within: &mut BTreeSet<Pair>) -> Option<String> {
        let mut wrapped = |how: &str, from: &RustType, to: &RustType| {
            let inner = self.how(from, to, within)?;
            let is_list = matches!(how, "list" | "map");
            Some(if is_list && inner == "same" { inner } else { format!("{how}({inner})") })
        };
        match (from, to) {
            _ if self.is_same(from, to) => Some("same".to_owned()),
            (RustType::Boxed(from), RustType::Boxed(to)) => {
                let inner = wrapped("boxed", from, to)?;
                Some(format!("unboxed({inner})"))
            }
            (RustType::Boxed(from), to) => wrapped("unboxed", from, to),
            (from, RustType::Boxed(to)) => wrapped("boxed", from, to),
            (RustType::List(from), RustType::List(to)) => wrapped("list", from, to),
            (RustType::Map(from), RustType::Map(to)) => wrapped("map", from, to),
            (RustType::Named(from), RustType::Named(to)) => {
                let (from, to) = (self.resolve(from), self.resolve(to));
                match (self.shapes.get(from)?, self.shapes.get(to)?) {
                    (TypeShape::Record(_), TypeShape::Record(_)) => {
                        within.insert((from.to_owned(), to.to_owned()));
                        Some("into".to_owned())
                    }
                    (TypeShape::Enum(_), TypeShape::Enum(_)) => Some("text".to_owned()),
                    _ => None,
                }
            }
            (RustType::Text, RustType::Named(name)) | (RustType::Named(name), RustType::Text) => {
                let shape = self.shapes.get(self.resolve(name))?;
                matches!(shape, TypeShape::Enum(_)).then(|| "text".to_owned())
            }
            _ => None,
        }
    }

    fn is_same(&self, one: &RustType, other: &RustType) -> bool {
        match (one, other) {
            (RustType::Named(one), RustType::Named(other)) => {
                self.resolve(one) == self.resolve(other)
            }
            (RustType::Boxed(one), RustType::Boxed(other))
            | (RustType::List(one), RustType::List(other))
            | (RustType::Map(one), RustType::Map(other)) => self.is_same(one, other),
            (one, other) => one == other,
        }
    }
}
