//! What the program shows to whoever watches it: metrics for Prometheus, and whether it is well, at an address of its
//! own. The names are a table in `docs/operations.md`, which a test compares with what is served.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use sockeye::engine::Stats as Engine;
use sockeye::{Io, Stats};
use tokio::net::TcpListener;
use transport::{Body, listener};

use crate::exposition::{self, Exposition, Kind};

/// Who watches, and what.
#[derive(Clone)]
pub(crate) struct Metrics {
    io: Io,
    leaving: Arc<AtomicBool>,
}

impl Metrics {
    /// Begins to answer at this address; returns where that is. An error says what to do.
    pub(crate) async fn start(
        io: &Io,
        address: SocketAddr,
    ) -> Result<(Metrics, SocketAddr), String> {
        let bound = TcpListener::bind(address).await;
        let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|error| {
            format!("cannot show metrics at {address} ({error}): choose another --metrics")
        })?;
        let metrics = Metrics { io: io.clone(), leaving: Arc::default() };
        tokio::spawn(metrics.clone().serve(listener));
        Ok((metrics, address))
    }

    /// From now on the server is not well: nobody new should be sent to it.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let answer = move |request, _| {
            let answer = self.answer(&request);
            async move { answer }
        };
        listener::serve(listener, options(), answer, std::future::pending()).await
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => {
                let text = text(&self.io.stats());
                said(StatusCode::OK, exposition::CONTENT_TYPE, text)
            }
            (&Method::GET, "/health") if self.leaving.load(Ordering::Relaxed) => {
                said(StatusCode::SERVICE_UNAVAILABLE, PLAIN, "leaving\n".to_owned())
            }
            (&Method::GET, "/health") => said(StatusCode::OK, PLAIN, "ok\n".to_owned()),
            _ => said(StatusCode::NOT_FOUND, PLAIN, "here are /metrics and /health\n".to_owned()),
        }
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// A handful of scrapers, none of which may take long.
fn options() -> listener::Options {
    listener::Options {
        connections: 16,
        header_deadline: Duration::from_secs(10),
        write_deadline: Duration::from_secs(5),
        ..listener::Options::default()
    }
}

fn said(status: StatusCode, kind: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn text(stats: &Stats) -> String {
    let mut out = Exposition::default();
    sessions(&mut out, &stats.engine);
    traffic(&mut out, &stats.engine);
    handlers(&mut out, stats);
    limits(&mut out, stats);
    logs(&mut out, stats);
    out.finish()
}

fn sessions(out: &mut Exposition, engine: &Engine) {
    out.labelled(
        ("sockeye_connections", "transport"),
        Kind::Gauge,
        "Sessions that are open now.",
        [("polling", engine.polling), ("websocket", engine.websocket)],
    );
    out.labelled(
        ("sockeye_connections_opened_total", "transport"),
        Kind::Counter,
        "Sessions that were opened, by their first transport.",
        [("polling", engine.opened_polling), ("websocket", engine.opened_websocket)],
    );
    out.single(
        "sockeye_upgrades_total",
        Kind::Counter,
        "Sessions that went over from polling to a WebSocket.",
        engine.upgrades,
    );
    out.labelled(
        ("sockeye_connections_closed_total", "reason"),
        Kind::Counter,
        "Sessions that have ended.",
        engine.closed().map(|(why, times)| (why.as_str(), times)),
    );
    out.labelled(
        ("sockeye_requests_refused_total", "reason"),
        Kind::Counter,
        "Requests that were refused, handshakes among them.",
        engine.refused().map(|(why, times)| (why.as_str(), times)),
    );
}

fn traffic(out: &mut Exposition, engine: &Engine) {
    for (name, help, value) in [
        ("sockeye_packets_received_total", "Packets that came.", engine.packets_in),
        ("sockeye_packets_sent_total", "Packets that were sent.", engine.packets_out),
        ("sockeye_received_bytes_total", "Bytes that came.", engine.bytes_in),
        ("sockeye_sent_bytes_total", "Bytes that were sent.", engine.bytes_out),
    ] {
        out.single(name, Kind::Counter, help, value);
    }
    let help = "Bytes that wait to be sent, and what holding them costs.";
    out.single("sockeye_queued_bytes", Kind::Gauge, help, engine.queued_bytes);
    let help = "Volatile packets that a client was not ready for.";
    out.single("sockeye_volatile_dropped_total", Kind::Counter, help, engine.dropped);
}

fn handlers(out: &mut Exposition, stats: &Stats) {
    let help = "How long handlers of events took, waiting included.";
    out.histogram("sockeye_handler_seconds", help, &stats.handled);
    out.labelled(
        ("sockeye_handler_problems_total", "problem"),
        Kind::Counter,
        "What went wrong with handlers.",
        [
            ("panic", stats.panics),
            ("error", stats.handler_errors),
            ("arguments", stats.rejected_arguments),
            ("timeout", stats.handlers_expired),
            ("slow", stats.slow_polls),
        ],
    );
    let help = "Events that nobody handles.";
    out.single("sockeye_events_unhandled_total", Kind::Counter, help, stats.unhandled);
    let help = "Events that were not started, since their socket was disconnected first.";
    out.single("sockeye_events_dropped_total", Kind::Counter, help, stats.events_dropped);
}

fn limits(out: &mut Exposition, stats: &Stats) {
    out.labelled(
        ("sockeye_slowed_total", "rate"),
        Kind::Counter,
        "Times a client had to wait, since it had sent more than its rate.",
        [("bytes", stats.engine.slowed), ("events", stats.events_slowed)],
    );
    let help = "Questions that were not asked, since a socket owes too many answers.";
    out.single("sockeye_questions_refused_total", Kind::Counter, help, stats.questions_refused);
    let help = "Rooms that were not joined, since a socket is in too many.";
    out.single("sockeye_rooms_refused_total", Kind::Counter, help, stats.rooms_refused);
    let help = "Addresses that are remembered for limits on them.";
    out.single("sockeye_addresses", Kind::Gauge, help, stats.engine.addresses);
}

fn logs(out: &mut Exposition, stats: &Stats) {
    let durable = &stats.durable;
    for (name, help, value) in [
        ("sockeye_log_events_total", "Events that were appended to a log.", durable.events),
        ("sockeye_log_written_bytes_total", "Bytes given to the store.", durable.written_bytes),
        ("sockeye_log_syncs_total", "Times the store was made durable.", durable.syncs),
        ("sockeye_gaps_total", "Notices to clients that something is missing.", durable.gaps),
    ] {
        out.single(name, Kind::Counter, help, value);
    }
    let help = "Events that have been appended and not written yet.";
    out.single("sockeye_log_waiting_events", Kind::Gauge, help, durable.waiting);
    let help = "Bytes that wait to be written to a log.";
    out.single("sockeye_log_queued_bytes", Kind::Gauge, help, durable.queued_bytes);
    let here = durable.sessions.saturating_sub(durable.away);
    out.labelled(
        ("sockeye_durable_sessions", "state"),
        Kind::Gauge,
        "Sessions of durable namespaces, by whether their client is here.",
        [("here", here), ("away", durable.away)],
    );
}
