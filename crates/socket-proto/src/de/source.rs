//! Reads JSON in which placeholders stand for attachments.
//!
//! Containers are walked here, scalars are handed to `serde_json`, and a placeholder shows itself to
//! the type as bytes.

use bytes::Bytes;
use serde::de::value::SeqDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};
use serde_json::{Deserializer, Error};

use super::key::Key;
use crate::json::{Cursor, NotJson};
use crate::placeholder;

/// One argument, and the attachments of its packet.
pub(super) struct Source<'de> {
    cursor: Cursor<'de>,
    attachments: &'de [Bytes],
    /// How many containers may still be entered: the type's code calls itself for each.
    depth: u8,
}

impl<'de> Source<'de> {
    pub(super) fn new(json: &'de str, attachments: &'de [Bytes]) -> Self {
        Self { cursor: Cursor::new(json), attachments, depth: DEEPEST }
    }

    /// The attachment, if a placeholder comes next.
    fn attachment(&mut self) -> Result<Option<&'de [u8]>, Error> {
        let Some(index) = placeholder::eat(&mut self.cursor) else {
            return Ok(None);
        };
        match index.and_then(|index| self.attachments.get(index)) {
            Some(attachment) => Ok(Some(attachment)),
            None => Err(Error::custom("placeholder without attachment")),
        }
    }

    fn scalar(&mut self) -> Result<Deserializer<serde_json::de::StrRead<'de>>, Error> {
        Ok(Deserializer::from_str(self.cursor.value().map_err(not_json)?))
    }

    fn at_container(&self) -> bool {
        matches!(self.cursor.peek(), Some(b'{' | b'['))
    }

    /// Runs `inside` between the brackets of a container.
    fn nested<T>(
        &mut self,
        [open, close]: [u8; 2],
        inside: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(Error::custom("recursion limit exceeded"));
        };
        self.cursor.mark(open).map_err(not_json)?;
        self.depth = depth;
        let value = inside(self)?;
        self.depth += 1;
        self.cursor.blanks();
        if !self.cursor.eat(close) {
            return Err(Error::custom("more elements than expected"));
        }
        Ok(value)
    }

    fn array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.nested(*b"[]", |source| visitor.visit_seq(Contents { source, first: true }))
    }

    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.nested(*b"{}", |source| visitor.visit_map(Contents { source, first: true }))
    }
}

/// Scalars are `serde_json`'s; where a container stands instead, the visitor says what it thinks.
/// An attachment is none of them, not even if its bytes happen to be text.
macro_rules! scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if !self.at_container() {
                return self.scalar()?.$method(visitor);
            }
            match self.attachment()? {
                Some(bytes) => Err(Error::invalid_type(Unexpected::Bytes(bytes), &visitor)),
                None => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> serde::Deserializer<'de> for &mut Source<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.cursor.peek() {
            Some(b'{') => match self.attachment()? {
                Some(attachment) => visitor.visit_borrowed_bytes(attachment),
                None => self.object(visitor),
            },
            Some(b'[') => self.array(visitor),
            _ => self.scalar()?.deserialize_any(visitor),
        }
    }

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char deserialize_str
        deserialize_string deserialize_identifier deserialize_unit
        deserialize_map
    }

    /// A string is a way to send bytes, too; so is a list of numbers.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.at_container() {
            return self.deserialize_any(visitor);
        }
        self.scalar()?.deserialize_bytes(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.cursor.eat_word(b"null") { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// A list of numbers is a way to ask for bytes as well.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Some(attachment) = self.attachment()? {
            return visitor.visit_seq(SeqDeserializer::new(attachment.iter().copied()));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.cursor.peek() != Some(b'{') {
            return self.scalar()?.deserialize_enum(name, variants, visitor);
        }
        if let Some(attachment) = self.attachment()? {
            return visitor.visit_borrowed_bytes(attachment);
        }
        self.nested(*b"{}", |source| visitor.visit_enum(Contents { source, first: true }))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.cursor.value().map_err(not_json)?;
        visitor.visit_unit()
    }
}

/// What is between the brackets of a container.
struct Contents<'a, 'de> {
    source: &'a mut Source<'de>,
    first: bool,
}

impl<'de> Contents<'_, 'de> {
    /// Steps to the next element; false at the end.
    fn advance(&mut self, close: u8) -> Result<bool, Error> {
        let cursor = &mut self.source.cursor;
        cursor.blanks();
        if cursor.peek() == Some(close) {
            return Ok(false);
        }
        if !std::mem::take(&mut self.first) {
            cursor.mark(b',').map_err(not_json)?;
        }
        Ok(true)
    }

    fn key<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let token = self.source.cursor.string().map_err(not_json)?;
        seed.deserialize(Key { token })
    }

    fn value<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.source.cursor.mark(b':').map_err(not_json)?;
        seed.deserialize(&mut *self.source)
    }
}

impl<'de> SeqAccess<'de> for Contents<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if !self.advance(b']')? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.source).map(Some)
    }
}

impl<'de> MapAccess<'de> for Contents<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if !self.advance(b'}')? {
            return Ok(None);
        }
        self.key(seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.value(seed)
    }
}

/// `{"Variant": content}`: the key names the variant.
impl<'de> EnumAccess<'de> for Contents<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<(S::Value, Self), Error> {
        Ok((self.key(seed)?, self))
    }
}

impl<'de> VariantAccess<'de> for Contents<'_, 'de> {
    type Error = Error;

    fn unit_variant(mut self) -> Result<(), Error> {
        self.value(std::marker::PhantomData)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<S::Value, Error> {
        self.value(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.source.cursor.mark(b':').map_err(not_json)?;
        serde::Deserializer::deserialize_seq(self.source, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.source.cursor.mark(b':').map_err(not_json)?;
        serde::Deserializer::deserialize_map(self.source, visitor)
    }
}

fn not_json(fault: NotJson) -> Error {
    Error::custom(format_args!("not JSON from byte {} on", fault.at))
}

/// As deep as `serde_json` goes.
const DEEPEST: u8 = 127;
