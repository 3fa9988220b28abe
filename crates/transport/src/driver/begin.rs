//! How sessions begin: over polling, or on a WebSocket.

use std::sync::Arc;

use engine_proto::{Sid, Transport, handshake};
use tracing::Instrument;
use websocket_proto::Receiver;

use super::Driver;
use crate::addresses::Place;
use crate::mailbox::{Letter, Reply};
use crate::revision::{Revision, V4};
use crate::server::Inner;
use crate::upgrade::{self, Upgrade};
use crate::websocket::Candidate;
use crate::{Application, Connection, Handshake, threads};

/// Opens a session over polling; returns its open packet. `None` if there is one with this id.
pub(crate) fn spawn_polling<A: Application>(
    server: &Arc<Inner<A>>,
    sid: Sid,
    handshake: Arc<Handshake>,
    place: Place,
) -> Option<String> {
    let driver = Driver::new(server, sid, handshake, Transport::Polling, V4)?;
    let open = handshake::open_packet(sid, &server.config.engine, Transport::Polling);
    begin(driver, place);
    Some(open)
}

/// Opens a session over polling whose first poll is the request that opens it: the open packet comes with whatever
/// else there is to say. False if there is one with this id.
pub(crate) fn spawn_polled<A: Application, R: Revision>(
    server: &Arc<Inner<A>>,
    sid: Sid,
    handshake: Arc<Handshake>,
    (revision, place): (R, Place),
    reply: Reply,
) -> bool {
    let Some(driver) = Driver::new(server, sid, handshake, Transport::Polling, revision) else {
        return false;
    };
    driver.say_open(Transport::Polling);
    driver.shared.post(Letter::Poll(reply));
    begin(driver, place);
    true
}

/// Opens a session over WebSocket once the HTTP connection has been given up.
pub(crate) fn spawn_websocket<A: Application, R: Revision>(
    server: &Arc<Inner<A>>,
    sid: Sid,
    upgrade: Upgrade,
    receiver: Receiver,
    handshake: Arc<Handshake>,
    (revision, place): (R, Place),
) {
    let server = Arc::clone(server);
    threads::begin(async move {
        let Ok(taken) = upgrade::take(upgrade).await else {
            server.sessions.give_up();
            return;
        };
        let candidate = Candidate::new(taken, receiver);
        let driver = Driver::new(&server, sid, handshake, Transport::WebSocket, revision);
        let Some(mut driver) = driver else {
            return;
        };
        driver.open_on(candidate);
        // A task of its own, so that an open connection does not hold the room of the upgrade as well.
        begin(driver, place);
    });
}

/// Begins the session's task, in a span of its own if somebody listens, and with its address's place if that is counted;
/// if not, it has no room for them.
fn begin<A: Application, R: Revision>(driver: Driver<A, R>, place: Place) {
    let connection = Connection(Arc::clone(&driver.shared));
    let span = tracing::debug_span!(
        target: "sockeye::connection",
        "connection",
        id = connection.id(),
        transport = connection.transport().as_str(),
    );
    if span.is_disabled() && !place.is_counted() {
        threads::begin(driver);
    } else {
        threads::begin(async move {
            let _place = place;
            driver.instrument(span).await;
        });
    }
}
