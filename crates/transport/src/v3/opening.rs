//! The request that opens a session.

use engine_proto::v3::Terms;
use engine_proto::{Refusal, Transport};
use http::Response;
use tokio::sync::oneshot;

use super::V3;
use crate::http::NO_ID;
use crate::request::Visitor;
use crate::{Application, Body, Server, driver};

impl<A: Application> Server<A> {
    /// A session of revision 3. Over polling its first poll is this very request.
    pub(crate) async fn open_v3(
        &self,
        visitor: &mut Visitor<'_>,
        transport: Transport,
    ) -> Result<Response<Body>, Refusal> {
        let revision = V3(Terms::read(visitor.parts.uri.query().unwrap_or_default())?);
        if let Some(turned_away) = self.admit(visitor).await? {
            return Ok(turned_away);
        }
        if transport == Transport::WebSocket {
            return self.open_websocket(visitor, revision);
        }
        let sid = self.new_sid(visitor)?;
        let place = match self.reserve(visitor) {
            Ok(place) => place,
            Err(denied) => return Ok(self.turn_away(visitor, denied)),
        };
        let (reply, answer) = oneshot::channel();
        if !driver::spawn_polled(&self.0, sid, visitor.head(), (revision, place), reply) {
            return Err(NO_ID);
        }
        visitor.opened = Some(sid);
        Ok(self.told(answer, &visitor.parts.headers).await)
    }
}
