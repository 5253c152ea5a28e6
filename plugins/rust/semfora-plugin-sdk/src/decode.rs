//! Decoding of records and names. serde's derive would also make code for records written as arrays, for fields given
//! twice and for those that are missing, once for each type: twice the size of a whole plugin.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// A type that is an object in JSON. Fields that are left out keep their defaults.
pub trait Record: Default {
    /// Names of the fields in JSON, best in the order in which they come.
    const FIELDS: &'static [&'static str];

    /// Reads the value of the field at this position of `FIELDS`.
    fn read<'de, A: MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error>;
}

/// Reads a `Record`.
pub struct RecordVisitor<T>(pub PhantomData<T>);

impl<'de, T: Record> Visitor<'de> for RecordVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut record = T::default();
        let mut expected = 0;
        while let Some(field) = map.next_key_seed(NameVisitor { names: T::FIELDS, expected })? {
            if field < T::FIELDS.len() {
                record.read(field, &mut map)?;
                expected = field + 1;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(record)
    }
}

/// Reads a text as its position in `names`; their number where it is none of them.
pub struct NameVisitor {
    /// What the text may be.
    pub names: &'static [&'static str],
    /// Where to look first.
    pub expected: usize,
}

impl<'de> Visitor<'de> for NameVisitor {
    type Value = usize;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        let after = self.names.iter().skip(self.expected).position(|name| *name == text);
        let found = after.map(|position| position + self.expected);
        let found = found.or_else(|| self.names.iter().position(|name| *name == text));
        Ok(found.unwrap_or(self.names.len()))
    }
}

impl<'de> DeserializeSeed<'de> for NameVisitor {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

/// Makes a struct readable: `record!(Type { field: "name in JSON", … })`.
macro_rules! record {
    ($type:ident { $($field:ident: $name:literal),* $(,)? }) => {
        impl crate::decode::Record for $type {
            const FIELDS: &'static [&'static str] = &[$($name),*];

            fn read<'de, A: serde::de::MapAccess<'de>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error> {
                let mut _position = 0;
                $(
                    if field == _position {
                        self.$field = map.next_value()?;
                        return Ok(());
                    }
                    _position += 1;
                )*
                Ok(())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(crate::decode::RecordVisitor(std::marker::PhantomData))
            }
        }
    };
}

/// Makes an enum of names readable: `names!(Type { Variant: "name in JSON", … } else Variant)`.
macro_rules! names {
    ($type:ident { $($variant:ident: $name:literal),* $(,)? } else $other:ident) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                const NAMES: &[&str] = &[$($name),*];
                const VARIANTS: &[$type] = &[$($type::$variant),*];
                let visitor = crate::decode::NameVisitor { names: NAMES, expected: 0 };
                let position = deserializer.deserialize_str(visitor)?;
                Ok(VARIANTS.get(position).copied().unwrap_or($type::$other))
            }
        }
    };
}

pub(crate) use {names, record};
