//! Messages on a WebSocket that are made smaller for clients that negotiated it: once, for all of them.

use std::cell::Cell;
use std::sync::Arc;

use http::Response;
use http::header::{self, HeaderMap, HeaderValue};
use websocket_proto::deflate::{self, Contexts, Deflater};
use websocket_proto::{Limits, Opcode, Receiver, Role};

use crate::{Application, Body, Server};

/// Compression of messages on a WebSocket (permessage-deflate, RFC 7692).
///
/// A message is compressed once, however many it is for, so each by itself: the answer to a client always has
/// `server_no_context_takeover`. A client that asks for a window of the server of less than 32 KiB is served without
/// compression. A rate of bytes counts what travels, not what it becomes.
///
/// ```
/// use sockeye_transport::PerMessageDeflate;
///
/// let deflate = PerMessageDeflate::default().threshold(512).context_bytes(16 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerMessageDeflate {
    threshold: usize,
    level: u32,
    client_context_takeover: bool,
    context_bytes: usize,
}

impl Default for PerMessageDeflate {
    fn default() -> Self {
        PerMessageDeflate::DEFAULT
    }
}

impl PerMessageDeflate {
    pub(crate) const DEFAULT: Self = PerMessageDeflate {
        threshold: 1024,
        level: 1,
        client_context_takeover: true,
        context_bytes: 64 << 20,
    };

    /// Messages of so many bytes and more are compressed, each attachment for itself; what does not become smaller is
    /// sent as it is. Default 1024.
    #[must_use]
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// How hard to try: 1 is the fastest, 9 the smallest. Default 1, which takes a third of the time of 6 (the
    /// reference's) and compresses JSON nearly as well.
    #[must_use]
    pub fn level(mut self, level: u32) -> Self {
        self.level = level;
        self
    }

    /// Whether a client may refer to its earlier messages. Its messages become smaller by that, and each such client
    /// costs 48 KiB from its first compressed message on. One that may not costs them only while a message of it is
    /// coming in. Default: yes, within [`context_bytes`](Self::context_bytes).
    #[must_use]
    pub fn client_context_takeover(mut self, taken_over: bool) -> Self {
        self.client_context_takeover = taken_over;
        self
    }

    /// What all clients together that may refer to earlier messages can cost, in bytes; whoever comes when that is
    /// reached may not (`client_no_context_takeover`). Default 64 MiB: 1365 clients.
    #[must_use]
    pub fn context_bytes(mut self, bytes: usize) -> Self {
        self.context_bytes = bytes;
        self
    }

    /// What is wrong with it, if something is.
    pub fn problem(&self) -> Option<&'static str> {
        (!(1..=9).contains(&self.level)).then_some("a level is 1 to 9")
    }

    /// The frame of a message, if it is worth it.
    pub(crate) fn frame(self, opcode: Opcode, payload: &[u8]) -> Option<Box<[u8]>> {
        if payload.len() < self.threshold {
            return None;
        }
        let mut frame = Vec::new();
        let mut deflater = take(self.level);
        deflater.push_message(&mut frame, opcode, None, payload);
        DEFLATER.set(Some((self.level, deflater)));
        (frame.len() < payload.len()).then(|| frame.into_boxed_slice())
    }

    /// Whether anything of so many bytes can be worth it.
    pub(crate) fn wants(self, bytes: usize) -> bool {
        bytes >= self.threshold
    }
}

thread_local! {
    /// Weighs a quarter of a megabyte, so each thread has one for all that it sends, of this level.
    static DEFLATER: Cell<Option<(u32, Deflater)>> = const { Cell::new(None) };
}

fn take(level: u32) -> Deflater {
    match DEFLATER.take() {
        Some((its, deflater)) if its == level => deflater,
        _ => Deflater::alone(level),
    }
}

impl<A: Application> Server<A> {
    /// What reads the frames of a WebSocket that is about to be; its 101 is told what was agreed on.
    pub(crate) fn receiver(&self, asked: &HeaderMap, response: &mut Response<Body>) -> Receiver {
        let limits = self.0.config.websocket_limits();
        self.0.negotiation.receiver(limits, asked, response.headers_mut())
    }
}

/// What a server has to say to offers.
pub(crate) struct Negotiation {
    options: Option<PerMessageDeflate>,
    contexts: Arc<Contexts>,
}

impl Negotiation {
    pub(crate) fn new(options: Option<PerMessageDeflate>) -> Self {
        let bytes = options.map_or(0, |options| options.context_bytes);
        Negotiation { options, contexts: Arc::new(Contexts::within(bytes)) }
    }

    /// What reads the frames of a new WebSocket; its answer is told what was agreed on.
    pub(crate) fn receiver(
        &self,
        limits: Limits,
        asked: &HeaderMap,
        answer: &mut HeaderMap,
    ) -> Receiver {
        let receiver = Receiver::new(Role::Server, limits);
        let Some(options) = self.options else {
            return receiver;
        };
        let offers = asked.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter();
        // Lines of a header are one list (RFC 9110, 5.3): the first that has something to take.
        let Some(mut agreed) =
            offers.filter_map(|offers| offers.to_str().ok()).find_map(deflate::accept)
        else {
            return receiver;
        };
        let asks = options.client_context_takeover && !agreed.client_no_context_takeover;
        let place = if asks { self.contexts.reserve() } else { None };
        agreed.client_no_context_takeover = place.is_none();
        let said = HeaderValue::from_str(&agreed.to_string()).expect("words and numbers");
        answer.insert(header::SEC_WEBSOCKET_EXTENSIONS, said);
        let inflater = agreed.inflater(Role::Server);
        receiver.inflating(match place {
            Some(place) => inflater.counted(place),
            None => inflater,
        })
    }
}
