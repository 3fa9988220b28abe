//! A socket as it was when it was fetched.

use std::net::SocketAddr;

use serde::de::DeserializeOwned;

use crate::emit::{Emitted, Recorded};
use crate::error::{DataError, EmitError, JoinError};
use crate::{AckFuture, FromArgs, Handshake, Rooms, Socket, ToArgs};

/// A socket that [`fetch_sockets`](crate::Broadcast::fetch_sockets) has found, wherever it is
/// connected: a picture of that moment, and a way to reach it.
///
/// ```
/// # async fn example(io: sockeye::Io) -> Result<(), Box<dyn std::error::Error>> {
/// for socket in io.to("lobby").fetch_sockets().await? {
///     println!("{} is in {:?}", socket.id(), socket.rooms());
///     socket.leave("lobby")?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RemoteSocket {
    socket: Socket,
    rooms: Vec<String>,
    data: Option<Box<str>>,
}

impl RemoteSocket {
    pub(crate) fn new(socket: Socket) -> Self {
        let (rooms, data) = (socket.rooms(), socket.data_json());
        RemoteSocket { socket, rooms, data }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.socket.id()
    }

    /// The rooms it was in, without the room of its own id.
    pub fn rooms(&self) -> &[String] {
        &self.rooms
    }

    /// Its data; `None` if none was set.
    ///
    /// # Errors
    ///
    /// If what was set is not a `T`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<Option<T>, DataError> {
        DataError::read(self.data.as_deref(), self.id())
    }

    /// A header of the request that opened its connection; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.socket.handshake().header(name)
    }

    /// The peer's address, where it is known.
    pub fn address(&self) -> Option<SocketAddr> {
        self.socket.handshake().address()
    }

    /// Has it join a room, or several.
    ///
    /// # Errors
    ///
    /// If it has left.
    pub fn join(&self, rooms: impl Rooms) -> Result<Recorded, JoinError> {
        self.socket.join(rooms)
    }

    /// Has it leave a room, or several.
    ///
    /// # Errors
    ///
    /// If it has left the namespace.
    pub fn leave(&self, rooms: impl Rooms) -> Result<Recorded, JoinError> {
        self.socket.leave(rooms)
    }

    /// Sends it an event: see [`Socket::emit`].
    ///
    /// # Errors
    ///
    /// As [`Socket::emit`].
    pub fn emit<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Result<Emitted, EmitError> {
        self.socket.emit(event, args)
    }

    /// Sends it an event that asks for an answer: see [`Socket::emit_with_ack`].
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
    ) -> AckFuture<T> {
        self.socket.emit_with_ack(event, args)
    }

    /// The request that opened its connection, and what came with its CONNECT.
    pub fn handshake(&self) -> Handshake<'_> {
        self.socket.handshake()
    }

    /// Disconnects it, and says why: see [`Socket::disconnect_with`].
    pub fn disconnect_with(&self, why: &str, close: bool) {
        self.socket.disconnect_with(why, close);
    }

    /// Disconnects it: see [`Socket::disconnect`].
    pub fn disconnect(&self, close: bool) {
        self.socket.disconnect(close);
    }
}
