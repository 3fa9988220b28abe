//! What handlers are given: the types that extractors of a server and of a client have in common. How they are taken
//! out of a call is said by each face.

use std::any::{TypeId, type_name};
use std::fmt;

/// Why an argument of a handler could not be had.
///
/// ```
/// let error = sockeye_handler::ExtractError::new::<u64>("no number");
/// assert!(error.message().contains("no number"), "{}", error.message());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtractError {
    wanted: &'static str,
    message: String,
}

impl ExtractError {
    /// `T` could not be had, in words for the client.
    ///
    /// ```
    /// let error = sockeye_handler::ExtractError::new::<u64>("no number");
    /// assert!(error.message().contains("no number"), "{}", error.message());
    /// ```
    pub fn new<T>(message: impl fmt::Display) -> Self {
        ExtractError { wanted: type_name::<T>(), message: message.to_string() }
    }

    /// The words for the client, such as `argument 1: invalid type: …`.
    ///
    /// ```
    /// let error = sockeye_handler::ExtractError::new::<u64>("no number");
    /// assert!(error.message().contains("no number"), "{}", error.message());
    /// ```
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// For the log: with the type that was wanted.
impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (for `{}`)", self.message, self.wanted)
    }
}

impl std::error::Error for ExtractError {}

/// A state that a handler asks for.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Which type it is.
    pub id: TypeId,
    /// What it is called.
    pub name: &'static str,
}

/// What the builder was given by `state`, cloned for this call. Wrap what
/// is big in an `Arc`.
///
/// Whether it is there is checked when the layer is made, not when the first event comes. That
/// cannot see handlers that are registered later, and those of a single socket
/// (`Socket::on`): there an event that misses its state is answered with an
/// error that names the type.
///
/// ```
/// use std::sync::Arc;
/// use sockeye::{Io, MountError, State};
///
/// #[derive(Clone)]
/// struct Words(Arc<Vec<String>>);
///
/// let io = Io::builder().build()?;
/// io.of("/").on("count", async |State(words): State<Words>| words.0.len());
/// let error = io.layer().unwrap_err(); // nobody gave `Words`
/// assert!(error.to_string().contains("`count`"));
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct State<T>(pub T);

/// The event's first argument; or, as a tuple, the first n. `Option`s may be missing.
///
/// ```
/// # let io = sockeye::Io::builder().build()?;
/// use sockeye::Data;
///
/// io.of("/").on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Data<T>(pub T);

/// The event's name: for `on_any`, and for handlers of several events.
///
/// ```
/// use sockeye::{Event, Io};
///
/// let io = Io::builder().build()?;
/// io.of("/").on_any(async |Event(name): Event| println!("{name}"));
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event(pub String);

/// What else is known of why the socket left, in words: which rule its client has broken, what went wrong with its
/// connection, or what `disconnect_with` was given. Often nothing.
///
/// ```
/// # let io = sockeye::Io::builder().build()?;
/// use sockeye::{Description, Reason};
///
/// io.of("/").on_disconnect(async |Reason(why): Reason, Description(words): Description| match words {
///     Some(words) => println!("left: {why}: {words}"),
///     None => println!("left: {why}"),
/// });
/// # Ok::<(), sockeye::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(pub Option<String>);
