//! Arguments of events and answers: raw ones that are passed on, and the user's types.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use socket_proto::{DecodeError, EncodeError, Encoded, OwnedArgs, encode};

use crate::error::ArgsError;
use crate::verdict::{self, Place, Verdict};

/// All arguments of an event or of an answer, raw: they are passed on unchanged, byte for byte,
/// attachments included, or read with [`parse`](Self::parse).
///
/// ```
/// use sockeye::{Args, Io, Result, Socket};
///
/// let io = Io::builder().build()?;
/// io.of("/")
///     .on("echo", async |socket: Socket, args: Args| -> Result<()> {
///         socket.emit("echo-back", &args)?; // relayed, never parsed
///         Ok(())
///     })
///     .on("echo-ack", async |args: Args| args); // the acknowledgement has the same arguments
///
/// let args = Args::new(&("sum", [1, 2]))?;
/// let (name, numbers): (String, Vec<u64>) = args.parse()?;
/// assert_eq!((name.as_str(), numbers.len(), args.len()), ("sum", 2, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Args(pub(crate) OwnedArgs);

impl Args {
    #[doc(hidden)]
    #[inline]
    pub fn of(args: OwnedArgs) -> Self {
        Args(args)
    }

    /// Arguments made from a value, as `emit` would: `()` is none, a tuple
    /// several, anything else one.
    ///
    /// ```
    /// use sockeye_handler::Args;
    ///
    /// let args = Args::new(&("tea", 2))?;
    /// assert_eq!(args.json(), "\"tea\",2");
    /// # Ok::<(), sockeye_handler::ArgsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the value cannot be written as JSON with attachments.
    pub fn new<T: ToArgs + ?Sized>(value: &T) -> Result<Self, ArgsError> {
        let encoded = value.encode_ack("/", 0, 0).map_err(|error| ArgsError(error.to_string()))?;
        Ok(Args(arguments(&encoded).to_owned()))
    }

    /// Arguments of JSON text that is there already: separated by commas, without brackets, passed on as it is. In
    /// it, `{"_placeholder":true,"num":N}` stands for attachment N.
    ///
    /// ```
    /// use sockeye::Args;
    ///
    /// let args = Args::from_json(r#"1e400,"text""#, &[])?;
    /// assert_eq!((args.len(), args.json()), (2, r#"1e400,"text""#));
    /// assert!(Args::from_json("hello", &[]).is_err());
    /// # Ok::<(), sockeye::ArgsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If it is not JSON, or a placeholder stands for no attachment.
    pub fn from_json(json: &str, attachments: &[Bytes]) -> Result<Self, ArgsError> {
        let args = socket_proto::Args { json, attachments };
        args.validate().map_err(|error| ArgsError(error.to_string()))?;
        Ok(Args(args.to_owned()))
    }

    /// The arguments as `T`: the first one; the first n if `T` is a tuple; missing ones may be
    /// `Option`s.
    ///
    /// ```
    /// use sockeye_handler::Args;
    ///
    /// let args = Args::new(&("tea", 2))?;
    /// let (what, cups): (String, u32) = args.parse()?;
    /// # Ok::<(), sockeye_handler::ArgsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Says which argument was wrong.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ArgsError> {
        self.0.as_args().parse().map_err(|error: DecodeError| ArgsError(error.to_string()))
    }

    /// How many there are.
    ///
    /// ```
    /// use sockeye_handler::Args;
    ///
    /// let args = Args::new(&("tea", 2))?;
    /// assert_eq!(args.len(), 2);
    /// # Ok::<(), sockeye_handler::ArgsError>(())
    /// ```
    pub fn len(&self) -> usize {
        self.0.as_args().len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// use sockeye_handler::Args;
    ///
    /// let args = Args::new(&("tea", 2))?;
    /// assert!(!args.is_empty());
    /// # Ok::<(), sockeye_handler::ArgsError>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.as_args().is_empty()
    }

    /// The raw JSON of each argument; attachments stand in it as placeholders.
    ///
    /// ```
    /// use sockeye_handler::Args;
    ///
    /// let args = Args::new(&("tea", 2))?;
    /// assert_eq!(args.iter().count(), 2);
    /// # Ok::<(), sockeye_handler::ArgsError>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.as_args().iter()
    }

    /// One argument, raw, to be passed on as it came; the attachments it points to go with it, and no
    /// others.
    ///
    /// ```
    /// use sockeye::{Args, Data, Io, Result};
    ///
    /// let io = Io::builder().build()?;
    /// io.of("/").on("say", async |io: Io, Data(room): Data<String>, args: Args| -> Result<()> {
    ///     let what = args.get(1).unwrap_or_default();
    ///     io.to(room).emit("said", &what)?; // the second argument, never parsed
    ///     Ok(())
    /// });
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Args> {
        self.0.as_args().nth(index).map(Args)
    }

    /// The raw JSON of all arguments, separated by commas, without brackets.
    ///
    /// ```
    /// use sockeye_handler::Args;
    ///
    /// let args = Args::new(&("tea", 2))?;
    /// assert_eq!(args.json(), "\"tea\",2");
    /// # Ok::<(), sockeye_handler::ArgsError>(())
    /// ```
    pub fn json(&self) -> &str {
        self.0.as_args().json
    }

    /// The attachments, in the order in which the placeholders count them.
    ///
    /// ```
    /// use sockeye_handler::Args;
    ///
    /// let args = Args::new(&("tea", 2))?;
    /// assert!(args.attachments().is_empty());
    /// # Ok::<(), sockeye_handler::ArgsError>(())
    /// ```
    pub fn attachments(&self) -> &[Bytes] {
        self.0.as_args().attachments
    }
}

