mod compiler;

use genesys_cloud_catalogue::{Catalogue, Schema};

use self::compiler::Compiler;
use crate::digits::{push_padded, push_signed};
use crate::identity::{Id, Identity};
use crate::media::Media;
use crate::name::Noun;
use crate::record_types::RecordTypes;
use crate::rng::{hash, mix};
use crate::timestamp::Timestamp;

/// One in this many fields is missing, one is null, and one enum value is unknown: the service does all three.
const ODD_ONE_IN: u64 = 64;

/// The states of a record that may also be deleted, as JSON.
const ACTIVE: &[u8] = b"\"active\"";
const INACTIVE: &[u8] = b"\"inactive\"";
const DELETED: &[u8] = b"\"deleted\"";

/// How to generate a value of a schema. Computed once, so that records need no look-ups: references are
/// resolved down to the depth limit, and keys are already JSON.
#[derive(Debug)]
pub(crate) enum Shape {
    Boolean,
    Integer(Range),
    /// A number with two decimals, in hundredths.
    Hundredths(Range),
    Text(Text),
    /// One of the enum values of the document, as JSON.
    Choice(Vec<Vec<u8>>),
    /// The state of a record that may also be deleted, as one of these values.
    State(Vec<Vec<u8>>),
    Array(Box<Shape>),
    Map(Box<Shape>),
    Object(Object),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    least: i64,
    /// How many numbers the range has.
    span: u64,
}

#[derive(Debug)]
pub(crate) enum Text {
    /// The id of the object that has the field.
    Id,
    /// The id of another object.
    OtherId,
    /// The id of a record of this type.
    IdOf(usize),
    /// A name, and the name of the record that the object refers to.
    Name(Noun, Option<Noun>),
    SelfUri,
    /// The URL of a file.
    Media(Media),
    Fixed(&'static str),
    DateTime {
        late: bool,
    },
    Date {
        late: bool,
    },
    LocalDateTime,
    Month,
    /// A fixed string that suits the field, before and after a number.
    Numbered(String, &'static str),
}

#[derive(Debug)]
pub(crate) struct Object {
    fields: Vec<Field>,
    /// The type of the record that it is, or refers to.
    record_type: Option<usize>,
    /// The collection path in the `selfUri` of a nested object.
    collection: String,
}

#[derive(Debug)]
struct Field {
    name: String,
    /// `"name":`
    key: Vec<u8>,
    /// Distinguishes this field from others of the record.
    salt: u64,
    /// Whether every record has the field, with a value.
    constant: bool,
    shape: Shape,
}

/// What the values of a record are consistent with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) times: Times,
    /// The records of the org that others refer to, if they do.
    pub(crate) references: Option<&'a References>,
    /// The record that objects of this type inside are.
    pub(crate) subject: Option<(usize, Identity)>,
}

/// The records of an org that others refer to, by the number of their type.
#[derive(Debug)]
pub(crate) struct References(pub(crate) Vec<Option<RecordList>>);

/// The records of one type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordList {
    /// Distinguishes their ids.
    pub(crate) list: u64,
    pub(crate) count: u64,
}

/// The times in a record.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Times {
    /// Any that look real.
    #[default]
    Any,
    /// Before a point in time.
    Before(Timestamp),
    /// Those of an event: its start, or its end.
    Of(Timestamp, Timestamp),
    /// Those inside an event.
    Within(Timestamp, Timestamp),
}

/// The identity of the object being written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordContext<'a> {
    pub(crate) id: &'a [u8],
    /// Its number in the list, from 0.
    pub(crate) number: u64,
    pub(crate) seed: u64,
    /// The path of its list; `selfUri` is this path and the id.
    pub(crate) list_path: Option<&'a str>,
    pub(crate) scope: Scope<'a>,
    /// The names of its fields to leave out.
    pub(crate) hidden: &'a [String],
}

impl Shape {
    /// The shape of a top-level record.
    pub(crate) fn of(catalogue: &Catalogue, schema: &Schema) -> Self {
        Compiler { catalogue }.shape("", "", schema, 0)
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Shape> {
        match self {
            Self::Object(object) => {
                object.fields.iter().find(|field| field.name == name).map(|field| &field.shape)
            }
            _ => None,
        }
    }

    /// The fields of a record, by name.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &Shape)> {
        let fields = match self {
            Self::Object(object) => object.fields.as_slice(),
            _ => &[],
        };
        fields.iter().map(|field| (field.name.as_str(), &field.shape))
    }

    /// Whether it is, or refers to, a record of another list.
    pub(crate) fn refers(&self) -> bool {
        matches!(self, Self::Object(Object { record_type: Some(_), .. }))
    }

