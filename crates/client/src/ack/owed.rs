//! What is owed to the server for an event that asks for an answer: the first that has something to say gives it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ::handler::verdict::is_empty;
use ::handler::{ToArgs, Verdict};
use engine_client::ROOM;
use socket_proto::Encoded;

use super::AckSender;
use crate::Error;
use crate::hub::Hub;
use crate::socket::Core;

/// What the server waits for. Whoever may answer holds it: its handlers while they run, their [`AckSender`]s, whoever has pulled
/// the event. When nobody does any more and nothing was said, that is what the server hears.
pub(crate) struct Question {
    hub: Arc<Hub>,
    core: Arc<Core>,
    /// The session of the socket in which it was asked: to the next one the id means nothing.
    session: u64,
    id: u64,
    answered: AtomicBool,
    /// Somebody has returned `()`: that is an answer if there is no better one.
    returned: AtomicBool,
    /// What is said if nobody answers, instead of [`NO_ANSWER`].
    words: OnceLock<Box<str>>,
}

const NO_ANSWER: &str = "the handler gave no answer";

impl Question {
    pub(crate) fn new(hub: &Arc<Hub>, core: &Arc<Core>, session: u64, id: u64) -> Arc<Self> {
        Arc::new(Question {
            hub: Arc::clone(hub),
            core: Arc::clone(core),
            session,
            id,
            answered: AtomicBool::new(false),
            returned: AtomicBool::new(false),
            words: OnceLock::new(),
        })
    }

    pub(crate) fn namespace(&self) -> &str {
        self.core.namespace()
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether the answer has been given, or nobody waits for it any more.
    pub(super) fn is_over(&self) -> bool {
        self.answered.load(Ordering::Acquire) || self.core.hearing.session() != self.session
    }

    /// Gives the answer, unless it has been given. A server that we have left waits for nothing.
    pub(super) fn answer(&self, answer: Encoded) {
        if !self.answered.swap(true, Ordering::AcqRel) {
            self.core.answer(self.session, answer);
            self.hub.queued();
        }
    }

    fn returned(&self, answer: Encoded) {
        if is_empty(&answer) {
            self.returned.store(true, Ordering::Release);
        } else {
            self.answer(answer);
        }
    }

    /// There will be no answer, for this reason.
    pub(crate) fn failed(&self, error: &Error) {
        if let Ok(answer) = error.answer().encode_ack(self.namespace(), self.id, ROOM) {
            self.answer(answer);
        }
    }

    /// What the server hears if nobody answers.
    fn excuse(&self, error: &Error) {
        let _ = self.words.set(error.message().into());
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        if *self.answered.get_mut() {
            return;
        }
        if !*self.returned.get_mut() {
            let words = self.words.get().map_or(NO_ANSWER, |words| words);
            return self.failed(&Error::new(words));
        }
        if let Ok(answer) = ().encode_ack(self.namespace(), self.id, ROOM) {
            self.answer(answer);
        }
    }
}

/// What one call of a handler owes.
#[derive(Default)]
pub(crate) enum Owed {
    /// Nothing: no answer is wanted.
    #[default]
    Nothing,
    /// What it returns, or why it does not.
    Value(Arc<Question>),
    /// What it says itself: it has the [`AckSender`].
    ByHand(Arc<Question>),
}

impl Owed {
    pub(crate) fn new(question: Option<&Arc<Question>>) -> Self {
        question.map_or(Owed::Nothing, |question| Owed::Value(Arc::clone(question)))
    }

    /// Where the handler's value goes, if somebody waits for it.
    pub(crate) fn place(&self) -> Option<Arc<Question>> {
        match self {
            Owed::Value(question) => Some(Arc::clone(question)),
            Owed::Nothing | Owed::ByHand(_) => None,
        }
    }

    /// From now on the handler answers by hand.
    pub(crate) fn hand_over(&mut self) -> AckSender {
        match std::mem::take(self) {
            Owed::Value(question) => {
                *self = Owed::ByHand(Arc::clone(&question));
                AckSender::new(Some(question))
            }
            Owed::ByHand(question) => {
                *self = Owed::ByHand(question);
                AckSender::new(None)
            }
            Owed::Nothing => AckSender::new(None),
        }
    }

    /// The handler has come to its end.
    ///
    /// # Errors
    ///
    /// What it failed with.
    pub(crate) fn settle(&mut self, verdict: Verdict) -> Result<(), Error> {
        let owed = std::mem::take(self);
        match (verdict, owed) {
            (Ok(Some(answer)), Owed::Value(question)) => question.returned(answer),
            (Ok(_), _) => {}
            (Err(error), owed) => {
                if let Owed::Value(question) = owed {
                    question.failed(&error);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// There will be no answer from this handler: the server is told, now or when its sender is dropped.
    pub(crate) fn fail(&mut self, error: &Error) {
        match std::mem::take(self) {
            Owed::Nothing => {}
            Owed::Value(question) => question.failed(error),
            Owed::ByHand(question) => question.excuse(error),
        }
    }
}