/// What stands in the brackets of an acknowledgement.
pub fn arguments(answer: &Encoded) -> socket_proto::Args<'_> {
    let inside = answer.text().split_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    let json = inside.expect("an acknowledgement ends in an array");
    socket_proto::Args { json, attachments: &answer.attachments }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let args = self.0.as_args();
        write!(f, "Args([{}], {} attachments)", args.json, args.attachments.len())
    }
}

/// What can be emitted, and what a handler can answer with: anything that serde can write, and
/// [`Args`].
///
/// `()` is no argument, a tuple is several, anything else is one. Bytes (`bytes::Bytes`,
/// `serde_bytes`) anywhere inside become attachments.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let io = sockeye::Io::builder().build()?;
/// io.emit("nothing", &())?;
/// io.emit("one", "text")?;
/// io.emit("one", &[1, 2, 3])?;
/// io.emit("two", &("text", 2))?;
/// io.emit("binary", &(bytes::Bytes::from_static(&[1, 2]),))?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent",
    label = "not `Serialize`",
    note = "add `#[derive(serde::Serialize)]`; `()` sends no argument, a tuple several"
)]
pub trait ToArgs {
    /// The event, with `room` bytes in front for what the floors below write there.
    #[doc(hidden)]
    fn encode_event(
        &self,
        namespace: &str,
        name: &str,
        ack: Option<u64>,
        room: usize,
    ) -> Result<Encoded, EncodeError>;

    #[doc(hidden)]
    fn encode_ack(&self, namespace: &str, id: u64, room: usize) -> Result<Encoded, EncodeError>;

    /// What it means as the return value of a handler: `place` is where an answer would go.
    #[doc(hidden)]
    fn verdict(&self, place: Option<Place<'_>>) -> Verdict;
}

impl<T: Serialize + ?Sized> ToArgs for T {
    fn encode_event(
        &self,
        namespace: &str,
        name: &str,
        ack: Option<u64>,
        room: usize,
    ) -> Result<Encoded, EncodeError> {
        encode::event(namespace, name, self, ack, room)
    }

    fn encode_ack(&self, namespace: &str, id: u64, room: usize) -> Result<Encoded, EncodeError> {
        encode::ack(namespace, id, self, room)
    }

    fn verdict(&self, place: Option<Place<'_>>) -> Verdict {
        verdict::of_serializable(self, place)
    }
}

impl ToArgs for Args {
    fn encode_event(
        &self,
        namespace: &str,
        name: &str,
        ack: Option<u64>,
        room: usize,
    ) -> Result<Encoded, EncodeError> {
        let mut reserved = socket_proto::event::RESERVED.into_iter();
        if let Some(reserved) = reserved.find(|reserved| *reserved == name) {
            return Err(EncodeError::Reserved(reserved));
        }
        Ok(encode::event_raw(namespace, name, self.0.as_args(), ack, room))
    }

    fn encode_ack(&self, namespace: &str, id: u64, room: usize) -> Result<Encoded, EncodeError> {
        Ok(encode::ack_raw(namespace, id, self.0.as_args(), room))
    }

    fn verdict(&self, place: Option<Place<'_>>) -> Verdict {
        verdict::of_args(self, place)
    }
}

/// What the answer to an event can be read as: anything that serde can read (the first argument, or
/// several as a tuple), and [`Args`].
#[diagnostic::on_unimplemented(
    message = "an answer cannot be read as `{Self}`",
    label = "neither `DeserializeOwned` nor `Args`",
    note = "add `#[derive(serde::Deserialize)]` to a type that owns its data"
)]
pub trait FromArgs: Sized {
    #[doc(hidden)]
    fn from_args(args: OwnedArgs) -> Result<Self, DecodeError>;
}

impl<T: DeserializeOwned> FromArgs for T {
    fn from_args(args: OwnedArgs) -> Result<Self, DecodeError> {
        args.as_args().parse()
    }
}

impl FromArgs for Args {
    fn from_args(args: OwnedArgs) -> Result<Self, DecodeError> {
        Ok(Args(args))
    }
}
