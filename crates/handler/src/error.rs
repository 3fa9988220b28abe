//! What handlers fail with, and what is wrong with arguments.

use std::error::Error as StdError;
use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;
use thiserror::Error as ThisError;

/// What a handler or a middleware returns: any error becomes an [`Error`] by `?`.
///
/// ```
/// fn halve(number: u64) -> sockeye_handler::Result<u64> {
///     if number % 2 == 0 { Ok(number / 2) } else { Err(sockeye_handler::Error::new("odd")) }
/// }
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a handler failed with: a message for the client, and data if it needs more than words.
///
/// Any error turns into it by `?`, and so do `&str` and `String`. A client that waits for an
/// acknowledgement receives `{"error":{"message":…,"data":…}}`; one that is still connecting
/// receives `CONNECT_ERROR` with `message` and `data`.
///
/// ```
/// use serde_json::json;
/// use sockeye::{Error, Result};
///
/// fn token(text: &str) -> Result<u64> {
///     if text.is_empty() {
///         return Err(Error::new("not authorized").with_data(&json!({"code": "E_AUTH"})));
///     }
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(token("").unwrap_err().to_string(), "not authorized");
/// assert_eq!(token("x").unwrap_err().to_string(), "invalid digit found in string");
/// ```
pub struct Error(Box<Inside>);

struct Inside {
    cause: Box<dyn StdError + Send + Sync>,
    data: Option<Box<RawValue>>,
}

impl Error {
    /// An error with these words.
    ///
    /// ```
    /// assert_eq!(sockeye_handler::Error::new("no").message(), "no");
    /// ```
    pub fn new(message: impl Into<String>) -> Self {
        Self::from(message.into())
    }

    /// Adds data for the client. Data that JSON cannot represent is left out, and logged.
    ///
    /// ```
    /// let error = sockeye_handler::Error::new("no").with_data(&7);
    /// ```
    #[must_use]
    pub fn with_data<T: Serialize + ?Sized>(mut self, data: &T) -> Self {
        match serde_json::value::to_raw_value(data) {
            Ok(data) => self.0.data = Some(data),
            Err(error) => tracing::warn!(%error, "the data of an error is no JSON, and left out"),
        }
        self
    }

    /// The words the client gets.
    ///
    /// ```
    /// assert_eq!(sockeye_handler::Error::new("no").message(), "no");
    /// ```
    pub fn message(&self) -> String {
        self.0.cause.to_string()
    }

    /// The data the client gets, as JSON.
    ///
    /// ```
    /// assert!(sockeye_handler::Error::new("no").data().is_none());
    /// ```
    pub fn data(&self) -> Option<&str> {
        self.0.data.as_deref().map(RawValue::get)
    }

    /// The error this was made from.
    ///
    /// ```
    /// assert_eq!(sockeye_handler::Error::new("no").cause().to_string(), "no");
    /// ```
    pub fn cause(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0.cause
    }

    /// What answers an acknowledgement: one argument.
    #[doc(hidden)]
    pub fn answer(&self) -> impl Serialize + '_ {
        #[derive(Serialize)]
        struct Answer<'a> {
            error: Body<'a>,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            message: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            data: Option<&'a RawValue>,
        }
        Answer { error: Body { message: self.message(), data: self.0.data.as_deref() } }
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for Error {
    fn from(cause: E) -> Self {
        Error(Box::new(Inside { cause: cause.into(), data: None }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.cause, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error").field("cause", &self.0.cause).field("data", &self.data()).finish()
    }
}

/// Why raw arguments are not of the expected type. Says which argument was wrong.
///
/// ```
/// let args = sockeye_handler::Args::new("tea").unwrap();
/// let error = args.parse::<u64>().unwrap_err();
/// assert!(error.to_string().contains("argument"), "{error}");
/// ```
#[derive(Clone, Debug, ThisError)]
#[error("{0}")]
pub struct ArgsError(pub(crate) String);

impl ArgsError {
    #[doc(hidden)]
    pub fn new(problem: impl Into<String>) -> Self {
        ArgsError(problem.into())
    }
}
