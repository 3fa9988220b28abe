//! Why a guest is not given what it asks for.

use serde::Serialize;
use sockeye::{EmitError, Error, JoinError};
use thiserror::Error as ThisError;

/// A refusal: words for people, and a code for pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum Refusal {
    /// The connection never came in, or has ended.
    #[error("this connection is not in the chat")]
    Stranger,
    /// One has to be in a room to speak there.
    #[error("you are not in this room")]
    NotInside,
    /// See [`Pace`](crate::Pace).
    #[error("that was too fast: wait a moment")]
    TooFast,
    /// The log takes no more at the moment.
    #[error("the server has too much to write down: wait a moment")]
    Busy,
    /// See [`Limits::rooms_per_guest`](crate::Limits::rooms_per_guest).
    #[error("you are in {limit} rooms, and there cannot be more: leave one")]
    TooManyRooms {
        /// The limit.
        limit: usize,
    },
    /// See [`Limits::people_per_room`](crate::Limits::people_per_room).
    #[error("{limit} people are in this room, and there is no place for more")]
    RoomFull {
        /// The limit.
        limit: usize,
    },
    /// See [`Limits::rooms`](crate::Limits::rooms).
    #[error("there are {limit} rooms, all with people in them: come into one of those")]
    HallFull {
        /// The limit.
        limit: usize,
    },
}

impl Refusal {
    /// The code, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::Stranger => "stranger",
            Refusal::NotInside => "not_inside",
            Refusal::TooFast => "too_fast",
            Refusal::Busy => "busy",
            Refusal::TooManyRooms { .. } => "too_many_rooms",
            Refusal::RoomFull { .. } => "room_full",
            Refusal::HallFull { .. } => "hall_full",
        }
    }
}

/// What an acknowledgement carries beside the words of a refusal.
#[derive(Clone, Copy, Debug, Serialize)]
struct Code {
    code: &'static str,
}

/// The answer to whoever asked for it.
pub(crate) fn refused(refusal: Refusal) -> Error {
    Error::from(refusal).with_data(&Code { code: refusal.code() })
}

/// The log did not take an event.
pub(crate) fn not_emitted(error: EmitError) -> Error {
    match error {
        EmitError::Busy => refused(Refusal::Busy),
        other => other.into(),
    }
}

/// The log did not take that somebody joins or leaves.
pub(crate) fn not_joined(error: JoinError) -> Error {
    match error {
        JoinError::Busy => refused(Refusal::Busy),
        other => other.into(),
    }
}
