//! One session alone on the bench: say what happens, look at the orders.

use std::time::Duration;

use sockeye_engine_proto::{
    CloseReason, Config, Message, Order, Packet, Pipe, Session, Transport, Tray,
};

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A server session, the time, and the orders of the last call.
pub(crate) struct Bench {
    pub(crate) session: Session,
    pub(crate) now: Duration,
}

/// Sessions in each of their phases.
impl Bench {
    pub(crate) fn polling() -> Self {
        Bench::with(Transport::Polling, &Config::default())
    }

    pub(crate) fn streaming() -> Self {
        Bench::with(Transport::WebSocket, &Config::default())
    }

    pub(crate) fn with(transport: Transport, config: &Config) -> Self {
        let now = secs(100);
        Bench { session: Session::accept(transport, config, now), now }
    }

    pub(crate) fn holding_a_get() -> Self {
        let mut bench = Bench::polling();
        assert_eq!(bench.get(), []);
        bench
    }

    /// There is a candidate; it has said nothing yet.
    pub(crate) fn probing() -> Self {
        let mut bench = Bench::polling();
        assert_eq!(bench.candidate(), []);
        bench
    }

    /// The candidate's probe has been answered.
    pub(crate) fn probed() -> Self {
        let mut bench = Bench::probing();
        assert_eq!(bench.on_candidate("2probe").len(), 1);
        bench
    }

    pub(crate) fn closed() -> Self {
        let mut bench = Bench::streaming();
        bench.does(|session, _, out| session.close(CloseReason::ForcedClose, out));
        bench
    }

    /// Closed by our user without a GET to say so.
    pub(crate) fn lingering() -> Self {
        let mut bench = Bench::polling();
        bench.does(|session, _, out| session.close(CloseReason::ForcedClose, out));
        bench
    }

    /// Every phase there is, by name.
    pub(crate) fn in_each_phase() -> [(&'static str, Bench); 8] {
        let mut probing_with_get = Bench::holding_a_get();
        probing_with_get.candidate();
        [
            ("polling", Bench::polling()),
            ("polling, GET held", Bench::holding_a_get()),
            ("probing", Bench::probing()),
            ("probing, GET held", probing_with_get),
            ("probed", Bench::probed()),
            ("streaming", Bench::streaming()),
            ("closed", Bench::closed()),
            ("lingering", Bench::lingering()),
        ]
    }
}

/// Things that happen; what comes back are the orders.
impl Bench {
    pub(crate) fn does<T>(
        &mut self,
        what: impl FnOnce(&mut Session, Duration, &mut Tray) -> T,
    ) -> Vec<Order> {
        let mut out = Tray::new();
        what(&mut self.session, self.now, &mut out);
        out.to_vec()
    }

    pub(crate) fn packet(&mut self, text: &str) -> Vec<Order> {
        self.receive(Pipe::Current, text)
    }

    pub(crate) fn on_candidate(&mut self, text: &str) -> Vec<Order> {
        self.receive(Pipe::Candidate, text)
    }

    fn receive(&mut self, pipe: Pipe, text: &str) -> Vec<Order> {
        let mut base64 = Vec::new();
        let packet = Packet::parse(text, &mut base64);
        self.does(|session, now, out| session.receive(pipe, packet, now, out).is_some())
    }

    /// Whether a message on this pipe reaches the user.
    pub(crate) fn hears(&mut self, pipe: Pipe) -> bool {
        let message = Message::Text("hello");
        let mut out = Tray::new();
        let packet = Ok(Packet::Message(message));
        self.session.receive(pipe, packet, self.now, &mut out) == Some(message)
    }

    pub(crate) fn get(&mut self) -> Vec<Order> {
        self.does(|session, _, out| session.poll_arrived(out))
    }

    pub(crate) fn post(&mut self) -> Vec<Order> {
        self.does(|session, _, out| session.post_arrived(out))
    }

    pub(crate) fn candidate(&mut self) -> Vec<Order> {
        self.does(sockeye_engine_proto::Session::candidate_arrived)
    }

    pub(crate) fn loses(&mut self, pipe: Pipe, reason: CloseReason) -> Vec<Order> {
        self.does(|session, _, out| session.pipe_lost(pipe, reason, out))
    }

    pub(crate) fn closes(&mut self, reason: CloseReason) -> Vec<Order> {
        self.does(|session, _, out| session.close(reason, out))
    }

    /// Time passes, and the session is told.
    pub(crate) fn after(&mut self, duration: Duration) -> Vec<Order> {
        self.now += duration;
        self.does(sockeye_engine_proto::Session::timeout)
    }

    /// On demand.
    pub(crate) fn pings(&mut self) -> Vec<Order> {
        self.does(sockeye_engine_proto::Session::ping)
    }
}
