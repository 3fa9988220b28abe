//! Waiting until all that was asked for has come.

use std::time::Duration;

use super::fleet::Fleet;
use super::listen::{Frames, Listener};
use super::{Failure, Nanos};

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
