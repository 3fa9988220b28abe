//! Connections are made as fast as the server takes them; then there is silence, and its memory is looked at.

use std::time::Duration;

use super::window::nanos;
use super::{Footprint, Measurement, Timing};
use crate::client::fleet::Fleet;
use crate::client::listen::{Frames, Listener, Message};
use crate::client::open::open;
use crate::client::{Failure, Nanos};
use crate::histogram::Histogram;
use crate::outbox::Outbox;
use crate::process::observer::Observer;
use crate::statistics;

/// Makes `links` connections and lets them be silent.
///
/// # Errors
///
/// A [`Failure`] if one cannot be made or does not last.
pub fn run(
    fleet: &mut Fleet,
    links: usize,
    timing: Timing,
    observer: &mut Observer,
) -> Result<Measurement, Failure> {
    let before = observer.memory()?;
    observer.begin()?;
    open(fleet, links)?;
    let cost = observer.end()?;
    let end = fleet.now() + nanos(timing.silence);
    while fleet.now() < end {
        let patience = Duration::from_nanos(end.saturating_sub(fleet.now()));
        fleet.turn(&mut Frames(&mut Silence), patience.min(Duration::from_millis(100)))?;
    }
    let after = observer.memory()?;
    let units = links as u64;
    let each = |before: u64, after: u64| {
        statistics::per(after.saturating_sub(before), units).unwrap_or_default()
    };
    let memory = Footprint {
        pss: each(before.pss, after.pss),
        anonymous: each(before.anonymous, after.anonymous),
    };
    Ok(Measurement { units, reordered: 0, cost, latency: Histogram::new(), memory: Some(memory) })
}

/// Nobody has anything to say.
struct Silence;

impl Listener for Silence {
    fn message(
        &mut self,
        link: usize,
        message: Message<'_>,
        _at: Nanos,
        _outbox: &mut Outbox,
    ) -> Result<(), Failure> {
        Err(Failure::wrong(link, message.bytes(), "silence"))
    }
}
