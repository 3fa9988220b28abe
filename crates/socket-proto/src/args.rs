//! The arguments of an event or an ack, as they came.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::de;
use crate::error::DecodeError;
use crate::json::Cursor;
use crate::placeholder;

/// Arguments, unparsed: JSON text, and the attachments that its placeholders point to.
///
/// What [`receive`](crate::server::Connection::receive) hands up is valid, and can be passed on
/// with [`encode::event_raw`](crate::encode::event_raw) without a byte being rewritten.
///
/// ```
/// use sockeye_socket_proto::Args;
///
/// let args = Args { json: r#""lobby",{"level":3},12345678901234567890"#, attachments: &[] };
/// assert_eq!(args.len(), 3);
/// assert_eq!(args.iter().nth(1), Some(r#"{"level":3}"#));
///
/// // A type that is no tuple takes the first argument, a tuple takes as many as it has.
/// assert_eq!(args.parse::<String>().unwrap(), "lobby");
/// #[derive(serde::Deserialize)]
/// struct Place { level: u32 }
/// let (room, place) = args.parse::<(String, Place)>().unwrap();
/// assert_eq!((room.as_str(), place.level), ("lobby", 3));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Args<'a> {
    /// The arguments as JSON, separated by commas, without the array's brackets; `""` is none.
    pub json: &'a str,
    /// What the placeholders in `json` point to. If it is empty there are no placeholders: then
    /// what looks like one is data.
    pub attachments: &'a [Bytes],
}

impl<'a> Args<'a> {
    /// How many arguments there are. Walks over all of them.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.iter().ended
    }

    /// The JSON text of each argument.
    pub fn iter(&self) -> Elements<'a> {
        let mut rest = Cursor::new(self.json);
        rest.blanks();
        Elements { rest, ended: rest.peek().is_none() }
    }

    /// One argument alone, with the attachments it points to and no other. They are counted anew; but
    /// for their numbers not a byte of the text changes.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use sockeye_socket_proto::Args;
    ///
    /// let attachments = [Bytes::from_static(b"mine"), Bytes::from_static(b"yours")];
    /// let json = r#"1,{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;
    /// let args = Args { json, attachments: &attachments };
    ///
    /// assert!(args.nth(0).unwrap().as_args().attachments.is_empty());
    /// let yours = args.nth(2).unwrap();
    /// assert_eq!(yours.as_args().json, r#"{"_placeholder":true,"num":0}"#);
    /// assert_eq!(yours.as_args().attachments, ["yours"]);
    /// ```
    pub fn nth(&self, index: usize) -> Option<OwnedArgs> {
        let (json, attachments) = placeholder::cut_out(self.iter().nth(index)?, self.attachments);
        Some(OwnedArgs { json, attachments })
    }

    /// Makes a `T` of the arguments.
    ///
    /// - `T` is a tuple: the first arguments, one each. Missing ones become `None` where the tuple
    ///   has an `Option`; further ones are ignored.
    /// - `T` is `()`: whatever came.
    /// - any other `T`, arrays and structs included: the first argument.
    ///
    /// An attachment becomes what the type makes of bytes: `bytes::Bytes` (with that crate's
    /// feature `serde`), `serde_bytes::ByteBuf`, or a `Vec<u8>`. A `serde_json::Value` has no
    /// place for bytes, and is an error where an attachment stands.
    ///
    /// # Errors
    ///
    /// Which argument is not what `T` needs, what came, and what was expected. Nesting of 128
    /// levels and more is an error too, as is what the type cannot represent, such as `1e400` in a
    /// `f64`, or half a surrogate pair in a `String`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        de::from_args(*self)
    }

    /// Whether the text is JSON and every placeholder points to an attachment. Only arguments from
    /// elsewhere need this: what a connection received has passed it.
    ///
    /// # Errors
    ///
    /// The first argument which is neither.
    ///
    /// ```
    /// use sockeye_socket_proto::Args;
    ///
    /// assert!(Args { json: "1,[true]", attachments: &[] }.validate().is_ok());
    /// let error = Args { json: "1,[true", attachments: &[] }.validate().unwrap_err();
    /// assert_eq!(error.argument(), 2);
    /// ```
    pub fn validate(&self) -> Result<(), DecodeError> {
        let mut cursor = Cursor::new(self.json);
        if self.is_empty() {
            return Ok(());
        }
        let mut position = 1;
        loop {
            cursor.blanks();
            let Ok(value) = cursor.value() else {
                return Err(DecodeError::new(position, "not JSON".into()));
            };
            if !self.attachments.is_empty() && !placeholder::check(value, self.attachments.len()) {
                return Err(DecodeError::new(position, "placeholder without attachment".into()));
            }
            if cursor.end().is_ok() {
                return Ok(());
            }
            if !cursor.eat(b',') {
                return Err(DecodeError::new(position, "not JSON".into()));
            }
            position += 1;
        }
    }

    /// A copy that lives on its own. The attachments are shared, not copied.
    pub fn to_owned(self) -> OwnedArgs {
        OwnedArgs { json: self.json.into(), attachments: self.attachments.into() }
    }
}

impl<'a> IntoIterator for &Args<'a> {
    type Item = &'a str;
    type IntoIter = Elements<'a>;

    fn into_iter(self) -> Elements<'a> {
        self.iter()
    }
}

/// The JSON text of each argument; made by [`Args::iter`].
///
/// Text that is not JSON ends the iteration where it ceases to be.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: Cursor<'a>,
    ended: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.ended {
            return None;
        }
        let element = self.rest.value().ok();
        self.rest.blanks();
        self.ended = element.is_none() || !self.rest.eat(b',');
        self.rest.blanks();
        element
    }
}

impl std::iter::FusedIterator for Elements<'_> {}

/// [`Args`] that borrow from nobody: parked events, answers that somebody awaits.
///
/// ```
/// use sockeye_socket_proto::Args;
///
/// let parked = Args { json: "1,2", attachments: &[] }.to_owned();
/// assert_eq!(parked.as_args().parse::<(u8, u8)>().unwrap(), (1, 2));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnedArgs {
    json: Box<str>,
    attachments: Box<[Bytes]>,
}

impl OwnedArgs {
    /// The arguments, borrowed.
    pub fn as_args(&self) -> Args<'_> {
        Args { json: &self.json, attachments: &self.attachments }
    }

    /// How many bytes are kept alive by this, attachments included: for budgets.
    pub fn bytes(&self) -> usize {
        self.json.len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }
}
