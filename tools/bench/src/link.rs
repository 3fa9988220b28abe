//! One connection's bytes: what has come in part, and what waits to go out.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

/// How far a [`Link::flush`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// Everything is with the kernel.
    All,
    /// The kernel has no room; the rest is kept.
    Part,
}

/// A non-blocking TCP connection. Owns no memory while it is silent and nothing waits.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    rest: Vec<u8>,
    unsent: Vec<u8>,
}

impl Link {
    /// Takes a connected stream over; small writes leave at once (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        Ok(Self::ready(stream))
    }

    /// Takes over a stream that is set so already.
    pub fn ready(stream: TcpStream) -> Self {
        Self { stream, rest: Vec::new(), unsent: Vec::new() }
    }

    /// Reads once: `scratch` then starts with what was kept from before, and the number of bytes in it is returned.
    /// `None`: the peer has closed, and all it said was taken. An answer of what was kept alone means "not yet".
    ///
    /// # Errors
    ///
    /// What the kernel says, or `InvalidData` for a message that does not fit into `scratch`.
    pub fn read(&mut self, scratch: &mut [u8]) -> io::Result<Option<usize>> {
        let kept = self.rest.len();
        if kept >= scratch.len() {
            return Err(ErrorKind::InvalidData.into());
        }
        scratch[..kept].copy_from_slice(&self.rest);
        self.rest.clear();
        loop {
            match self.stream.read(&mut scratch[kept..]) {
                Ok(0) => return Ok(None),
                Ok(count) => return Ok(Some(kept + count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Some(kept)),
                Err(error) => return Err(error),
            }
        }
    }

    /// Keeps what is not complete yet for the next [`Link::read`]; nothing kept takes no memory.
    pub fn keep(&mut self, rest: &[u8]) {
        if rest.is_empty() {
            self.rest = Vec::new();
        } else {
            self.rest.extend_from_slice(rest);
        }
    }

    /// Writes `bytes` behind whatever waits already, with one call as long as the kernel takes it all.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<Flushed> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(Flushed::Part);
        }
        let sent = write_some(&mut self.stream, bytes)?;
        self.unsent.extend_from_slice(&bytes[sent..]);
        Ok(if self.unsent.is_empty() { Flushed::All } else { Flushed::Part })
    }

    /// Goes on with what waits.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn flush(&mut self) -> io::Result<Flushed> {
        let sent = write_some(&mut self.stream, &self.unsent)?;
        self.unsent.drain(..sent);
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
            return Ok(Flushed::All);
        }
        Ok(Flushed::Part)
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// How much of `bytes` the kernel takes now.
fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match stream.write(bytes) {
            Ok(sent) => return Ok(sent),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error),
        }
    }
}