    /// Whether a record of this shape has an id.
    pub(crate) fn has_id(&self) -> bool {
        matches!(self.field("id"), Some(Self::Text(Text::Id)))
    }

    pub(crate) fn is_date_time(&self) -> bool {
        matches!(self, Self::Text(Text::DateTime { .. }))
    }

    /// Whether records of this shape link to files.
    pub(crate) fn has_media(&self) -> bool {
        match self {
            Self::Text(Text::Media(_)) => true,
            Self::Array(inner) | Self::Map(inner) => inner.has_media(),
            Self::Object(object) => object.fields.iter().any(|field| field.shape.has_media()),
            _ => false,
        }
    }

    /// The noun in the names of such records, if they have names.
    pub(crate) fn noun(&self) -> Option<&Noun> {
        match self.field("name") {
            Some(Self::Text(Text::Name(noun, _))) => Some(noun),
            _ => None,
        }
    }

    /// Writes a value as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>, context: RecordContext<'_>) {
        let random = mix(context.seed);
        match self {
            Self::Boolean => {
                out.extend_from_slice(if random & 1 == 0 { b"true" } else { b"false" })
            }
            Self::Integer(range) => push_signed(out, range.pick(random)),
            Self::Hundredths(range) => {
                let number = range.pick(random);
                push_signed(out, number / 100);
                out.push(b'.');
                push_padded(out, number.unsigned_abs(), 2);
            }
            Self::Text(text) => text.write(out, random, context),
            // A value that the document doesn't have: a client must keep it and not fail.
            Self::Choice(_) | Self::State(_) if (random >> 32).is_multiple_of(ODD_ONE_IN) => {
                out.extend_from_slice(b"\"NewerThanTheDocument\"");
            }
            // An org that changes over time does not list deleted records, and most are active.
            Self::State(_) if context.scope.references.is_some() => {
                let is_active = !random.is_multiple_of(8);
                out.extend_from_slice(if is_active { ACTIVE } else { INACTIVE });
            }
            Self::Choice(values) | Self::State(values) => {
                out.extend_from_slice(&values[random as usize % values.len()]);
            }
            Self::Array(item) => {
                out.push(b'[');
                for number in 0..=(random % 2) {
                    if number > 0 {
                        out.push(b',');
                    }
                    // Consecutive records, so that none is there twice.
                    let place = random.wrapping_add(number);
                    if !context.scope.write_referred(out, item, place) {
                        item.write_nested(out, context.seed ^ (number + 1), context.scope);
                    }
                }
                out.push(b']');
            }
            Self::Map(value) => {
                out.extend_from_slice(b"{\"key\":");
                value.write_nested(out, context.seed, context.scope);
                out.push(b'}');
            }
            Self::Object(object) => object.write(out, context),
        }
    }

    fn write_nested(&self, out: &mut Vec<u8>, seed: u64, scope: Scope<'_>) {
        let seed = mix(seed);
        let id = Id::random(seed);
        let (id, number) = (id.as_bytes(), seed % 1_000);
        let scope = Scope { times: scope.times.nested(), ..scope };
        let context = RecordContext { id, number, seed, list_path: None, scope, hidden: &[] };
        self.write(out, context);
    }
}

/// The id in a field of a record, as its shape generates it.
pub(crate) fn generated_id(record: Identity, field: &str) -> String {
    Id::random(mix(mix(record.seed() ^ hash(field)))).to_string()
}

impl Scope<'_> {
    /// The record of a type that an object or field with this seed refers to.
    fn referred(self, record_type: usize, seed: u64) -> Option<Identity> {
        match self.subject {
            Some((of_subject, subject)) if of_subject == record_type => Some(subject),
            _ => {
                let list = self.references?.0.get(record_type).copied().flatten()?;
                Some(Identity::new(list.list, seed % list.count.max(1)))
            }
        }
    }

    /// Writes an object inside a record as the record that it is, or refers to. Returns whether there is one.
    fn write_referred(self, out: &mut Vec<u8>, shape: &Shape, seed: u64) -> bool {
        let Shape::Object(Object { record_type: Some(record_type), .. }) = shape else {
            return false;
        };
        let Some(identity) = self.referred(*record_type, seed) else { return false };
        let id = identity.id();
        let list_path = RecordTypes::embedded().all().get(*record_type).map(|it| it.path);
        let scope = Scope { times: self.times.nested(), ..self };
        let (number, seed) = (identity.index(), identity.seed());
        let id = id.as_bytes();
        shape.write(out, RecordContext { id, number, seed, list_path, scope, hidden: &[] });
        true
    }
}

