//! What a call owes its client: an answer, given by whoever has the last word.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use transport::ROOM;

use handler::Verdict;

use super::{AckSender, Question};
use crate::{Error, Namespace, Socket, ToArgs};

/// What the client of a call waits for.
#[derive(Debug, Default)]
pub(crate) enum Owed {
    /// Nothing: it asked for no answer, or has got it.
    #[default]
    Nothing,
    /// What the handler returns, or why it does not; the id to answer with.
    Value(u64),
    /// What the handler says itself: it has the [`AckSender`].
    ByHand(Arc<Slip>),
    /// As one of several handlers: what it returns, or what it says itself.
    OneOf { question: Arc<Question>, by_hand: bool },
}

impl Owed {
    pub(crate) fn new(ack: Option<u64>) -> Self {
        ack.map_or(Owed::Nothing, Owed::Value)
    }

    pub(crate) fn one_of(question: Option<&Arc<Question>>) -> Self {
        question.map_or(Owed::Nothing, |question| Owed::OneOf {
            question: Arc::clone(question),
            by_hand: false,
        })
    }

    /// From now on the handler answers by hand.
    pub(crate) fn hand_over(&mut self, socket: &Socket) -> AckSender {
        match self {
            Owed::Value(id) => {
                let (id, slip) = (*id, Slip::new(*id));
                *self = Owed::ByHand(Arc::clone(&slip));
                AckSender::new(socket.clone(), id, slip)
            }
            Owed::OneOf { question, by_hand: by_hand @ false } => {
                *by_hand = true;
                AckSender::one_of(socket.clone(), Arc::clone(question))
            }
            Owed::OneOf { by_hand: true, .. } | Owed::Nothing | Owed::ByHand(_) => {
                AckSender::unwanted(socket)
            }
        }
    }

    /// Where the handler's value goes, if somebody waits for it.
    pub(crate) fn place(&self, socket: &Socket) -> Option<(Namespace, u64)> {
        match self {
            Owed::Value(id) => Some((socket.namespace().clone(), *id)),
            Owed::OneOf { question, by_hand: false } => {
                Some((socket.namespace().clone(), question.id))
            }
            Owed::Nothing | Owed::ByHand(_) | Owed::OneOf { .. } => None,
        }
    }

    /// What a sender that is out shares with us.
    pub(crate) fn slip(&self) -> Option<Arc<Slip>> {
        match self {
            Owed::ByHand(slip) => Some(Arc::clone(slip)),
            Owed::Nothing | Owed::Value(_) | Owed::OneOf { .. } => None,
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
                match (std::mem::take(self), encoded) {
                    (_, None) => {}
                    (Owed::OneOf { question, .. }, Some(encoded)) => question.returned(encoded),
                    // A client that has left waits for nothing.
                    (_, Some(encoded)) => drop(socket.push_answer(encoded)),
                }
                Ok(())
            }
            Err(error) => {
                if let Owed::Value(_) | Owed::OneOf { by_hand: false, .. } = self {
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
            Owed::ByHand(slip) => slip.excuse(error),
            Owed::OneOf { question, .. } => question.failed(error),
        }
    }

    /// Its arguments have been extracted and its future has been made, or not. A sender that was
    /// dropped on the way has left the answer to us.
    ///
    /// # Errors
    ///
    /// What kept it from starting; the client has been told.
    pub(crate) fn started<T>(
        &mut self,
        socket: &Socket,
        started: Result<T, Error>,
    ) -> Result<T, Error> {
        let left = match self {
            Owed::ByHand(slip) => slip.hand_out().then_some(slip.id),
            Owed::Nothing | Owed::Value(_) | Owed::OneOf { .. } => None,
        };
        if let Some(id) = left {
            *self = Owed::Value(id);
        }
        match &started {
            Err(error) => self.fail(socket, error),
            Ok(_) if left.is_some() => self.fail(socket, &Error::new(NO_ANSWER)),
            Ok(_) => {}
        }
        started
    }
}

/// What an [`AckSender`] and whoever called its handler share: which of them answers if the sender
/// is dropped.
///
/// While the handler is being started, a sender that is dropped stays silent: an argument behind it
/// may be wrong, and nobody but the caller knows. Later it answers by itself.
///
/// ```text
///  STARTING ─── the handler has started ──▶ OUT    the sender answers, with `words` if there are any
///      └─────── the sender is dropped ────▶ LEFT   the caller answers
/// ```
#[derive(Debug)]
pub(crate) struct Slip {
    id: u64,
    state: AtomicU8,
    words: OnceLock<Box<str>>,
}

const STARTING: u8 = 0;
const OUT: u8 = 1;
const LEFT: u8 = 2;

impl Slip {
    fn new(id: u64) -> Arc<Self> {
        Arc::new(Slip { id, state: AtomicU8::new(STARTING), words: OnceLock::new() })
    }

    /// The handler has been started. Whether the sender has been dropped by then.
    fn hand_out(&self) -> bool {
        !self.leave_for(OUT) && self.state.load(Ordering::Acquire) == LEFT
    }

    /// The sender is dropped without an answer: the words to answer with, unless the caller does.
    pub(super) fn last_words(&self) -> Option<&str> {
        let silent = self.leave_for(LEFT);
        (!silent).then(|| self.words.get().map_or(NO_ANSWER, |words| words))
    }

    /// What a sender says that is dropped without an answer from now on.
    pub(crate) fn excuse(&self, error: &Error) {
        let _ = self.words.set(error.message().into());
    }

    fn leave_for(&self, state: u8) -> bool {
        let (ok, failed) = (Ordering::AcqRel, Ordering::Acquire);
        self.state.compare_exchange(STARTING, state, ok, failed).is_ok()
    }
}

pub(super) const NO_ANSWER: &str = "the handler gave no answer";

/// Answers with an error. A client that has left waits for nothing.
pub(super) fn answer_with(socket: &Socket, id: u64, error: &Error) {
    if let Ok(encoded) = error.answer().encode_ack(socket.namespace().name(), id, ROOM) {
        let _ = socket.push_answer(encoded);
    }
}
