//! Finds numbers that JSON cannot represent. serde_json writes them as `null`, which clears a field in the API.

use std::fmt;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};

/// Describes the first number that is NaN or infinite. `None` if all are finite.
pub(crate) fn not_finite(value: &(impl Serialize + ?Sized)) -> Option<String> {
    match value.serialize(Check) {
        Err(Stop::Number { path, number }) => {
            let place = match path.is_empty() {
                true => "it".to_owned(),
                false => path.iter().rev().map(|step| format!("/{step}")).collect(),
            };
            Some(format!("{place} is {number}"))
        }
        // The type's own error is reported when the value is serialized.
        Err(Stop::Other) | Ok(()) => None,
    }
}

/// A serializer without output.
struct Check;

#[derive(Debug)]
enum Stop {
    /// The path to the number, innermost step first.
    Number {
        path: Vec<String>,
        number: f64,
    },
    Other,
}

impl Stop {
    fn within(mut self, step: impl FnOnce() -> String) -> Self {
        if let Self::Number { path, .. } = &mut self {
            path.push(step());
        }
        self
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be serialized")
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }
}

macro_rules! fine {
    ($($name:ident($type:ty))*) => {
        $(fn $name(self, _: $type) -> Result<(), Stop> {
            Ok(())
        })*
    };
}

impl ser::Serializer for Check {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Inside;
    type SerializeTuple = Inside;
    type SerializeTupleStruct = Inside;
    type SerializeTupleVariant = Inside;
    type SerializeMap = Inside;
    type SerializeStruct = Inside;
    type SerializeStructVariant = Inside;

    fine! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_i128(i128) serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
        serialize_u128(u128) serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
        serialize_unit_struct(&'static str)
    }

    fn serialize_f32(self, number: f32) -> Result<(), Stop> {
        self.serialize_f64(f64::from(number))
    }

    fn serialize_f64(self, number: f64) -> Result<(), Stop> {
        match number.is_finite() {
            true => Ok(()),
            false => Err(Stop::Number { path: Vec::new(), number }),
        }
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &str, _: u32, _: &'static str) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_newtype_struct<T>(self, _: &'static str, value: &T) -> Result<(), Stop>
    where
        T: Serialize + ?Sized,
    {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop>
    where
        T: Serialize + ?Sized,
    {
        value.serialize(self).map_err(|stop| stop.within(|| variant.to_owned()))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside, Stop> {
        Ok(Inside::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside, Stop> {
        Ok(Inside::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside, Stop> {
        Ok(Inside::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside, Stop> {
        Ok(Inside { variant: Some(variant), ..Inside::default() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside, Stop> {
        Ok(Inside::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside, Stop> {
        Ok(Inside::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Inside, Stop> {
        Ok(Inside { variant: Some(variant), ..Inside::default() })
    }
}

/// The elements of a list or the fields of an object.
#[derive(Default)]
struct Inside {
    /// The index of the next element.
    at: usize,
    /// The key of the next value, if keys and values are serialized separately.
    key: String,
    variant: Option<&'static str>,
}

impl Inside {
    fn check<T>(&self, value: &T, step: impl FnOnce() -> String) -> Result<(), Stop>
    where
        T: Serialize + ?Sized,
    {
        value.serialize(Check).map_err(|stop| {
            let stop = stop.within(step);
            match self.variant {
                Some(variant) => stop.within(|| variant.to_owned()),
                None => stop,
            }
        })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        let at = self.at;
        self.at += 1;
        self.check(value, || at.to_string())
    }
}

fn text<T: Serialize + ?Sized>(key: &T) -> String {
    match serde_json::to_value(key) {
        Ok(serde_json::Value::String(text)) => text.replace('~', "~0").replace('/', "~1"),
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

macro_rules! list {
    ($($trait:ident $method:ident)*) => {
        $(impl $trait for Inside {
            type Ok = ();
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                self.element(value)
            }

            fn end(self) -> Result<(), Stop> {
                Ok(())
            }
        })*
    };
}

list! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($trait:ident)*) => {
        $(impl $trait for Inside {
            type Ok = ();
            type Error = Stop;

            fn serialize_field<T>(&mut self, name: &'static str, value: &T) -> Result<(), Stop>
            where
                T: Serialize + ?Sized,
            {
                self.check(value, || text(name))
            }

            fn end(self) -> Result<(), Stop> {
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Inside {
    type Ok = ();
    type Error = Stop;

    fn serialize_entry<K, V>(&mut self, key: &K, value: &V) -> Result<(), Stop>
    where
        K: Serialize + ?Sized,
        V: Serialize + ?Sized,
    {
        self.check(value, || text(key))
    }

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        self.key = text(key);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        let key = std::mem::take(&mut self.key);
        self.check(value, || key)
    }

    fn end(self) -> Result<(), Stop> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Order {
        items: Vec<Item>,
        rates: BTreeMap<String, Option<f32>>,
        #[serde(flatten)]
        more: BTreeMap<String, f64>,
    }

    #[derive(Serialize)]
    enum Item {
        Price(f64),
        Pair(u8, f64),
        Named { price: f64 },
        None,
    }

    #[test]
    fn reports_the_path_of_a_number_that_json_cannot_represent() {
        let fine = || Order {
            items: vec![Item::None, Item::Price(1.0), Item::Pair(1, -0.0)],
            rates: BTreeMap::from([("a".to_owned(), None), ("b".to_owned(), Some(f32::MAX))]),
            more: BTreeMap::from([("c".to_owned(), f64::MIN_POSITIVE)]),
        };
        assert_eq!(not_finite(&fine()), None);
        assert_eq!(not_finite(&f64::NAN).as_deref(), Some("it is NaN"));
        let mut order = fine();
        order.items.push(Item::Price(f64::NAN));
        assert_eq!(not_finite(&order).as_deref(), Some("/items/3/Price is NaN"));
        order.items[3] = Item::Pair(0, f64::INFINITY);
        assert_eq!(not_finite(&order).as_deref(), Some("/items/3/Pair/1 is inf"));
        order.items[3] = Item::Named { price: f64::NEG_INFINITY };
        assert_eq!(not_finite(&order).as_deref(), Some("/items/3/Named/price is -inf"));
        order.items.pop();
        order.rates.insert("x/y".to_owned(), Some(f32::NAN));
        assert_eq!(not_finite(&order).as_deref(), Some("/rates/x~1y is NaN"));
        let mut order = fine();
        order.more.insert("d".to_owned(), f64::NAN);
        assert_eq!(not_finite(&order).as_deref(), Some("/d is NaN"));
    }
}