impl Times {
    /// The times of the objects in the record.
    fn nested(self) -> Self {
        match self {
            Self::Of(start, end) => Self::Within(start, end),
            times => times,
        }
    }

    /// Picks a time. A late one is not before an early one.
    fn pick(self, random: u64, late: bool) -> Timestamp {
        const YEAR: u64 = 365 * 86_400_000;
        match self {
            Self::Any => Timestamp::generated(random, late),
            Self::Before(end) => {
                let years = if late { YEAR } else { 2 * YEAR };
                Timestamp::of(end.milliseconds().saturating_sub(years) + random % YEAR)
            }
            Self::Of(start, end) => {
                if late {
                    end
                } else {
                    start
                }
            }
            Self::Within(start, end) => {
                let half = end.milliseconds().saturating_sub(start.milliseconds()) / 2;
                let first = start.milliseconds() + if late { half } else { 0 };
                Timestamp::of(first + random % half.max(1))
            }
        }
    }
}

impl Range {
    /// The range that the document allows, in units of 1/`units`.
    fn of(schema: &Schema, units: f64) -> Self {
        let least = (schema.minimum.unwrap_or(0.0) * units).ceil() as i64;
        let most = schema.maximum.map_or(least + 99 * units as i64, |most| (most * units) as i64);
        Self { least, span: most.max(least).abs_diff(least).saturating_add(1) }
    }

    fn only(number: u32) -> Self {
        Self { least: number.into(), span: 1 }
    }

    /// A range large enough that ids do not collide.
    fn of_ids(schema: &Schema) -> Self {
        let range = Self::of(schema, 1.0);
        let is_short = schema.format.as_deref() == Some("int32");
        let span = if is_short { 1 << 30 } else { 1 << 52 };
        Self { span: if schema.maximum.is_some() { range.span } else { span }, ..range }
    }

    fn pick(self, random: u64) -> i64 {
        self.least.saturating_add_unsigned(random % self.span)
    }
}

impl Object {
    fn write(&self, out: &mut Vec<u8>, context: RecordContext<'_>) {
        let context = RecordContext {
            list_path: Some(context.list_path.unwrap_or(&self.collection)),
            ..context
        };
        out.push(b'{');
        let start = out.len();
        for field in &self.fields {
            let seed = mix(context.seed ^ field.salt);
            let odd = if field.constant { ODD_ONE_IN } else { (seed >> 32) % ODD_ONE_IN };
            if odd == 0 || context.hidden.contains(&field.name) {
                continue;
            }
            if out.len() > start {
                out.push(b',');
            }
            out.extend_from_slice(&field.key);
            match &field.shape {
                _ if odd == 1 => out.extend_from_slice(b"null"),
                shape if context.scope.write_referred(out, shape, seed) => {}
                // An object has its own identity; everything else belongs to this one.
                shape @ Shape::Object(_) => shape.write_nested(out, seed, context.scope),
                shape => shape.write(out, RecordContext { seed, hidden: &[], ..context }),
            }
        }
        out.push(b'}');
    }
}

impl Text {
    fn write(&self, out: &mut Vec<u8>, random: u64, context: RecordContext<'_>) {
        out.push(b'"');
        match self {
            Self::Fixed(text) => out.extend_from_slice(text.as_bytes()),
            Self::Id => out.extend_from_slice(context.id),
            Self::OtherId => out.extend_from_slice(Id::random(random).as_bytes()),
            Self::IdOf(record_type) => match context.scope.referred(*record_type, random) {
                Some(identity) => out.extend_from_slice(identity.id().as_bytes()),
                None => out.extend_from_slice(Id::random(random).as_bytes()),
            },
            Self::Name(own, referred) => {
                let referred = referred.as_ref().filter(|_| context.scope.references.is_some());
                referred.unwrap_or(own).write(out, context.number);
            }
            Self::SelfUri => {
                out.extend_from_slice(context.list_path.unwrap_or_default().as_bytes());
                out.push(b'/');
                out.extend_from_slice(context.id);
            }
            Self::Media(media) => media.write_url(out, random),
            Self::DateTime { late } => context.scope.times.pick(random, *late).write_date_time(out),
            Self::Date { late } => context.scope.times.pick(random, *late).write_date(out),
            Self::LocalDateTime => context.scope.times.pick(random, false).write_local(out),
            Self::Month => context.scope.times.pick(random, false).write_month(out),
            Self::Numbered(before, after) => {
                out.extend_from_slice(before.as_bytes());
                push_padded(out, random, 4);
                out.extend_from_slice(after.as_bytes());
            }
        }
        out.push(b'"');
    }
}
