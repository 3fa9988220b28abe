//! Sending events.

use std::fmt;
use std::sync::Arc;

use engine_client::ROOM;
use socket_proto::{EncodeError, Encoded};
use tokio::sync::oneshot;

use super::Socket;
use crate::ack::AckFuture;
use crate::outbox::{Emit, EmitError, Entry, Event, Manner, Placed, Sending, Ticket};
use crate::{FromArgs, Retries, ToArgs};

impl Socket {
    /// Sends an event. It acts at once: the event is queued when this comes back, if there is room for it; awaiting it
    /// [waits for room](crate::Overflow). `()` sends no argument, a tuple several, anything else one; bytes anywhere in them are
    /// sent as attachments.
    ///
    /// While the socket is not connected, events wait: they are sent, in their order, when it is, before anybody hears that it
    /// is connected. They do so after [`disconnect`](Self::disconnect) too, until the socket is connected again. What had been
    /// sent when a connection breaks may not have arrived: see [`reliably`](Self::reliably).
    ///
    /// # Errors
    ///
    /// See [`EmitError`].
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), sockeye_client::EmitError> {
    /// socket.emit("message", "hello").await?;
    /// socket.emit("move", &("rook", [1, 4])).await?;
    /// socket.emit("ready", &()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn emit<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Emit {
        self.emitter().emit(event, args)
    }

    /// Sends an event, and awaits the server's answer to it: see [`AckFuture`].
    ///
    /// # Errors
    ///
    /// See [`AckError`](crate::AckError).
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), sockeye_client::AckError> {
    /// let sum: i64 = socket.emit_with_ack("add", &(1, 2)).await?;
    /// let (name, age): (String, u8) = socket.emit_with_ack("who", &7).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
    ) -> AckFuture<T> {
        self.emitter().emit_with_ack(event, args)
    }

    /// What is emitted so is dropped unless it can be sent at once: while the socket is not connected, or the connection is busy
    /// with what was sent before.
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), sockeye_client::EmitError> {
    /// socket.volatile().emit("position", &(3.5, 7.25)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn volatile(&self) -> Emitter<'_> {
        self.emitter().volatile()
    }

    /// Whether what is emitted so may be compressed, where the connection [can](crate::Builder::per_message_deflate); yes, unless
    /// somebody says no.
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), sockeye_client::EmitError> {
    /// socket.compress(false).emit("picture", &bytes::Bytes::from_static(b"\x89PNG")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn compress(&self, compress: bool) -> Emitter<'_> {
        self.emitter().compress(compress)
    }

    /// What is emitted so is sent until the server answers it: again when no answer comes in time, and after a lost connection, in
    /// the order of the emits; as the client's [`Retries`] say. With a [durable outbox](crate::Builder::outbox) even after a
    /// restart of the client.
    ///
    /// So an event may reach the server more than once. Each carries a key, a string behind its arguments, by which a server can
    /// tell: see [`Retries::without_key`].
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// socket.reliably().emit("order", &("tea", 2)).await?; // it has its place; it will arrive
    /// let number: u64 = socket.reliably().emit_with_ack("order", &("tea", 2)).await?; // it has arrived
    /// # Ok(())
    /// # }
    /// ```
    pub fn reliably(&self) -> Emitter<'_> {
        self.emitter().reliably()
    }

    fn emitter(&self) -> Emitter<'_> {
        Emitter { socket: self, manner: Manner::Once, compress: true }
    }

    fn sending(&self) -> &Sending {
        &self.handle.hub.config.sending
    }

    /// An event that has waited for room is sent.
    pub(crate) fn put(&self, event: Event) -> Result<Placed, EmitError> {
        let placed = self.core.outbox().put(self.core.lane(), self.namespace(), event);
        self.handle.hub.queued();
        placed
    }

    /// The answer has not come in time.
    pub(crate) fn take_back(&self, ticket: Ticket) {
        self.core.outbox().take_back(self.core.lane(), ticket);
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn forget(&self, ticket: Ticket) {
        self.core.outbox().forget(self.core.lane(), ticket);
    }
}

/// How events of a socket are sent: [`volatile`](Socket::volatile), [`compress`](Socket::compress), [`reliably`](Socket::reliably).
///
/// ```no_run
/// # async fn example(socket: sockeye_client::Socket) -> Result<(), sockeye_client::EmitError> {
/// socket.volatile().compress(false).emit("frame", &bytes::Bytes::from_static(b"\x00\x01")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is sent before `emit`"]
pub struct Emitter<'a> {
    socket: &'a Socket,
    manner: Manner,
    compress: bool,
}

