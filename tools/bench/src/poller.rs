//! The kernel's readiness list (epoll), level-triggered, with tokens instead of descriptors.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

/// How many sources one [`Poller::wait`] reports at most.
const EVENTS: usize = 1024;
/// From here on a millisecond more or less does not matter.
const COARSE: Duration = Duration::from_millis(10);

/// What has become possible, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The number the source was added under.
    pub token: usize,
    /// There is something to read, or the peer has gone.
    pub readable: bool,
    /// There is room to write again.
    pub writable: bool,
}

/// An epoll instance.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poller {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// What the kernel says, like for all methods here.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Self { epoll, events: Vec::with_capacity(EVENTS) })
    }

    /// Watches a source for reading; with `writable`, for room to write too.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn add(&self, source: impl AsFd, token: usize) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, source, EventData::new_u64(token as u64), EventFlags::IN)?)
    }

    /// Watches a source that is known already for room to write too, or no longer.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn watch_room(&self, source: impl AsFd, token: usize, wanted: bool) -> io::Result<()> {
        let room = if wanted { EventFlags::OUT } else { EventFlags::empty() };
        let flags = EventFlags::IN | room;
        Ok(epoll::modify(&self.epoll, source, EventData::new_u64(token as u64), flags)?)
    }

    /// Waits until something is ready, or until `patience` is over (`None`: for ever), and hands it out.
    ///
    /// # Errors
    ///
    /// What the kernel says; an interruption is an empty answer.
    pub fn wait(&mut self, patience: Option<Duration>) -> io::Result<impl Iterator<Item = Ready>> {
        self.events.clear();
        match self.wait_for_events(patience) {
            Ok(()) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.events.iter().map(|event| Ready {
            token: usize::try_from(event.data.u64()).expect("a token was a usize"),
            readable: { event.flags }
                .intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR),
            writable: { event.flags }.contains(EventFlags::OUT),
        }))
    }

    /// `epoll_wait` counts in milliseconds, `ppoll` in nanoseconds: where it matters, the latter does the waiting.
    fn wait_for_events(&mut self, patience: Option<Duration>) -> Result<(), Errno> {
        let mut timeout = patience
            .map(|patience| Timespec::try_from(patience).map_err(|_| Errno::INVAL))
            .transpose()?;
        if let Some(short) = timeout
            && patience.is_some_and(|patience| patience > Duration::ZERO && patience < COARSE)
        {
            let mut itself = [PollFd::new(&self.epoll, PollFlags::IN)];
            if rustix::event::poll(&mut itself, Some(&short))? == 0 {
                return Ok(());
            }
            timeout = Some(Timespec { tv_sec: 0, tv_nsec: 0 });
        }
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.events),
            timeout.as_ref(),
        )?;
        Ok(())
    }
}
