//! The parents of a list that is read once for each of them: where they come from, and which parameters they set.

use genesys_cloud_catalogue::tags::ParentList;
use genesys_cloud_catalogue::{Location, Operation as Entry, Parameter, Schema};
use genesys_cloud_core::specs::OperationKind;
use genesys_cloud_sinks::{Column, ColumnKind, Columns, properties};

use super::binding::{Binding, Origin, Scalar};
use super::parents_file::{ParentsFile, is_file};
use super::source::{Call, Parents, Rows, Source, Tree};
use crate::capabilities;
use crate::failure::Failure;
use crate::record;
use crate::resolve;
use crate::settings::{ExportSettings, TreeSettings};

/// Maximum number of lists of parents, each the parents of the next.
const MOST_LEVELS: usize = 2;

/// Maximum number of fields in a message.
const MOST_NAMED: usize = 12;

/// One list of parents, from the command line.
enum Level {
    File(ParentsFile),
    List(&'static Entry),
}

impl Level {
    fn new(name: &str) -> Result<Self, Failure> {
        match is_file(name) {
            true => ParentsFile::read(name).map(Self::File),
            false => resolve::operation(name).map(Self::List),
        }
    }

    fn entry(&self) -> Option<&'static Entry> {
        match self {
            Self::List(entry) => Some(entry),
            Self::File(_) => None,
        }
    }
}

/// Everything that the lists of parents share.
struct Levels<'a> {
    settings: &'a ExportSettings,
    tree: &'a TreeSettings,
    levels: Vec<Level>,
}

