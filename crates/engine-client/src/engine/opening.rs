//! How a session begins, on one transport after the other.

use std::pin::Pin;
use std::sync::Arc;

use engine_proto::{CloseReason, Transport};

use super::machine::Machine;
use super::{Carrier, Engine, Stage};
use crate::http;
use crate::polling::Polling;
use crate::websocket::WebSocket;
use crate::{Config, EngineError};

/// A WebSocket that is about to be there.
pub(super) type Dialling =
    Pin<Box<dyn Future<Output = Result<Box<WebSocket>, EngineError>> + Send>>;

impl Engine {
    /// Begins on the session's transport.
    pub(super) fn dial(&mut self) {
        let config = Arc::clone(&self.config);
        self.current = match self.talk.session.transport() {
            Transport::Polling => Carrier::Polling(Box::new(Polling::new(config))),
            Transport::WebSocket => Carrier::Dialling(Box::pin(open_websocket(config, None))),
        };
    }

    /// Begins anew on the next transport, if the session could not be opened on this one; whether it does.
    pub(super) fn try_next(&mut self) -> bool {
        let given_up = self.talk.session.closed() == Some(CloseReason::ForcedClose);
        if self.talk.open.is_some() || given_up || self.stage == Stage::New {
            return false;
        }
        let Some(next) = self.untried.pop() else { return false };
        if let Some(error) = self.talk.error.take() {
            tracing::debug!(%error, next = next.as_str(), "could not be opened; trying the next transport");
        }
        self.talk.session = Machine::new(next, &self.config, self.now());
        self.dial();
        true
    }
}

/// Opens a WebSocket, for a session that is there already or for a new one.
pub(super) async fn open_websocket(
    config: Arc<Config>,
    sid: Option<Box<str>>,
) -> Result<Box<WebSocket>, EngineError> {
    let mut query = vec![("EIO", config.revision.number()), ("transport", "websocket")];
    query.extend(sid.as_deref().map(|sid| ("sid", sid)));
    let offer = config.deflate.map(|deflate| deflate.offer().to_string());
    let upgraded = http::websocket(config.site(), &query, offer.as_deref()).await?;
    WebSocket::new(upgraded, &config).map(Box::new)
}
