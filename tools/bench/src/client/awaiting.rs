//! Waiting until all that was asked for has come.

use std::time::Duration;

use super::fleet::Fleet;
use super::listen::{Frames, Listener, Message};
use super::{Failure, Nanos};
use crate::outbox::Outbox;

/// Listens for what has been asked for already.
pub trait Awaiting: Listener {
    /// How much is still to come.
    fn missing(&self) -> u64;
}

/// Waits until nothing is missing.
///
/// # Errors
///
/// [`Failure::Lost`] for what does not come in time, or whatever `awaiting` finds wrong.
pub fn wait(
    fleet: &mut Fleet,
    awaiting: &mut impl Awaiting,
    patience: Duration,
) -> Result<(), Failure> {
    let patience = Nanos::try_from(patience.as_nanos()).expect("some minutes at most");
    let give_up = fleet.now() + patience;
    while awaiting.missing() > 0 {
        if fleet.now() > give_up {
            return Err(Failure::Lost(awaiting.missing()));
        }
        fleet.turn(&mut Frames(awaiting), Duration::from_millis(20))?;
    }
    Ok(())
}

/// So many messages of one kind, from whichever connection.
#[derive(Debug)]
pub struct Answers<F> {
    /// How many are still to come.
    pub missing: u64,
    /// Whether a message is one of them.
    pub is_right: F,
    /// What they are, in words.
    pub expected: &'static str,
}

impl<F: Fn(&[u8]) -> bool> Awaiting for Answers<F> {
    fn missing(&self) -> u64 {
        self.missing
    }
}

impl<F: Fn(&[u8]) -> bool> Listener for Answers<F> {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        _at: Nanos,
        _outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        if self.missing == 0 || !(self.is_right)(message.bytes()) {
            return Err(Failure::wrong(link, message.bytes(), self.expected));
        }
        self.missing -= 1;
        Ok(())
    }
}
