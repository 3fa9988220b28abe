//! What a call owes its client: an answer, given by whoever has the last word.

use std::sync::{Arc, OnceLock};

use super::AckSender;
use crate::verdict::Verdict;
use crate::{Error, Namespace, Socket, ToArgs};

/// What the client of a call waits for.
#[derive(Debug, Default)]
pub(crate) enum Owed {
    /// Nothing: it asked for no answer, or has got it.
    #[default]
    Nothing,
    /// What the handler returns, or why it does not; the id to answer with.
    Value(u64),
    /// What the handler says itself: it has the [`AckSender`], and we what that says in its stead.
    ByHand(Arc<LastWords>),
}

/// What an [`AckSender`] answers with that is dropped without an answer.
pub(crate) type LastWords = OnceLock<Box<str>>;

impl Owed {
    pub(crate) fn new(ack: Option<u64>) -> Self {
        ack.map_or(Owed::Nothing, Owed::Value)
    }

    /// From now on the handler answers by hand.
    pub(crate) fn hand_over(&mut self, socket: &Socket) -> AckSender {
        match *self {
            Owed::Value(id) => {
                let words = Arc::new(LastWords::new());
                *self = Owed::ByHand(Arc::clone(&words));
                AckSender::new(socket.clone(), id, words)
            }
            Owed::Nothing | Owed::ByHand(_) => AckSender::unwanted(socket),
        }
    }

    /// Where the handler's value goes, if somebody waits for it.
    pub(crate) fn place(&self, socket: &Socket) -> Option<(Namespace, u64)> {
        match self {
            Owed::Value(id) => Some((socket.namespace().clone(), *id)),
            Owed::Nothing | Owed::ByHand(_) => None,
        }
    }

    /// The handler has come to its end.
    ///
    /// # Errors
    ///
    /// What it failed with.
    pub(crate) fn settle(&mut self, socket: &Socket, verdict: Verdict) -> Result<(), Error> {
        match verdict {
            Ok(encoded) => {
                if let Some(encoded) = encoded {
                    // A client that has left waits for nothing.
                    let _ = socket.push_answer(encoded);
                }
                *self = Owed::Nothing;
                Ok(())
            }
            Err(error) => {
                if let Owed::Value(_) = self {
                    self.fail(socket, &error);
                }
                Err(error)
            }
        }
    }

    /// There will be no answer, for this reason: the client is told, now or by the sender when it
    /// is dropped.
    pub(crate) fn fail(&mut self, socket: &Socket, error: &Error) {
        match std::mem::take(self) {
            Owed::Nothing => {}
            Owed::Value(id) => answer_with(socket, id, error),
            Owed::ByHand(words) => drop(words.set(error.message().into())),
        }
    }
}

/// Answers with an error. A client that has left waits for nothing.
pub(super) fn answer_with(socket: &Socket, id: u64, error: &Error) {
    if let Ok(encoded) = error.answer().encode_ack(socket.namespace().name(), id) {
        let _ = socket.push_answer(encoded);
    }
}
