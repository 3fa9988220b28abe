//! Many connections on one thread: one place that waits, one read per readiness, one write per connection and turn.

use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use super::{Failure, Nanos};
use crate::link::{Flushed, Link};
use crate::outbox::Outbox;
use crate::poller::{Poller, Ready};

/// Bytes read at once; also a little more than the largest message may take.
const SCRATCH: usize = 256 * 1024;

/// Whoever takes the bytes of all connections.
pub trait Reader {
    /// Takes what it can from the start of `input` and says how many bytes that were; the rest comes again, with more
    /// behind it. Answers go into `outbox`.
    ///
    /// # Errors
    ///
    /// A [`Failure`] ends the measurement.
    fn read(
        &mut self,
        link: usize,
        input: &[u8],
        at: Nanos,
        outbox: &mut Outbox,
    ) -> Result<usize, Failure>;
}

/// All connections to one server.
pub struct Fleet {
    server: SocketAddr,
    origin: Instant,
    poller: Poller,
    links: Vec<Link>,
    outbox: Outbox,
    scratch: Vec<u8>,
    ready: Vec<Ready>,
}

impl Fleet {
    /// No connections yet.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn new(server: SocketAddr) -> Result<Self, Failure> {
        Ok(Self {
            server,
            origin: Instant::now(),
            poller: Poller::new()?,
            links: Vec::new(),
            outbox: Outbox::default(),
            scratch: vec![0; SCRATCH],
            ready: Vec::new(),
        })
    }

    /// The server's address.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The time now.
    pub fn now(&self) -> Nanos {
        Nanos::try_from(self.origin.elapsed().as_nanos())
            .expect("a measurement ends within 500 years")
    }

    /// Makes one more TCP connection; its number is [`Fleet::len`] before the call. It ends with a reset, so that thousands
    /// of them leave no ports in `TIME_WAIT` behind.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn connect(&mut self) -> Result<usize, Failure> {
        let stream = TcpStream::connect(self.server)?;
        sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).map_err(std::io::Error::from)?;
        let number = self.links.len();
        let link = Link::new(stream)?;
        self.poller.add(&link, number)?;
        self.links.push(link);
        Ok(number)
    }

    /// Where to put what is to be sent; it leaves with the next [`Fleet::turn`] or [`Fleet::flush`].
    pub fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    /// Flushes, waits at most `patience`, lets `reader` have what has come, and flushes its answers.
    ///
    /// # Errors
    ///
    /// The reader's [`Failure`], or what the kernel says.
    pub fn turn(&mut self, reader: &mut impl Reader, patience: Duration) -> Result<(), Failure> {
        self.flush()?;
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut all_ready = std::mem::take(&mut self.ready);
        all_ready.extend(self.poller.wait(Some(patience))?);
        for ready in all_ready.drain(..) {
            if ready.writable {
                self.write_on(ready.token)?;
            }
            if ready.readable {
                self.read(ready.token, reader, &mut scratch)?;
                // What one read brought is answered at once: the generator should be quicker than any server.
                self.flush()?;
            }
        }
        self.scratch = scratch;
        self.ready = all_ready;
        Ok(())
    }

    /// Sends what is in the outbox.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let Self { outbox, links, poller, .. } = self;
        outbox.flush(|number, bytes| {
            let link = &mut links[number];
            if link.write(bytes)? == Flushed::Part {
                poller.watch_room(&*link, number, true)?;
            }
            Ok(())
        })
    }

    fn write_on(&mut self, number: usize) -> Result<(), Failure> {
        let link = &mut self.links[number];
        if link.flush()? == Flushed::All {
            self.poller.watch_room(&*link, number, false)?;
        }
        Ok(())
    }

    fn read(
        &mut self,
        number: usize,
        reader: &mut impl Reader,
        scratch: &mut [u8],
    ) -> Result<(), Failure> {
        let Some(count) = self.links[number].read(scratch)? else {
            return Err(Failure::Closed { link: number, said: String::new() });
        };
        let at = self.now();
        let input = &scratch[..count];
        let taken = reader.read(number, input, at, &mut self.outbox)?;
        self.links[number].keep(&input[taken..]);
        Ok(())
    }
}