impl Emitter<'_> {
    /// See [`Socket::volatile`]. It takes back [`reliably`](Self::reliably).
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// socket.compress(false).volatile().emit("frame", &1).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn volatile(mut self) -> Self {
        self.manner = Manner::Volatile;
        self
    }

    /// See [`Socket::compress`].
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// socket.volatile().compress(false).emit("frame", &1).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// See [`Socket::reliably`]. It takes back [`volatile`](Self::volatile).
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// socket.compress(false).reliably().emit("order", "tea").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reliably(mut self) -> Self {
        self.manner = Manner::Reliable(Arc::clone(&self.socket.sending().retries));
        self
    }

    /// As [`reliably`](Self::reliably), but as these retries say.
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), sockeye_client::EmitError> {
    /// use sockeye_client::Retries;
    ///
    /// let twice = Retries::default().attempts(2);
    /// socket.compress(false).retries(twice).emit("order", "tea").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn retries(mut self, retries: Retries) -> Self {
        self.manner = Manner::Reliable(Arc::new(retries));
        self
    }

    /// As [`Socket::emit`].
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// socket.reliably().emit("order", &("tea", 2)).await?; // it has its place
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`EmitError`]. That a volatile event was dropped is none.
    pub fn emit<T: ToArgs + ?Sized>(&self, event: &str, args: &T) -> Emit {
        // A server answers only what asks.
        let id = self.is_reliable().then(|| self.socket.core.next_id());
        let event = self.event(event, id, |name| args.encode_event(name, event, id, ROOM));
        Emit::new(match event.and_then(|event| self.offer(event)) {
            Err(EmitError::NotReady) => Ok(Ok((Ticket::default(), None))),
            placed => placed,
        })
    }

    /// As [`Socket::emit_with_ack`].
    ///
    /// ```no_run
    /// # async fn example(socket: sockeye_client::Socket) -> Result<(), Box<dyn std::error::Error>> {
    /// let number: u64 = socket.reliably().emit_with_ack("order", &("tea", 2)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`AckError`](crate::AckError). A volatile event that is dropped is an error here: [`EmitError::NotReady`].
    pub fn emit_with_ack<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl ToArgs + ?Sized),
    ) -> AckFuture<T> {
        let id = Some(self.socket.core.next_id());
        let (waiter, answer) = oneshot::channel();
        let event = self.event(event, id, |name| args.encode_event(name, event, id, ROOM));
        let placed = event.and_then(|event| self.offer(Event { waiter: Some(waiter), ..event }));
        let placed = placed.map(|placed| placed.map(|(ticket, _)| ticket));
        // A reliable event has an end of its own.
        let timeout = (!self.is_reliable()).then_some(self.socket.sending().ack_timeout);
        AckFuture::new(self.socket, placed, answer, timeout)
    }

    fn is_reliable(&self) -> bool {
        matches!(self.manner, Manner::Reliable(_))
    }

    /// The event, in its final form.
    fn event(
        &self,
        event: &str,
        id: Option<u64>,
        encode: impl FnOnce(&str) -> Result<Encoded, EncodeError>,
    ) -> Result<Event, EmitError> {
        let mut packet = encode(self.socket.namespace()).map_err(|error| match error {
            EncodeError::Reserved(_) => EmitError::Reserved { event: event.to_owned() },
            other => EmitError::Arguments { event: event.to_owned(), problem: other.to_string() },
        })?;
        packet.compress = self.compress;
        if let Manner::Reliable(retries) = &self.manner
            && retries.key
        {
            packet.push_argument(&self.socket.sending().keys.next());
        }
        Ok(Event { packet, cost: 0, manner: self.manner.clone(), id, waiter: None })
    }

    fn offer(&self, mut event: Event) -> Result<Result<Placed, Entry>, EmitError> {
        let (socket, lane) = (self.socket, self.socket.core.lane());
        let mut outbox = socket.core.outbox();
        event.cost = outbox.room(lane).cost(&event.packet);
        let placed = match outbox.offer(lane, socket.namespace(), event) {
            Ok(placed) => Ok(placed),
            Err((_, Some(event))) => Err(Entry::new(socket, outbox.room(lane), event)),
            Err((error, None)) => return Err(error),
        };
        drop(outbox);
        socket.handle.hub.queued();
        Ok(placed)
    }
}

impl fmt::Debug for Emitter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter")
            .field("socket", &self.socket)
            .field("manner", &self.manner)
            .field("compress", &self.compress)
            .finish()
    }
}
