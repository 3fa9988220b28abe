//! Messages of another parser than the default one, as it would have written them.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use engine_proto::CloseReason;
use handler::ParsedPacket;

use super::Client;
use crate::basis::Core;

impl Client {
    /// Whose parser translates messages; `None` if they are packets as they come.
    pub(super) fn translator(&self) -> Option<Arc<Core>> {
        let io = self.io.as_ref().filter(|io| !io.core().parser.is_open())?;
        Some(Arc::clone(io.core()))
    }

    /// A message of a parser of its own.
    pub(super) fn unpack(
        &mut self,
        core: &Core,
        message: engine_proto::Message<'_>,
    ) -> Result<ParsedPacket, CloseReason> {
        let unpacked = core.parser.unpack(message, core.protocol.attachments);
        unpacked.map_err(|error| self.violation(&*error))
    }

    /// A packet with all of its attachments.
    pub(super) fn follow_all(
        &mut self,
        text: &str,
        attachments: &[Bytes],
        now: Duration,
        cx: &mut Context<'_>,
    ) -> Result<(), CloseReason> {
        self.follow_up(socket_proto::Message::Text(text), now, cx)?;
        for attachment in attachments {
            self.follow_up(socket_proto::Message::Binary(attachment), now, cx)?;
        }
        Ok(())
    }
}
