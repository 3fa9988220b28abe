//! The floor: a server that makes only the system calls that are needed, and answers with what is prepared.
//!
//! One thread, one epoll, one read per readiness, one gathered write per connection and turn. It knows the words of the
//! profile `bench` by their first bytes and does no Socket.IO work beyond cutting a prefix off and putting another in front.
//! What a real server costs above it is that server's own.
//!
//! | file      | what                                                   |
//! |-----------|--------------------------------------------------------|
//! | `words`   | the words of the profile, by their first bytes          |
//! | `house`   | who is there, and in which room                         |
//! | `socket`  | WebSocket connections                                   |
//! | `polling` | HTTP requests: upgrades, and long-polling sessions      |

mod house;
mod polling;
mod socket;
mod words;

use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, sockopt};

use crate::link::{Flushed, Link};
use crate::outbox::Outbox;
use crate::poller::{Poller, Ready};
use house::House;
use polling::Sessions;

/// Bytes read at once; also a little more than the largest message may take.
const SCRATCH: usize = 256 * 1024;
/// The listener's token; connections have their numbers.
const LISTENER: usize = usize::MAX;

/// Serves until it is killed.
///
/// # Errors
///
/// The port is taken, or the kernel refuses something else.
pub fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    // Every connection inherits it.
    sockopt::set_tcp_nodelay(&listener, true)?;
    let mut floor = Floor::new(listener)?;
    writeln!(io::stdout(), "the floor is ready")?;
    loop {
        floor.turn()?;
    }
}

struct Floor {
    listener: TcpListener,
    poller: Poller,
    outbox: Outbox,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    scratch: Vec<u8>,
    ready: Vec<Ready>,
    house: House,
    sessions: Sessions,
}

struct Connection {
    link: Link,
    speaks: Speaks,
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Http,
    WebSocket,
}

/// The peer broke a rule or left: its connection is dropped.
struct Gone;

impl Floor {
    fn new(listener: TcpListener) -> io::Result<Self> {
        let poller = Poller::new()?;
        poller.add(&listener, LISTENER)?;
        Ok(Self {
            listener,
            poller,
            outbox: Outbox::default(),
            connections: Vec::new(),
            free: Vec::new(),
            scratch: vec![0; SCRATCH],
            ready: Vec::new(),
            house: House::default(),
            sessions: Sessions::default(),
        })
    }

    /// Reads what has come, then writes once to each connection that has something to say.
    fn turn(&mut self) -> io::Result<()> {
        let mut all_ready = std::mem::take(&mut self.ready);
        all_ready.extend(self.poller.wait(None)?);
        for ready in all_ready.drain(..) {
            match ready.token {
                LISTENER => self.accept()?,
                number => self.serve(number, ready),
            }
        }
        self.ready = all_ready;
        self.flush();
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            match accept_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(socket) => {
                    let link = Link::ready(TcpStream::from(socket));
                    let number = self.free.pop().unwrap_or(self.connections.len());
                    self.poller.add(&link, number)?;
                    let connection = Some(Connection { link, speaks: Speaks::Http });
                    match self.connections.get_mut(number) {
                        Some(place) => *place = connection,
                        None => self.connections.push(connection),
                    }
                }
                Err(Errno::AGAIN | Errno::CONNABORTED | Errno::INTR) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn serve(&mut self, number: usize, ready: Ready) {
        // Gone earlier in this turn.
        if self.connections.get(number).is_none_or(Option::is_none) {
            return;
        }
        let served = if ready.writable { self.write_on(number) } else { Ok(()) };
        let served = served.and_then(|()| if ready.readable { self.read(number) } else { Ok(()) });
        if served.is_err() {
            self.remove(number);
        }
    }

    fn read(&mut self, number: usize) -> Result<(), Gone> {
        let Self { connections, scratch, house, sessions, outbox, .. } = self;
        let connection = connections[number].as_mut().ok_or(Gone)?;
        let count = connection.link.read(scratch).map_err(|_| Gone)?.ok_or(Gone)?;
        let input = &mut scratch[..count];
        let mut taken = 0;
        if connection.speaks == Speaks::Http {
            let (bytes, speaks) = sessions.requests(number, input, outbox)?;
            taken = bytes;
            connection.speaks = speaks;
        }
        if connection.speaks == Speaks::WebSocket {
            taken += socket::frames(number, &mut input[taken..], house, outbox)?;
        }
        connection.link.keep(&input[taken..]);
        Ok(())
    }

    fn flush(&mut self) {
        let Self { outbox, connections, poller, .. } = self;
        let mut lost = Vec::new();
        let flushed = outbox.flush(|number, bytes| {
            // Gone earlier in this turn.
            let Some(Some(connection)) = connections.get_mut(number) else {
                return Ok(());
            };
            let written = connection.link.write(bytes).and_then(|flushed| match flushed {
                Flushed::All => Ok(()),
                Flushed::Part => poller.watch_room(&connection.link, number, true),
            });
            if written.is_err() {
                lost.push(number);
            }
            Ok::<(), ErrorKind>(())
        });
        debug_assert!(flushed.is_ok(), "the closure knows no errors");
        for number in lost {
            self.remove(number);
        }
    }

    fn write_on(&mut self, number: usize) -> Result<(), Gone> {
        let connection = self.connections[number].as_mut().ok_or(Gone)?;
        if connection.link.flush().map_err(|_| Gone)? == Flushed::All {
            self.poller.watch_room(&connection.link, number, false).map_err(|_| Gone)?;
        }
        Ok(())
    }

    /// Closing the descriptor takes it out of the epoll too.
    fn remove(&mut self, number: usize) {
        if self.connections[number].take().is_some() {
            self.outbox.forget(number);
            self.house.leave(number);
            self.sessions.leave(number);
            self.free.push(number);
        }
    }
}