/// Plans the parents of an operation. `None` if it has none.
pub(super) fn plan(
    settings: &ExportSettings,
    (entry, kind): (&'static Entry, &OperationKind),
) -> Result<Option<Tree>, Failure> {
    let Some(tree) = &settings.tree else { return Ok(None) };
    if capabilities::files(kind).is_some() {
        return Err(Failure::usage(format!(
            "--for-each: the results of {} are files, which belong to no parent",
            entry.id
        )));
    }
    if tree.parents.len() > MOST_LEVELS {
        return Err(Failure::usage("--for-each can be given twice at most")
            .advise("export the outer lists to a file, and read on with --for-each FILE"));
    }
    let levels = tree.parents.iter().map(|name| Level::new(name)).collect::<Result<_, _>>()?;
    let levels = Levels { settings, tree, levels };
    levels.check_params()?;
    levels.check_names(entry)?;
    let given = &settings.call.params;
    levels.tree_of(levels.levels.len(), entry, (given, record::item(entry, kind))).map(Some)
}

impl Levels<'_> {
    /// Plans the parents of a list: the innermost of the first `count` levels, and its own parents.
    fn tree_of(
        &self,
        count: usize,
        entry: &'static Entry,
        (given, item): (&[(String, String)], Option<&Schema>),
    ) -> Result<Tree, Failure> {
        let outer = count - 1;
        let mut bindings = Vec::new();
        let parents = match &self.levels[outer] {
            Level::File(file) if outer == 0 => {
                let (found, rows) = self.bound_to_file(entry, (given, item), file)?;
                bindings = found;
                Parents::File(Rows { name: file.name().to_owned(), rows })
            }
            Level::File(_) => {
                return Err(Failure::usage("--for-each: a file comes first, as the outermost"));
            }
            Level::List(parent) => Parents::List(Box::new(self.source(outer, parent)?)),
        };
        if let Parents::List(source) = &parents {
            bindings = self.bound_to_list(entry, (given, item), source)?;
        }
        if bindings.is_empty() {
            return Err(nothing_bound(entry));
        }
        let TreeSettings { concurrency, on_missing, on_forbidden, .. } = self.tree.clone();
        Ok(Tree { parents, bindings, concurrency, on_missing, on_forbidden })
    }

    /// Plans a list of parents.
    fn source(&self, at: usize, entry: &'static Entry) -> Result<Source, Failure> {
        let takes_interval = |entry: &'static Entry| {
            let kind = Source::kind(entry);
            kind.is_ok_and(|kind| capabilities::interval(&kind, entry).is_ok_and(|it| it.is_some()))
        };
        // The interval is of the first list that takes one, or else refused by the innermost.
        let last = self.levels.len() - 1;
        let entries = self.levels.iter().map(Level::entry);
        let ranged = entries.map(|it| it.is_some_and(takes_interval)).position(|it| it);
        let range = self.settings.range.as_ref().filter(|_| at == ranged.unwrap_or(last));
        let takes_body =
            self.levels.iter().position(|it| it.entry().is_some_and(|it| it.body.is_some()));
        let body = self.tree.body.as_ref().filter(|_| at == takes_body.unwrap_or(last));
        let params = self.params(at);
        let kind = Source::kind(entry)?;
        let tree = match at {
            0 => None,
            at => Some(self.tree_of(at, entry, (&params, record::item(entry, &kind)))?),
        };
        let call = Call { params, body, range };
        let source = Source::of_parents(self.settings, entry, call, tree);
        match outer_of(entry).filter(|_| at == 0 && self.levels.len() < MOST_LEVELS) {
            Some((name, list)) => source.map_err(|failure| {
                failure.advise(format!("to set `{name}` from a list, put --for-each {list} first"))
            }),
            None => source,
        }
    }

    /// Returns the level whose list has a parameter of `--for-each-param`, and its plain name.
    fn level_of<'n>(&self, name: &'n str) -> (Option<usize>, &'n str) {
        if let Some((at, plain)) = self.qualified(name) {
            return (Some(at), plain);
        }
        let has = |level: &Level| level.entry().is_some_and(|it| it.parameter(name).is_some());
        let last = self.levels.len() - 1;
        match self.levels.iter().filter(|level| has(level)).count() {
            0 => (Some(last), name),
            1 => (self.levels.iter().position(has), name),
            _ => (None, name),
        }
    }

    /// Splits a name that starts with one of the operations.
    fn qualified<'n>(&self, name: &'n str) -> Option<(usize, &'n str)> {
        self.levels.iter().enumerate().find_map(|(at, level)| {
            let entry = level.entry()?;
            [&*resolve::rust_name(entry), &*entry.id]
                .iter()
                .find_map(|it| Some((at, name.strip_prefix(*it)?.strip_prefix('.')?)))
        })
    }

    /// Returns the parameters of a list of parents.
    fn params(&self, at: usize) -> Vec<(String, String)> {
        let params = self.tree.params.iter().map(|(name, value)| (self.level_of(name), value));
        params
            .filter(|((level, _), _)| *level == Some(at))
            .map(|((_, name), value)| (name.to_owned(), value.clone()))
            .collect()
    }

    /// Rejects parameters that fit no list of parents, or several.
    fn check_params(&self) -> Result<(), Failure> {
        for (name, _) in &self.tree.params {
            let level = self.level_of(name).0;
            let Some(level) = level else {
                let names = self.levels.iter().filter_map(Level::entry);
                let names: Vec<String> =
                    names.map(|it| format!("{}.{name}", resolve::rust_name(it))).collect();
                return Err(Failure::usage(format!(
                    "--for-each-param {name}: several lists have this parameter"
                ))
                .advise(format!("write {}", resolve::quoted(&names))));
            };
            if let Level::File(file) = &self.levels[level] {
                let file = file.name();
                return Err(Failure::usage(format!("--for-each-param {name}: {file} is a file")));
            }
        }
        match &self.levels[..] {
            [Level::File(file)] if self.tree.body.is_some() => {
                Err(Failure::usage(format!("--for-each-body: {} is a file", file.name())))
            }
            [Level::File(file)] if self.settings.range.is_some() => Err(Failure::usage(format!(
                "--interval: {} is a file, and the interval of a list with parents is that of its parents",
                file.name()
            ))
            .advise("set the dates of the list with --param")),
            _ => Ok(()),
        }
    }

    /// Rejects names in `--bind` that no operation has as a parameter, or that have another value already.
    fn check_names(&self, entry: &Entry) -> Result<(), Failure> {
        let has = |name: &str, entry: &Entry| entry.parameter(name).is_some();
        for (at, (name, _)) in self.tree.bind.iter().enumerate() {
            let inner = self.levels.iter().skip(1).filter_map(Level::entry);
            if !has(name, entry) && !inner.clone().any(|inner| has(name, inner)) {
                let names = entry.parameters.iter().map(|it| it.name.clone());
                let near = resolve::nearest(name, names.clone(), 2);
                let failure =
                    Failure::usage(format!("--bind: {} has no parameter `{name}`", entry.id));
                return Err(failure.advise(match near.is_empty() {
                    false => format!("did you mean {}?", resolve::quoted(&near)),
                    true => format!("expected one of {}", names.collect::<Vec<_>>().join(", ")),
                }));
            }
            let is_param = |(known, _): &(String, String)| known == name;
            if self.settings.call.params.iter().any(is_param) {
                return Err(Failure::usage(format!(
                    "`{name}` is set by both --param and --bind; omit one of them"
                )));
            }
            if self.tree.bind[..at].iter().any(is_param) {
                return Err(Failure::usage(format!("--bind {name} is given twice")));
            }
        }
        Ok(())
    }

    /// Returns what `--bind` states about a parameter.
    fn bind(&self, parameter: &str) -> Option<&str> {
        self.tree.bind.iter().find(|(name, _)| name == parameter).map(|(_, field)| &**field)
    }

    /// Binds parameters to columns of a file.
    fn bound_to_file(
        &self,
        entry: &Entry,
        (given, item): (&[(String, String)], Option<&Schema>),
        file: &ParentsFile,
    ) -> Result<(Vec<Binding>, Vec<Vec<Scalar>>), Failure> {
        let (mut bindings, mut columns) = (Vec::new(), Vec::new());
        for parameter in to_bind(entry, given, |name| self.bind(name)) {
            let name = &parameter.name;
            let column = match self.bind(name) {
                Some(column) => file.column(column)?,
                None if file.has_column(name) => file.column(name)?,
                None => {
                    return Err(Failure::usage(format!(
                        "--for-each: {} has no column `{name}`; its columns are {}",
                        file.name(),
                        file.columns()
                    ))
                    .advise(format!("name the column: --bind {name}=COLUMN")));
                }
            };
            let origin = Origin::Column(columns.len());
            columns.push(column);
            bindings.push(binding(parameter, origin, ColumnKind::Text, item));
        }
        let rows = if columns.is_empty() { Vec::new() } else { file.values(&columns)? };
        Ok((bindings, rows))
    }

    /// Binds parameters to fields of a list of parents.
    fn bound_to_list(
        &self,
        entry: &Entry,
        (given, item): (&[(String, String)], Option<&Schema>),
        source: &Source,
    ) -> Result<Vec<Binding>, Failure> {
        let known = parents_of(entry);
        let mut bindings = Vec::new();
        for parameter in to_bind(entry, given, |name| self.bind(name)) {
            let name = &parameter.name;
            let lists =
                known.iter().find(|(known, _)| known == name).and_then(|(_, list)| list.as_ref());
            let (origin, kind) = if let Some(field) = self.bind(name) {
                self.field(source, field)?
            } else if let Some((level, list)) =
                lists.and_then(|list| Some((level(source, &list.operation)?, list)))
            {
                (
                    Origin::Field(level, list.field.clone()),
                    kind_of(source, (level, &list.field), true)?,
                )
            } else if let Some(inherited) = inherited(source, name) {
                inherited
            } else {
                return Err(missing(entry, name, lists, source));
            };
            bindings.push(binding(parameter, origin, kind, item));
        }
        Ok(bindings)
    }

    /// Finds the field that `--bind` names.
    fn field(&self, source: &Source, field: &str) -> Result<(Origin, ColumnKind), Failure> {
        let named = self
            .qualified(field)
            .and_then(|(at, path)| Some((level(source, &self.levels[at].entry()?.id)?, path)));
        let (level, path) = named.unwrap_or((0, field));
        let kind = kind_of(source, (level, path), self.settings.call.unchecked)?;
        Ok((Origin::Field(level, path.to_owned()), kind))
    }
}

