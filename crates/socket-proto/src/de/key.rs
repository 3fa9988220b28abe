//! A key of a JSON object, as a type sees it: a string, or whatever can be read out of one.

use serde::de::Visitor;
use serde::forward_to_deserialize_any;
use serde_json::{Deserializer, Error};

/// A key with its quotes.
pub(super) struct Key<'de> {
    pub(super) token: &'de str,
}

impl<'de> Key<'de> {
    fn quoted(&self) -> Deserializer<serde_json::de::StrRead<'de>> {
        Deserializer::from_str(self.token)
    }

    /// What is between the quotes, if a number or a bool can start there.
    fn bare(&self) -> Option<Deserializer<serde_json::de::StrRead<'de>>> {
        let inner = &self.token[1..self.token.len() - 1];
        inner
            .starts_with(['-', 't', 'f', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
            .then(|| Deserializer::from_str(inner))
    }
}

/// JSON has no other keys than strings, so maps by number have them in quotes.
macro_rules! read_out_of_the_string {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let Some(mut bare) = self.bare() else {
                return self.quoted().$method(visitor);
            };
            let value = bare.$method(visitor)?;
            bare.end()?;
            Ok(value)
        }
    )*};
}

impl<'de> serde::Deserializer<'de> for Key<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.quoted().deserialize_str(visitor)
    }

    read_out_of_the_string! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.quoted().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.quoted().deserialize_bytes(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.quoted().deserialize_bytes(visitor)
    }

    forward_to_deserialize_any! {
        char str string unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
