//! From user data to arguments: JSON, and the bytes that JSON cannot hold.
//!
//! Bytes (`serialize_bytes`) anywhere in the data become an attachment, and a placeholder in their
//! place; everything else is `serde_json`'s, without blanks.

use std::io::{self, Write};

use bytes::Bytes;
use serde::Serialize;
use serde_json::ser::Formatter;

use crate::arity::Arity;
use crate::error::EncodeError;
use crate::placeholder;

/// Appends the arguments to `json`, separated by commas; `first` says whether they are the first
/// elements of their array. Returns the attachments.
pub(crate) fn append<T: Serialize + ?Sized>(
    args: &T,
    first: bool,
    json: &mut Vec<u8>,
) -> Result<Vec<Bytes>, EncodeError> {
    let arity = Arity::of::<T>();
    let mut binary = Binary::default();
    if arity == Arity::None {
        return Ok(binary.attachments);
    }
    if !first {
        json.push(b',');
    }
    let arguments =
        Arguments { binary: &mut binary, spread: arity == Arity::Several, depth: 0, in_key: false };
    args.serialize(&mut serde_json::Serializer::with_formatter(json, arguments))
        .map_err(|error| EncodeError::Serialize(error.to_string()))?;
    if binary.ambiguous && !binary.attachments.is_empty() {
        return Err(EncodeError::Placeholder);
    }
    Ok(binary.attachments)
}

/// What was met on the way.
#[derive(Default)]
struct Binary {
    attachments: Vec<Bytes>,
    /// The data has a key of its own that looks like a placeholder's.
    ambiguous: bool,
}

/// Writes JSON, but for bytes; with `spread` without the brackets around the whole.
struct Arguments<'a> {
    binary: &'a mut Binary,
    spread: bool,
    /// How many arrays are open.
    depth: usize,
    in_key: bool,
}

impl Arguments<'_> {
    fn is_outermost(&self) -> bool {
        self.spread && self.depth == 0
    }
}

impl Formatter for Arguments<'_> {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let silent = self.is_outermost();
        self.depth += 1;
        if silent { Ok(()) } else { writer.write_all(b"[") }
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.is_outermost() { Ok(()) } else { writer.write_all(b"]") }
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.in_key = true;
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.in_key = false;
        Ok(())
    }

    // The key has no character that needs an escape, so it always comes in one piece.
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.binary.ambiguous |= self.in_key && fragment == placeholder::KEY;
        writer.write_all(fragment.as_bytes())
    }

    fn write_raw_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.binary.ambiguous |= fragment.contains(placeholder::KEY);
        writer.write_all(fragment.as_bytes())
    }

    fn write_byte_array<W: ?Sized + Write>(
        &mut self,
        mut writer: &mut W,
        value: &[u8],
    ) -> io::Result<()> {
        let attachments = &mut self.binary.attachments;
        placeholder::write(attachments.len(), &mut writer)?;
        attachments.push(Bytes::copy_from_slice(value));
        Ok(())
    }
}
