//! Why there is no answer, in words for a user.

use std::sync::Arc;

use serde_json::value::RawValue;
use socket_proto::{Args, OwnedArgs};
use thiserror::Error as ThisError;

use super::{Outcome, Silence};
use crate::outbox::EmitError;
use crate::{DisconnectReason, FromArgs, Refused};

/// Why an event has no answer, or none of the kind that was asked for.
///
/// ```no_run
/// # async fn example(socket: sockeye_client::Socket) {
/// use sockeye_client::AckError;
///
/// match socket.emit_with_ack::<u32>("join", "lobby").await {
///     Ok(members) => println!("{members} are there"),
///     Err(AckError::Refused(refused)) => println!("no: {}, {:?}", refused.message, refused.data),
///     Err(AckError::Timeout) => println!("nobody knows: it may have been handled"),
///     Err(other) => println!("{other}"),
/// }
/// # }
/// ```
#[derive(Clone, Debug, ThisError)]
#[non_exhaustive]
pub enum AckError {
    /// It did not come in time. If the event still waited to be sent, it has been taken back.
    #[error("the server has not answered in time")]
    Timeout,
    /// The socket was disconnected after the event had been sent; the server may have handled it.
    #[error("the socket was disconnected before the answer came: {reason}")]
    Disconnected {
        /// Why it was disconnected.
        reason: DisconnectReason,
    },
    /// The server's handler failed: it answered `{"error": {"message": …, "data": …}}`, as handlers of sockeye do.
    #[error("the server refused: {0}")]
    Refused(Arc<Refused>),
    /// The answer is not what was asked for.
    #[error("the answer cannot be read: {problem}")]
    Answer {
        /// Which argument was wrong, and what came.
        problem: String,
    },
    /// It was not sent.
    #[error(transparent)]
    Emit(#[from] EmitError),
    /// A [reliable](crate::Socket::reliably) event was given up; the server may have handled it.
    #[error("given up: {attempts} attempts went by without an answer in time")]
    GivenUp {
        /// How many attempts got no answer in time.
        attempts: u32,
    },
}

/// What came of a question, as whoever asked wants to read it.
pub(super) fn read<T: FromArgs>(outcome: Outcome) -> Result<T, AckError> {
    match outcome {
        Ok(args) => match refused(args.as_args()) {
            Some(refused) => Err(AckError::Refused(Arc::new(refused))),
            None => parse(args),
        },
        Err(Silence::Disconnected(reason)) => Err(AckError::Disconnected { reason }),
        Err(Silence::Dropped) => Err(EmitError::Dropped.into()),
        Err(Silence::NotReady) => Err(EmitError::NotReady.into()),
        Err(Silence::GivenUp(attempts)) => Err(AckError::GivenUp { attempts }),
        Err(Silence::NotStored(problem)) => Err(EmitError::Outbox { problem }.into()),
    }
}

fn parse<T: FromArgs>(args: OwnedArgs) -> Result<T, AckError> {
    T::from_args(args).map_err(|error| AckError::Answer { problem: error.to_string() })
}

/// The one argument `{"error": {"message": …}}` and nothing else.
fn refused(args: Args<'_>) -> Option<Refused> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Answer {
        error: Body,
    }
    #[derive(serde::Deserialize)]
    struct Body {
        message: String,
        data: Option<Box<RawValue>>,
    }
    if !args.json.trim_start().starts_with('{') {
        return None;
    }
    let Answer { error } = serde_json::from_str(args.json).ok()?;
    Some(Refused::new(&error.message, error.data.as_deref().map(RawValue::get)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use socket_proto::Args;

    use super::refused;

    #[test]
    fn only_what_is_shaped_as_an_error_is_a_refusal() {
        let read = |json| refused(Args { json, attachments: &[] });
        let no = read(r#"{"error":{"message":"no","data":{"code":7}}}"#).expect("a refusal");
        assert_eq!((no.message.as_str(), no.data), ("no", Some(json!({"code": 7}))));
        assert_eq!(read(r#" {"error":{"message":"no"}}"#).expect("a refusal").data, None);
        for other in [
            "",
            "1",
            r#""error""#,
            r#"{"error":"no"}"#,
            r#"{"error":{"message":7}}"#,
            r#"{"error":{"message":"no"},"more":1}"#,
            r#"{"error":{"message":"no"}},2"#,
        ] {
            assert!(read(other).is_none(), "{other}");
        }
    }
}
