//! A server session and a client session with a wire between them and a clock we move.
//!
//! The drivers are as small as drivers can be: a queue on each side, one GET, one WebSocket. What is on the
//! wire arrives at once and in order; nothing sleeps.

use std::collections::VecDeque;
use std::time::Duration;

use sockeye_engine_proto::handshake::open_packet;
use sockeye_engine_proto::payload::{self, Content};
use sockeye_engine_proto::{
    Answering, Beating, CloseReason, Config, Control, Goodbye, Heartbeat, LINGER, Message, Order,
    Packet, PacketError, Pipe, Session, Sid, Transport, Tray, client, v3,
};

/// What the two sides speak.
pub(crate) trait Revision {
    type Server: Heartbeat;
    type Client: Heartbeat;

    fn push(body: &mut Vec<u8>, packet: &str);
    fn each_packet(body: &[u8], take: impl FnMut(Result<Packet<'_>, PacketError>));
}

pub(crate) struct Four;
pub(crate) struct Three;

impl Revision for Four {
    type Server = Beating;
    type Client = Answering;

    fn push(body: &mut Vec<u8>, packet: &str) {
        payload::push_text(body, packet);
    }

    fn each_packet(body: &[u8], mut take: impl FnMut(Result<Packet<'_>, PacketError>)) {
        let mut packets = payload::decode(body);
        while let Some(packet) = packets.next() {
            take(packet);
        }
    }
}

impl Revision for Three {
    type Server = Answering;
    type Client = Beating;

    fn push(body: &mut Vec<u8>, packet: &str) {
        v3::payload::push_text(body, packet);
    }

    fn each_packet(body: &[u8], mut take: impl FnMut(Result<Packet<'_>, PacketError>)) {
        let mut packets = v3::payload::decode(Content::Text, body);
        while let Some(packet) = packets.next() {
            take(packet);
        }
    }
}

/// What travels.
#[derive(Debug)]
enum Wire {
    Get,
    GetAnswer(Vec<u8>),
    Post(Vec<u8>),
    /// The server refused a request, or does not know the session.
    Refused,
    OpenWebSocket,
    ToServer(String),
    ToClient(String),
    WebSocketClosedByClient,
    WebSocketClosedByServer,
}

#[expect(clippy::struct_excessive_bools, reason = "a wire is many small facts")]
pub(crate) struct Pair<R: Revision = Four> {
    pub(crate) now: Duration,
    pub(crate) server: Session<R::Server>,
    pub(crate) client: client::Session<R::Client>,
    /// Messages that reached the user of either side.
    pub(crate) server_heard: Vec<String>,
    pub(crate) client_heard: Vec<String>,
    /// Every order but the pings and pongs, as it was given.
    pub(crate) server_orders: Vec<Order>,
    pub(crate) client_orders: Vec<client::Order>,
    pub(crate) pings: usize,
    /// Pongs vanish on the way.
    pub(crate) lose_pongs: bool,
    /// Everything vanishes on the way.
    pub(crate) cut: bool,
    /// `WebSockets` cannot be opened: a proxy lets the attempt hang.
    pub(crate) no_websockets: bool,
    /// What the client says on a WebSocket does not arrive until this is taken back.
    pub(crate) hold_frames: bool,
    wire: VecDeque<Wire>,
    server_queue: Vec<String>,
    client_queue: Vec<String>,
    /// The server holds a GET; the client has one under way, or a POST.
    held: bool,
    getting: bool,
    /// The client may start requests.
    polls: bool,
    /// Until when the server keeps a goodbye.
    linger_until: Option<Duration>,
}

/// Making one.
impl Pair {
    /// Both sides open over this transport, no upgrade wanted.
    pub(crate) fn connected(transport: Transport) -> Self {
        Pair::connected_in(transport)
    }

    /// Polling, and the client is about to open its WebSocket: `settle` lets it.
    pub(crate) fn upgrading() -> Self {
        Pair::upgrading_in()
    }
}

/// The same, in either revision.
impl<R: Revision> Pair<R> {
    pub(crate) fn connected_in(transport: Transport) -> Self {
        let config = client::Config { upgrade: false, ..client::Config::default() };
        let mut pair = Pair::handshaken(transport, &Config::default(), &config);
        pair.settle();
        pair
    }

    pub(crate) fn upgrading_in() -> Self {
        Pair::handshaken(Transport::Polling, &Config::default(), &client::Config::default())
    }

    fn handshaken(transport: Transport, config: &Config, wish: &client::Config) -> Self {
        let now = Duration::from_secs(1_000);
        let mut pair = Pair {
            now,
            server: Session::begin(transport, config, now),
            client: client::Session::begin(transport, wish, now),
            server_heard: Vec::new(),
            client_heard: Vec::new(),
            server_orders: Vec::new(),
            client_orders: Vec::new(),
            pings: 0,
            lose_pongs: false,
            cut: false,
            no_websockets: false,
            hold_frames: false,
            wire: VecDeque::new(),
            server_queue: Vec::new(),
            client_queue: Vec::new(),
            held: false,
            getting: false,
            polls: transport == Transport::Polling,
            linger_until: None,
        };
        pair.client_receives(
            Pipe::Current,
            &open_packet(Sid::from_random([1; 15]), config, transport),
        );
        pair
    }
}

/// What the tests do with it.
impl<R: Revision> Pair<R> {
    /// Lets time pass: every deadline of either side is met on the second.
    pub(crate) fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        self.settle();
        while let Some(next) = self.next_timeout().filter(|&next| next <= end) {
            self.now = self.now.max(next);
            let mut out = Tray::new();
            self.server.timeout(self.now, &mut out);
            self.obey_server(out);
            let mut out = client::Tray::new();
            self.client.timeout(self.now, &mut out);
            self.obey_client(out);
            self.settle();
            let met = self.next_timeout().is_none_or(|next| next > self.now);
            assert!(met, "a deadline that was met does not come again");
        }
        self.now = end;
    }

    fn next_timeout(&self) -> Option<Duration> {
        self.server.next_timeout().into_iter().chain(self.client.next_timeout()).min()
    }

    pub(crate) fn server_says(&mut self, text: &str) {
        self.server_queue.push(format!("4{text}"));
    }

    pub(crate) fn client_says(&mut self, text: &str) {
        self.client_queue.push(format!("4{text}"));
    }

    pub(crate) fn server_closes(&mut self, reason: CloseReason) {
        let mut out = Tray::new();
        self.server.close(reason, &mut out);
        self.obey_server(out);
    }

    pub(crate) fn client_closes(&mut self) {
        let mut out = client::Tray::new();
        self.client.close(CloseReason::ForcedClose, &mut out);
        self.obey_client(out);
    }

    /// The candidate breaks, as both sides notice.
    pub(crate) fn candidate_breaks(&mut self) {
        let mut out = Tray::new();
        self.server.pipe_lost(Pipe::Candidate, CloseReason::TransportError, &mut out);
        self.obey_server(out);
        let mut out = client::Tray::new();
        self.client.pipe_lost(Pipe::Candidate, CloseReason::TransportError, &mut out);
        self.obey_client(out);
    }

    /// Why both sides think it is over: server, client.
    pub(crate) fn closed(&self) -> (Option<CloseReason>, Option<CloseReason>) {
        (self.server.closed(), self.client.closed())
    }

    pub(crate) fn transports(&self) -> (Transport, Transport) {
        (self.server.transport(), self.client.transport())
    }

    /// Lets everything arrive that is on its way, and everything be sent that may be.
    pub(crate) fn settle(&mut self) {
        loop {
            self.pump();
            match self.wire.pop_front() {
                Some(_) if self.cut => {}
                Some(Wire::OpenWebSocket) if self.no_websockets => {}
                Some(what) => self.arrive(what),
                None => return,
            }
        }
    }
}

/// The wire, and the drivers at its ends.
impl<R: Revision> Pair<R> {
    fn pump(&mut self) {
        if self.client.is_open() && self.polls {
            if !self.getting {
                self.getting = true;
                self.wire.push_back(Wire::Get);
            }
            self.post();
        } else if self.client.transport() == Transport::WebSocket && !self.hold_frames {
            let frames = self.client_queue.drain(..).map(Wire::ToServer);
            self.wire.extend(frames);
        }
        if self.server.transport() == Transport::WebSocket {
            let frames = self.server_queue.drain(..).map(Wire::ToClient);
            self.wire.extend(frames);
        } else if self.held && !self.server_queue.is_empty() {
            self.server.poll_answered();
            self.answer();
        }
    }

    fn post(&mut self) {
        if !self.client_queue.is_empty() {
            let body = body_of::<R>(self.client_queue.drain(..));
            self.wire.push_back(Wire::Post(body));
        }
    }

    /// Answers the held GET with what is queued, or a noop.
    fn answer(&mut self) {
        self.held = false;
        if self.server_queue.is_empty() {
            self.server_queue.push(Control::Noop.as_str().into());
        }
        let body = body_of::<R>(self.server_queue.drain(..));
        self.wire.push_back(Wire::GetAnswer(body));
    }

    fn arrive(&mut self, what: Wire) {
        match what {
            Wire::Get => self.get_arrives(),
            Wire::Post(body) => self.post_arrives(&body),
            Wire::GetAnswer(body) => {
                self.getting = false;
                R::each_packet(&body, |packet| self.client_takes(Pipe::Current, packet));
                self.pause_if_wanted();
            }
            Wire::Refused => {
                self.getting = false;
                self.client_loses(Pipe::Current, CloseReason::TransportError);
            }
            Wire::OpenWebSocket => self.websocket_arrives(),
            Wire::ToServer(text) => {
                let pipe = pipe_of(self.server.transport());
                self.server_receives(pipe, &text);
            }
            Wire::ToClient(text) => self.client_receives(pipe_of(self.client.transport()), &text),
            Wire::WebSocketClosedByClient => {
                let pipe = pipe_of(self.server.transport());
                let mut out = Tray::new();
                self.server.pipe_lost(pipe, CloseReason::TransportClose, &mut out);
                self.obey_server(out);
            }
            Wire::WebSocketClosedByServer => {
                self.client_loses(pipe_of(self.client.transport()), CloseReason::TransportClose);
            }
        }
    }

    fn get_arrives(&mut self) {
        let known = match self.server.closed() {
            Some(_) => self.linger_until.is_some_and(|until| self.now <= until),
            None => true,
        };
        if !known {
            self.wire.push_back(Wire::Refused);
            return;
        }
        self.held = true;
        let mut out = Tray::new();
        self.server.poll_arrived(&mut out);
        self.obey_server(out);
    }

    fn post_arrives(&mut self, body: &[u8]) {
        let mut out = Tray::new();
        self.server.post_arrived(&mut out);
        self.obey_server(out);
        R::each_packet(body, |packet| self.server_takes(Pipe::Current, packet));
        self.server.post_finished();
    }

    fn websocket_arrives(&mut self) {
        let mut out = Tray::new();
        self.server.candidate_arrived(self.now, &mut out);
        let wanted = out.is_empty();
        self.obey_server(out);
        if wanted {
            let mut out = client::Tray::new();
            self.client.candidate_opened(&mut out);
            self.obey_client(out);
        }
    }

    fn server_receives(&mut self, pipe: Pipe, text: &str) {
        let mut base64 = Vec::new();
        self.server_takes(pipe, Packet::parse(text, &mut base64));
    }

    fn server_takes(&mut self, pipe: Pipe, packet: Result<Packet<'_>, PacketError>) {
        let lost = self.lose_pongs && matches!(packet, Ok(Packet::Pong("")));
        if lost {
            return;
        }
        let mut out = Tray::new();
        let message = self.server.receive(pipe, packet, self.now, &mut out);
        self.server_heard.extend(message.map(text_of));
        self.obey_server(out);
    }

    fn client_receives(&mut self, pipe: Pipe, text: &str) {
        let mut base64 = Vec::new();
        self.client_takes(pipe, Packet::parse(text, &mut base64));
    }

    fn client_takes(&mut self, pipe: Pipe, packet: Result<Packet<'_>, PacketError>) {
        if self.lose_pongs && matches!(packet, Ok(Packet::Pong(""))) {
            return;
        }
        let mut out = client::Tray::new();
        match self.client.receive(pipe, packet, self.now, &mut out) {
            Some(client::Incoming::Message(message)) => self.client_heard.push(text_of(message)),
            Some(client::Incoming::Open(_)) | None => {}
        }
        self.obey_client(out);
    }

    fn client_loses(&mut self, pipe: Pipe, reason: CloseReason) {
        let mut out = client::Tray::new();
        self.client.pipe_lost(pipe, reason, &mut out);
        self.obey_client(out);
    }

    fn pause_if_wanted(&mut self) {
        if !self.polls && !self.getting {
            let mut out = client::Tray::new();
            self.client.polling_paused(&mut out);
            self.obey_client(out);
        }
    }

    fn obey_server(&mut self, orders: Tray) {
        for order in orders {
            match order {
                Order::Send(Pipe::Current, Control::Ping) => self.pings += 1,
                Order::Send(Pipe::Current, Control::Pong) => {}
                _ => self.server_orders.push(order),
            }
            match order {
                Order::Send(Pipe::Current, packet) => {
                    self.server_queue.push(packet.as_str().into());
                }
                Order::Send(Pipe::Candidate, packet) => {
                    self.wire.push_back(Wire::ToClient(packet.as_str().into()));
                }
                Order::ReleasePoll => self.answer(),
                Order::EndPoll(packet) => {
                    self.held = false;
                    let body = body_of::<R>(std::iter::once(packet.as_str().into()));
                    self.wire.push_back(Wire::GetAnswer(body));
                }
                Order::RefuseRequest(_) => self.wire.push_back(Wire::Refused),
                Order::Switch => {}
                Order::DropCandidate | Order::EndCandidate | Order::RefuseCandidate => {
                    self.wire.push_back(Wire::WebSocketClosedByServer);
                }
                Order::Finish(goodbye) => self.server_finishes(goodbye),
            }
        }
    }

    fn server_finishes(&mut self, goodbye: Goodbye) {
        match goodbye {
            Goodbye::Nothing => self.server_queue.clear(),
            Goodbye::CloseFrame => {
                self.server_queue.clear();
                self.wire.push_back(Wire::WebSocketClosedByServer);
            }
            Goodbye::Flush => {
                self.pump();
                self.wire.push_back(Wire::WebSocketClosedByServer);
            }
            Goodbye::NextPoll => self.linger_until = Some(self.now + LINGER),
        }
    }

    fn obey_client(&mut self, orders: client::Tray) {
        for order in orders {
            match order {
                client::Order::Send(Pipe::Current, Control::Ping) => self.pings += 1,
                client::Order::Send(Pipe::Current, Control::Pong) => {}
                _ => self.client_orders.push(order),
            }
            match order {
                client::Order::Send(Pipe::Current, packet) => {
                    self.client_queue.push(packet.as_str().into());
                }
                client::Order::Send(Pipe::Candidate, packet) => {
                    if !self.hold_frames {
                        self.wire.push_back(Wire::ToServer(packet.as_str().into()));
                    }
                }
                client::Order::OpenCandidate => self.wire.push_back(Wire::OpenWebSocket),
                client::Order::PausePolling => {
                    self.polls = false;
                    self.pause_if_wanted();
                }
                client::Order::ResumePolling => self.polls = true,
                client::Order::Switch => {}
                client::Order::DropCandidate => {
                    self.wire.push_back(Wire::WebSocketClosedByClient);
                }
                client::Order::Finish(goodbye) => self.client_finishes(goodbye),
            }
        }
    }

    fn client_finishes(&mut self, goodbye: client::Goodbye) {
        let streaming = self.client.transport() == Transport::WebSocket;
        if goodbye == client::Goodbye::Flush {
            if streaming {
                self.pump();
            } else {
                self.post();
            }
        }
        if streaming && goodbye != client::Goodbye::Nothing {
            self.wire.push_back(Wire::WebSocketClosedByClient);
        }
        self.client_queue.clear();
    }
}

/// Which pipe the one WebSocket is to a side that speaks through `transport`.
fn pipe_of(transport: Transport) -> Pipe {
    match transport {
        Transport::Polling => Pipe::Candidate,
        Transport::WebSocket => Pipe::Current,
    }
}

fn body_of<R: Revision>(packets: impl Iterator<Item = String>) -> Vec<u8> {
    let mut body = Vec::new();
    packets.for_each(|packet| R::push(&mut body, &packet));
    body
}

fn text_of(message: Message<'_>) -> String {
    match message {
        Message::Text(text) => text.to_owned(),
        Message::Binary(data) => format!("{data:?}"),
    }
}
