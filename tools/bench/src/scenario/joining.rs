//! Before a scenario begins: waiting until every connection is where it belongs, in its room or its namespaces.

use std::time::Duration;

use super::window::nanos;
use crate::client::Failure;
use crate::client::fleet::Fleet;
use crate::client::listen::{Frames, Listener};

/// How long joining may take.
const JOIN: Duration = Duration::from_secs(20);

/// Listens for the answers to what has been asked already.
pub(super) trait Joining: Listener {
    /// How many answers are still to come.
    fn missing(&self) -> u64;
}

/// Waits until none is missing.
///
/// # Errors
///
/// [`Failure::Lost`] for those that do not come, or whatever `joining` finds wrong.
pub(super) fn wait(fleet: &mut Fleet, mut joining: impl Joining) -> Result<(), Failure> {
    let give_up = fleet.now() + nanos(JOIN);
    while joining.missing() > 0 {
        if fleet.now() > give_up {
            return Err(Failure::Lost(joining.missing()));
        }
        fleet.turn(&mut Frames(&mut joining), Duration::from_millis(50))?;
    }
    Ok(())
}