/// Returns the parameters that parents set: those in the path that are not given, and those in `--bind`.
fn to_bind<'e, 'b>(
    entry: &'e Entry,
    given: &[(String, String)],
    bind: impl Fn(&str) -> Option<&'b str>,
) -> Vec<&'e Parameter> {
    let is_given = |name: &str| given.iter().any(|(known, _)| known == name);
    let is_open = |it: &&Parameter| {
        bind(&it.name).is_some() || it.location == Location::Path && !is_given(&it.name)
    };
    entry.parameters.iter().filter(is_open).collect()
}

/// Makes a binding. The column has the name of the parameter, unless records have a field of that name.
fn binding(
    parameter: &Parameter,
    origin: Origin,
    kind: ColumnKind,
    item: Option<&Schema>,
) -> Binding {
    let name = &parameter.name;
    let is_taken = item.is_some_and(|item| properties(item).iter().any(|(known, _)| known == name));
    let mut letters = name.chars();
    let path = match (is_taken, letters.next()) {
        (true, Some(first)) => format!("parent{}{}", first.to_uppercase(), letters.as_str()),
        _ => name.clone(),
    };
    Binding::new((name, parameter.location), origin, Column { path, kind })
}

/// Returns the lists that are known to have the values of the path parameters.
fn parents_of(entry: &Entry) -> Vec<(String, Option<ParentList>)> {
    let tag = entry.tag().ok().flatten();
    tag.into_iter().flat_map(|tag| tag.parents).map(|it| (it.parameter, it.list)).collect()
}

/// Returns the first path parameter of a list of parents that another list has, and that list.
fn outer_of(entry: &Entry) -> Option<(String, String)> {
    let known = parents_of(entry).into_iter();
    let mut known = known.filter_map(|(name, list)| Some((name, list?.operation)));
    known.find_map(|(name, list)| Some((name, resolve::rust_name(resolve::operation(&list).ok()?))))
}

