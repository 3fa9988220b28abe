//! The client for programs without a runtime: the same client and the same sockets, with calls that wait. Feature `blocking`.
//!
//! ```no_run
//! use sockeye_client::blocking;
//!
//! fn main() -> Result<(), blocking::Error> {
//!     let chat = blocking::connect("http://localhost:3000/chat")?;
//!     let members: usize = chat.emit_with_ack("join", "lobby")?;
//!     println!("{members} are there");
//!     while let Some(event) = chat.recv()? {
//!         println!("{}: {:?}", event.name, event.args);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! It is a thin skin: a [`Client`] has one thread, with a small runtime on which the client of
//! [the front page](crate) lives; whoever waits does so on its own thread, and several may. All settings are those of
//! [`Builder`], which [`build_blocking`](Builder::build_blocking) ends. What does not wait is not repeated here:
//! [`Socket::as_async`] has it, and [`Client::wait`] waits for whatever else can be awaited.
//!
//! - **What has to block is pulled**: [`Socket::recv`] gives events to threads of yours, which may take their time. Handlers
//!   ([`Socket::on`]) are those of the other face: they run on the client's thread, and must not block it.
//! - **The last handle ends it**: when all clients and sockets are dropped, what was emitted is sent, the connection is closed,
//!   and the thread ends. The drop waits for that, up to 10 s if the server takes nothing.
//! - **Inside of an async runtime nothing here waits**: it would stop the runtime's thread. Each call comes back with
//!   [`Error::InsideRuntime`] there, also on the threads of tokio's `spawn_blocking`: a program that has a runtime has the other face.

mod client;
mod error;
mod socket;
mod thread;

pub use client::Client;
pub use error::Error;
pub use socket::Socket;

use crate::Builder;

impl Builder {
    /// As [`build`](Self::build), for programs without a runtime. Feature `blocking`.
    ///
    /// ```
    /// use sockeye_client::Client;
    ///
    /// let client = Client::builder("http://localhost:3000/chat").build_blocking()?;
    /// assert_eq!(client.socket().namespace(), "/chat");
    /// # Ok::<(), sockeye_client::blocking::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with a setting, or that there is no thread to be had.
    pub fn build_blocking(self) -> Result<Client, Error> {
        Client::new(self.build()?)
    }
}

/// Connects to the namespace that stands in the URL's path, `/` if there is none, and waits until the server has let us in. The short
/// way, without settings.
///
/// ```no_run
/// let chat = sockeye_client::blocking::connect("http://localhost:3000/chat")?;
/// # Ok::<(), sockeye_client::blocking::Error>(())
/// ```
///
/// # Errors
///
/// As [`Socket::connect`], or if the URL leads nowhere.
pub fn connect(url: &str) -> Result<Socket, Error> {
    let socket = Builder::new(url).build_blocking()?.socket();
    socket.connect()?;
    Ok(socket)
}
