//! What a handler's return value means: an answer, or a failure.
//!
//! A `Result` whose error serde can write is itself something serde can write, so the compiler
//! takes it for a plain value. It is recognised here, by what it tells the serializer about itself,
//! and treated as the `Result` it is.

use std::any::type_name;
use std::fmt;

use serde::ser::{self, Impossible, Serialize, Serializer};
use socket_proto::{EncodeError, Encoded, encode};

use crate::{Args, Error, ToArgs};

/// Where an answer goes.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The name of the namespace.
    pub namespace: &'a str,
    /// The id of the acknowledgement.
    pub id: u64,
    /// Bytes that the answer has free in front, for what the floors below write there.
    pub room: usize,
}

/// What became of a handler: `Ok` holds the packet that answers, if an answer is wanted.
pub type Verdict = Result<Option<Encoded>, Error>;

pub(crate) fn of_serializable<T: Serialize + ?Sized>(
    value: &T,
    place: Option<Place<'_>>,
) -> Verdict {
    if type_name::<T>().starts_with("core::result::Result<") {
        return value
            .serialize(Opener { place })
            .unwrap_or_else(|unread| Err(Error::new(unread.0)));
    }
    answer(value, place)
}

#[allow(clippy::unnecessary_wraps)] // the same shape as its siblings
pub(crate) fn of_args(args: &Args, place: Option<Place<'_>>) -> Verdict {
    let raw =
        |place: Place<'_>| encode::ack_raw(place.namespace, place.id, args.0.as_args(), place.room);
    Ok(place.map(raw))
}

/// Whether an answer has no arguments: its brackets have nothing in between.
pub fn is_empty(answer: &Encoded) -> bool {
    answer.attachments.is_empty() && answer.text().ends_with("[]")
}

/// Something that can be the error of a handler's `Result`.
///
/// Every `std::error::Error` is, and so is [`Error`], which any error becomes by `?`. Errors that
/// serde can write, such as `String`, need nothing. An error that is both a `std::error::Error` and
/// `Serialize` leaves the compiler with two ways to read it (*type annotations needed*): return
/// [`crate::Result`] then.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an error that a handler can return",
    note = "return `sockeye::Result<T>`: any error becomes a `sockeye::Error` by `?`"
)]
pub trait Fail {
    #[doc(hidden)]
    fn into_error(self) -> Error;
}

impl<E: std::error::Error + Send + Sync + 'static> Fail for E {
    fn into_error(self) -> Error {
        Error::from(self)
    }
}

impl Fail for Error {
    fn into_error(self) -> Error {
        self
    }
}

/// The verdict on a `Result` that serde cannot write.
///
/// # Errors
///
/// What the handler failed with.
pub fn of_result<T: ToArgs, E: Fail>(result: Result<T, E>, place: Option<Place<'_>>) -> Verdict {
    match result {
        Ok(value) => value.verdict(place),
        Err(error) => Err(error.into_error()),
    }
}

fn answer<T: Serialize + ?Sized>(value: &T, place: Option<Place<'_>>) -> Verdict {
    let Some(Place { namespace, id, room }) = place else {
        return Ok(None);
    };
    let encoded = encode::ack(namespace, id, value, room);
    encoded.map(Some).map_err(|error: EncodeError| Error::new(format!("the answer: {error}")))
}

/// The error's words: its own if it is a text, and else the whole of it as data.
fn failure<T: Serialize + ?Sized>(error: &T) -> Error {
    match serde_json::to_value(error) {
        Ok(serde_json::Value::String(message)) => Error::new(message),
        Ok(data) => Error::new("the handler failed").with_data(&data),
        Err(error) => Error::new(error.to_string()),
    }
}

/// Opens a `Result`, which introduces itself as a variant `Ok` or `Err` with one field.
struct Opener<'a> {
    place: Option<Place<'a>>,
}

/// Nothing but a `Result` gets here.
#[derive(Debug)]
struct Unread(String);

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unread {}

impl ser::Error for Unread {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Unread(message.to_string())
    }
}

/// Everything a `Result` never says.
macro_rules! never {
    ($($name:ident($($type:ty),*) -> $ok:ty;)*) => {
        $(fn $name(self, $(_: $type),*) -> Result<$ok, Unread> {
            Err(Unread("the handler's result".into()))
        })*
    };
}

impl Serializer for Opener<'_> {
    type Ok = Verdict;
    type Error = Unread;
    type SerializeSeq = Impossible<Verdict, Unread>;
    type SerializeTuple = Impossible<Verdict, Unread>;
    type SerializeTupleStruct = Impossible<Verdict, Unread>;
    type SerializeTupleVariant = Impossible<Verdict, Unread>;
    type SerializeMap = Impossible<Verdict, Unread>;
    type SerializeStruct = Impossible<Verdict, Unread>;
    type SerializeStructVariant = Impossible<Verdict, Unread>;

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Verdict, Unread> {
        Ok(if variant == "Ok" { answer(value, self.place) } else { Err(failure(value)) })
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Verdict, Unread> {
        Err(Unread("the handler's result".into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<Verdict, Unread> {
        Err(Unread("the handler's result".into()))
    }

    never! {
        serialize_bool(bool) -> Verdict;
        serialize_i8(i8) -> Verdict;
        serialize_i16(i16) -> Verdict;
        serialize_i32(i32) -> Verdict;
        serialize_i64(i64) -> Verdict;
        serialize_u8(u8) -> Verdict;
        serialize_u16(u16) -> Verdict;
        serialize_u32(u32) -> Verdict;
        serialize_u64(u64) -> Verdict;
        serialize_f32(f32) -> Verdict;
        serialize_f64(f64) -> Verdict;
        serialize_char(char) -> Verdict;
        serialize_str(&str) -> Verdict;
        serialize_bytes(&[u8]) -> Verdict;
        serialize_none() -> Verdict;
        serialize_unit() -> Verdict;
        serialize_unit_struct(&'static str) -> Verdict;
        serialize_unit_variant(&'static str, u32, &'static str) -> Verdict;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Option<Place<'_>> = Some(Place { namespace: "/", id: 1, room: 0 });

    fn text(verdict: Verdict) -> String {
        match verdict {
            Ok(encoded) => encoded.map_or_else(String::new, |encoded| encoded.text().to_owned()),
            Err(error) => format!("{error} {:?}", error.data()),
        }
    }

    #[test]
    fn a_plain_value_answers() {
        assert_eq!(text(7.verdict(PLACE)), "31[7]");
        assert_eq!(text(("a", 7).verdict(PLACE)), "31[\"a\",7]");
        assert_eq!(text(().verdict(PLACE)), "31[]");
        assert_eq!(text(7.verdict(None)), "");
    }

    #[test]
    fn a_result_with_a_serializable_error_is_opened() {
        let good: Result<(u8, u8), String> = Ok((1, 2));
        assert_eq!(text(good.verdict(PLACE)), "31[1,2]");
        let bad: Result<(), &str> = Err("no");
        assert_eq!(text(bad.verdict(PLACE)), "no None");
        let odd: Result<(), u8> = Err(7);
        assert_eq!(text(odd.verdict(None)), "the handler failed Some(\"7\")");
    }
}
