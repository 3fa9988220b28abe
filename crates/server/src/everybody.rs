//! The words of a broadcast on what means everybody: a server, a namespace.

use std::future::Future;
use std::time::Duration;

use crate::broadcast::Broadcast;
use crate::emit::{Emitted, Recorded};
use crate::error::{EmitError, FetchError};
use crate::{AckStream, FromArgs, Namespace, RemoteSocket, Rooms, Socket, ToArgs};

/// The words of a broadcast on something that means everybody.
macro_rules! everybody {
    ($type:ty, $all:ident) => {
        impl $type {
            /// Everybody in these rooms.
            pub fn to(&self, rooms: impl Rooms) -> Broadcast {
                self.$all().to(rooms)
            }

            /// As [`to`](Self::to).
            pub fn in_(&self, rooms: impl Rooms) -> Broadcast {
                self.$all().to(rooms)
            }

            /// Everybody but these rooms.
            pub fn except(&self, rooms: impl Rooms) -> Broadcast {
                self.$all().except(rooms)
            }

            /// Everybody but one socket.
            pub fn except_socket(&self, socket: &Socket) -> Broadcast {
                self.$all().except_socket(socket)
            }

            /// Everybody on this node.
            pub fn local(&self) -> Broadcast {
                self.$all().local()
            }

            /// Everybody, but what is sent may be lost.
            pub fn volatile(&self) -> Broadcast {
                self.$all().volatile()
            }

            /// Everybody, and whether what is sent may be compressed: see [`Broadcast::compress`].
            pub fn compress(&self, compress: bool) -> Broadcast {
                self.$all().compress(compress)
            }

            /// Everybody, with so long to answer.
            pub fn timeout(&self, timeout: Duration) -> Broadcast {
                self.$all().timeout(timeout)
            }

            /// Sends an event to everybody: see [`Broadcast::emit`].
            ///
            /// # Errors
            ///
            /// If the name is reserved or the arguments cannot be sent.
            pub fn emit<T: ToArgs + ?Sized>(
                &self,
                event: &str,
                args: &T,
            ) -> Result<Emitted, EmitError> {
                self.$all().emit(event, args)
            }

            /// Sends an event that asks everybody for an answer: see [`Broadcast::emit_with_ack`].
            pub fn emit_with_ack<T: FromArgs>(
                &self,
                event: &str,
                args: &(impl ToArgs + ?Sized),
            ) -> AckStream<T> {
                self.$all().emit_with_ack(event, args)
            }

            /// What is known of everybody now.
            ///
            /// # Errors
            ///
            /// None in a single process.
            pub fn fetch_sockets(
                &self,
            ) -> impl Future<Output = Result<Vec<RemoteSocket>, FetchError>> + Send + use<> {
                self.$all().fetch_sockets()
            }

            /// Those that are connected to this server, in no order: to act on each, or to count what they have in
            /// common. `fetch_sockets` finds those of other servers too.
            pub fn sockets(&self) -> Vec<Socket> {
                self.$all().sockets()
            }

            /// How many sockets there are.
            ///
            /// # Errors
            ///
            /// None in a single process.
            pub fn count(&self) -> impl Future<Output = Result<usize, FetchError>> + Send + use<> {
                self.$all().count()
            }

            /// Has everybody join a room, or several.
            pub fn sockets_join(&self, rooms: impl Rooms) -> Recorded {
                self.$all().sockets_join(rooms)
            }

            /// Has everybody leave a room, or several.
            pub fn sockets_leave(&self, rooms: impl Rooms) -> Recorded {
                self.$all().sockets_leave(rooms)
            }

            /// Disconnects everybody; see [`Socket::disconnect`].
            pub fn disconnect_sockets(&self, close: bool) {
                self.$all().disconnect_sockets(close);
            }
        }
    };
}

everybody!(Namespace, everybody);
everybody!(crate::Io, everybody);