/// Returns how far above its children a list of parents is.
fn level(source: &Source, operation: &str) -> Option<usize> {
    match &source.tree {
        _ if source.entry.id == operation => Some(0),
        Some(Tree { parents: Parents::List(outer), .. }) => {
            level(outer, operation).map(|it| it + 1)
        }
        _ => None,
    }
}

/// Returns the value that the parent itself was read with.
fn inherited(source: &Source, name: &str) -> Option<(Origin, ColumnKind)> {
    let tree = source.tree.as_ref();
    if let Some(own) = tree.and_then(|it| it.bindings.iter().find(|it| it.parameter == name)) {
        let origin = match &own.origin {
            Origin::Field(level, path) => Origin::Field(level + 1, path.clone()),
            origin => origin.clone(),
        };
        return Some((origin, own.column.kind));
    }
    let is_in_path = source.entry.parameter(name)?.location == Location::Path;
    let given = source.params.iter().find(|(known, _)| is_in_path && known == name);
    given.map(|(_, value)| (Origin::Value(Scalar::of_text(value.clone())), ColumnKind::Text))
}

/// Returns the type of a field of the parents. Fails if they do not have it, or if it is not a single value.
fn kind_of(
    source: &Source,
    (level, path): (usize, &str),
    is_unchecked: bool,
) -> Result<ColumnKind, Failure> {
    let source = match (&source.tree, level) {
        (Some(Tree { parents: Parents::List(outer), .. }), 1..) => {
            return kind_of(outer, (level - 1, path), is_unchecked);
        }
        _ => source,
    };
    let item = record::item(source.entry, &source.kind).filter(|_| !is_unchecked);
    if let Some(item) = item {
        record::check("--bind", item, path)?;
    }
    let columns = Columns::chosen(&[path.to_owned()], item, false);
    let kind = columns.ok().and_then(|it| it.all().first().map(|it| it.kind));
    match kind {
        Some(ColumnKind::Json) if item.is_some_and(|item| is_described(item, path)) => {
            Err(Failure::usage(format!(
                "--bind: `{path}` of {} is not a single value",
                resolve::rust_name(source.entry)
            ))
            .advise(format!("choose one of {}", fields(source))))
        }
        Some(ColumnKind::Json) | None => Ok(ColumnKind::Text),
        Some(kind) => Ok(kind),
    }
}

/// Returns whether the API document has the field, rather than any fields.
fn is_described(item: &Schema, path: &str) -> bool {
    genesys_cloud_sinks::find(item, path).is_ok_and(|found| found.is_some())
}

/// Returns the first fields of parents that have a single value, for a message.
fn fields(source: &Source) -> String {
    let columns = Columns::of(record::item(source.entry, &source.kind));
    let columns = columns.all().iter().filter(|it| it.kind != ColumnKind::Json);
    let fields: Vec<&str> = columns.map(|it| it.path.as_str()).collect();
    match fields.get(..MOST_NAMED) {
        Some(first) => format!("{}, ..", first.join(", ")),
        None => fields.join(", "),
    }
}

/// Describes a path parameter that the parents are not known to have.
fn missing(entry: &Entry, name: &str, list: Option<&ParentList>, source: &Source) -> Failure {
    let parent = resolve::rust_name(source.entry);
    let failure = Failure::usage(format!(
        "--for-each {parent}: its records are not known to have `{name}` of {}",
        resolve::rust_name(entry)
    ));
    let failure = match list.map(|list| (resolve::operation(&list.operation), list)) {
        Some((Ok(list), known)) => failure.advise(format!(
            "use --for-each {}, whose field `{}` is the {name}",
            resolve::rust_name(list),
            known.field
        )),
        _ => failure,
    };
    let fields = fields(source);
    match fields.is_empty() {
        true => failure.advise(format!("or name the field: --bind {name}=FIELD")),
        false => failure.advise(format!("or name the field: --bind {name}=FIELD, one of {fields}")),
    }
    .advise(format!("or set one value for all: --param {name}=.."))
}

fn nothing_bound(entry: &Entry) -> Failure {
    let name = resolve::rust_name(entry);
    let failure = Failure::usage(format!("--for-each: {name} has no path parameter left to set"));
    let names = entry.parameters.iter().map(|it| it.name.as_str()).collect::<Vec<_>>();
    match names.is_empty() {
        true => failure.advise("omit --for-each; the operation has no parameters"),
        false => failure.advise(format!(
            "name the parameter that each parent sets: --bind PARAMETER=FIELD, one of {}",
            names.join(", ")
        )),
    }
}
