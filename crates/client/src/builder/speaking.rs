//! Which language is spoken with the server.

use handler::{Door, Parser};

use super::Builder;

impl Builder {
    /// How packets are written; the server has to be given the same one. Default: as text, with the attachments behind it.
    ///
    /// ```
    /// # use sockeye_client::{Client, Msgpack};
    /// let client = Client::builder("http://localhost:3000").parser(Msgpack).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    pub fn parser(mut self, parser: impl Parser) -> Self {
        self.parser = Door::of(parser);
        self
    }

    /// Whether the server is one of Socket.IO 1 or 2 (Engine.IO 3), which a server does not say of itself in time. Default: no.
    ///
    /// Such a server takes nothing along with a CONNECT but a query. What [`auth`](Self::auth) says becomes one, behind the query
    /// of the URL, for all namespaces but `/`: into that one it lets everybody by itself, and finds in its handshake the query of
    /// the URL only. A middleware's error about an event comes as an event of the name `error`.
    ///
    /// ```
    /// # use sockeye_client::Client;
    /// let client = Client::builder("http://localhost:3000?token=x").eio3(true).build()?;
    /// # Ok::<(), sockeye_client::BuildError>(())
    /// ```
    #[cfg(feature = "eio3")]
    pub fn eio3(mut self, eio3: bool) -> Self {
        self.engine.revision =
            if eio3 { engine_client::Revision::Three } else { engine_client::Revision::Four };
        self
    }
}
