//! A socket's words for how something is sent, and its data.

use serde::Serialize;
use serde::de::DeserializeOwned;
use transport::Class;

use super::Socket;
use crate::broadcast::Broadcast;
use crate::emit::Emitted;
use crate::error::{DataError, EmitError};
use crate::{AckFuture, FromArgs, Rooms, ToArgs};

/// A way of sending to one socket; see [`Socket::volatile`] and [`Socket::compress`].
#[derive(Clone, Copy, Debug)]
pub struct SocketEmit<'a> {
    pub(super) socket: &'a Socket,
    pub(super) class: Class,
    pub(super) compress: bool,
}

impl SocketEmit<'_> {
    /// Sends an event to this client. [`Emitted::dropped`] says whether it was lost at once.
    ///
    /// # Errors
    ///
    /// As [`Socket::emit`].
    pub fn emit<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Result<Emitted, EmitError> {
        self.socket.emit_as(event, args, self.class, self.compress)
    }

    /// Sends an event that asks for an answer, as [`Socket::emit_with_ack`] does. If it is volatile and the client is not
    /// ready for it, the error is there at once: [`EmitError::NotReady`]. In a
    /// [durable](crate::Namespace::durable) namespace a volatile question is not asked again on another connection.
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
    ) -> AckFuture<T> {
        self.socket.ask_as(event, args, self.class, self.compress)
    }

    /// As [`Socket::volatile`].
    #[must_use]
    pub fn volatile(self) -> Self {
        SocketEmit { class: Class::Volatile, ..self }
    }

    /// As [`Socket::compress`].
    #[must_use]
    pub fn compress(self, compress: bool) -> Self {
        SocketEmit { compress, ..self }
    }

    /// Everybody in these rooms but this socket.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// Everybody in the namespace but this socket.
    pub fn broadcast(&self) -> Broadcast {
        let broadcast = self.socket.broadcast().compress(self.compress);
        match self.class {
            Class::Normal => broadcast,
            Class::Volatile => broadcast.volatile(),
        }
    }
}

/// A socket's own data: one value of any type that serde can write and read.
#[derive(Clone, Copy, Debug)]
pub struct SocketData<'a> {
    pub(super) socket: &'a Socket,
}

impl SocketData<'_> {
    /// Replaces it.
    ///
    /// # Errors
    ///
    /// If JSON cannot represent the value.
    pub fn set<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), DataError> {
        let error = |problem| DataError { socket: self.socket.id().to_owned(), problem };
        let json = serde_json::to_string(value).map_err(error)?;
        self.put(Some(json.into_boxed_str()));
        Ok(())
    }

    /// Reads it; `None` if it was never set.
    ///
    /// # Errors
    ///
    /// If what was set is not a `T`.
    pub fn get<T: DeserializeOwned>(&self) -> Result<Option<T>, DataError> {
        DataError::read(self.socket.data_json().as_deref(), self.socket.id())
    }

    /// Removes it.
    pub fn clear(&self) {
        self.put(None);
    }

    fn put(self, data: Option<Box<str>>) {
        if let Some((durable, session)) = self.socket.durable_session() {
            durable.keep_data(self.socket, session, data.clone());
        }
        self.socket.with_extra(|extra| extra.data = data);
    }
}
