//! The end of a socket: who brings it about, and what is said of it.

use std::fmt;
use std::sync::atomic::Ordering;

use engine_proto::CloseReason;
use transport::Class;

use super::{Ended, Socket, state};
use crate::durable::NO_TOKEN;
use crate::{DisconnectReason, emit};

/// The event that tells a client why it is disconnected, right before it is.
const DISCONNECT_REASON: &str = "disconnect_reason";

impl Socket {
    /// Disconnects it from its namespace; with `close`, the whole connection, and with it the
    /// client's sockets in all namespaces. What was emitted before still goes out. Does nothing if
    /// it has left already.
    pub fn disconnect(&self, close: bool) {
        self.leave_namespace(close, None);
    }

    /// As [`disconnect`](Self::disconnect), and says why: the client hears the words as the event `disconnect_reason`,
    /// right before it is disconnected; here they are its [`Description`](crate::Description), beside the reason
    /// `server namespace disconnect`. One whose CONNECT is not answered yet is refused with these words.
    ///
    /// (A DISCONNECT packet cannot carry them: the protocol gives it no payload, and official clients take one that has
    /// any for a broken connection.)
    ///
    /// ```
    /// # let io = sockeye::Io::builder().build()?;
    /// use sockeye::Socket;
    ///
    /// io.of("/").on("spam", async |socket: Socket| socket.disconnect_with("no advertising here", false));
    /// // socket.on("disconnect_reason", (words) => …) in the client
    /// # Ok::<(), sockeye::BuildError>(())
    /// ```
    pub fn disconnect_with(&self, why: &str, close: bool) {
        self.leave_namespace(close, Some(why));
    }

    fn leave_namespace(&self, close: bool, why: Option<&str>) {
        self.catch_up();
        if close {
            self.0.last.store(true, Ordering::Release);
        }
        // First: its connection's task may tell of the end as soon as it is there.
        if let Some(why) = why {
            self.describe(&why);
        }
        if self.end(DisconnectReason::ServerNamespaceDisconnect) == Ended::Connected {
            if let Some(why) = why {
                self.say_why(why);
            }
            self.say_goodbye();
        }
        // The connection's task runs the handlers, and lets the namespace go.
        self.0.connection.wake();
    }

    /// Closes the connection underneath, without a word to the client: it will reconnect.
    pub fn close_transport(&self) {
        self.catch_up();
        self.0.connection.close(CloseReason::ForcedClose);
    }

    /// Why it has left, once it has.
    pub fn disconnect_reason(&self) -> Option<DisconnectReason> {
        DisconnectReason::from_code(self.0.state.load(Ordering::Acquire))
    }

    /// What else is known of that, once it has left: see [`Description`](crate::Description).
    pub fn disconnect_description(&self) -> Option<String> {
        self.disconnect_reason()?;
        self.0.extra.lock().as_ref()?.description.as_deref().map(str::to_owned)
    }

    /// What its end will be called, unless it has ended.
    pub(crate) fn describe(&self, why: &dyn fmt::Display) {
        if self.disconnect_reason().is_none() {
            let why = why.to_string().into_boxed_str();
            self.with_extra(|extra| extra.description = Some(why));
        }
    }

    /// The one transition to the end. Whoever awaits an answer is told.
    pub(crate) fn end(&self, reason: DisconnectReason) -> Ended {
        let alive = |old| (old >= state::CONNECTING).then_some(reason.code());
        match self.0.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, alive) {
            Ok(state::CONNECTED) => {
                self.fail_questions();
                Ended::Connected
            }
            Ok(_) => Ended::Connecting,
            Err(_) => Ended::Before,
        }
    }

    /// Tells the client that it is disconnected.
    pub(crate) fn say_goodbye(&self) {
        let packet = socket_proto::encode::disconnect(self.namespace().name(), transport::ROOM);
        let _ = self.0.connection.push(&self.pack(packet), Class::Normal);
    }

    fn say_why(&self, why: &str) {
        let Ok(mut encoded) = emit::encode(self.namespace().name(), DISCONNECT_REASON, why, None)
        else {
            return;
        };
        if self.durable_session().is_some() {
            encoded.push_argument(NO_TOKEN);
        }
        let _ = self.0.connection.push(&self.pack(encoded), Class::Normal);
    }

    /// Whether the whole connection is to end with this socket.
    pub(crate) fn is_last(&self) -> bool {
        self.0.last.load(Ordering::Acquire)
    }
}
