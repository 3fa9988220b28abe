//! From arguments to user types.
//!
//! Without attachments an argument is `serde_json`'s; with them it is read by [`Source`], which
//! knows placeholders. Either way straight into the type, with no tree in between.

mod key;
mod source;

use bytes::Bytes;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, Expected, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Error;

use crate::args::{Args, Elements};
use crate::arity::Arity;
use crate::error::DecodeError;
use source::Source;

/// See [`Args::parse`].
pub(crate) fn from_args<T: DeserializeOwned>(args: Args<'_>) -> Result<T, DecodeError> {
    let mut arguments = Arguments { rest: args.iter(), attachments: args.attachments, position: 0 };
    let parsed = match Arity::of::<T>() {
        // The text starts with the argument, and ends for serde_json where the argument does.
        Arity::One if args.attachments.is_empty() && !args.is_empty() => {
            T::deserialize(&mut serde_json::Deserializer::from_str(args.json))
        }
        Arity::One => arguments.next(std::marker::PhantomData),
        Arity::None | Arity::Several => T::deserialize(&mut arguments),
    };
    parsed.map_err(|error| DecodeError::new(arguments.position.max(1), without_place(&error)))
}

/// All arguments, for a tuple.
struct Arguments<'de> {
    rest: Elements<'de>,
    attachments: &'de [Bytes],
    /// Of the argument that was read last; the first is 1.
    position: usize,
}

impl<'de> Arguments<'de> {
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.position += 1;
        match self.rest.next() {
            None => seed.deserialize(Missing),
            Some(json) if self.attachments.is_empty() => {
                seed.deserialize(&mut serde_json::Deserializer::from_str(json))
            }
            Some(json) => seed.deserialize(&mut Source::new(json, self.attachments)),
        }
    }
}

impl<'de> serde::Deserializer<'de> for &mut Arguments<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> SeqAccess<'de> for &mut Arguments<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.next(seed).map(Some)
    }
}

/// An argument that did not come: `None` where the type allows it, else an error.
struct Missing;

impl<'de> serde::Deserializer<'de> for Missing {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let expected: &dyn Expected = &visitor;
        Err(Error::custom(format_args!("missing, expected {expected}")))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit_struct seq tuple tuple_struct map struct enum identifier
    }
}

/// The message without `serde_json`'s line and column, which count from the argument's start at
/// best, and mean nothing to who sent it.
fn without_place(error: &Error) -> String {
    let mut message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    if message.ends_with(&place) {
        message.truncate(message.len() - place.len());
    }
    message
}
