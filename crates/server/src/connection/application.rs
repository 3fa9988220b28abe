//! Puts a client on every engine session: who it is depends on the revision that the session speaks.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Client, OldClient};
use crate::Io;
use crate::io::Shared;

/// What the floor below knows of the server. It keeps nothing alive.
pub(crate) struct Application {
    io: Weak<Shared>,
}

impl Application {
    pub(crate) fn new(io: Weak<Shared>) -> Self {
        Application { io }
    }
}

impl transport::Application for Application {
    type Upper = Client;
    type OldUpper = OldClient;

    fn open(
        &self,
        connection: transport::Connection,
        handshake: Arc<transport::Handshake>,
        now: Duration,
    ) -> Client {
        Client::new(self.io.upgrade().map(Io), connection, handshake, now)
    }

    fn open_old(
        &self,
        connection: transport::Connection,
        handshake: Arc<transport::Handshake>,
        now: Duration,
    ) -> OldClient {
        OldClient::new(transport::Application::open(self, connection, handshake, now))
    }
}
