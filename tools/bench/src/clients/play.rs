//! What clients say, and how the answers are judged. All of them count in one place.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sockeye_client::{Data, Socket};
use tokio::time::{Instant, sleep};

use super::crowd::Crowd;
use crate::client::Failure;
use crate::histogram::Histogram;
use crate::process::observer::Observer;
use crate::scenario::{Measurement, Timing};

/// How often it is looked whether the last answer has come.
const LOOK: Duration = Duration::from_millis(5);

/// What all clients have counted, and whether they may go on.
#[derive(Clone, Debug)]
pub struct Score(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    /// What everybody says, and has to hear.
    text: String,
    sending: AtomicBool,
    in_flight: AtomicU64,
    units: AtomicU64,
    /// The first thing that went wrong, and with whom.
    failure: OnceLock<(usize, String)>,
}

impl Score {
    /// With so many bytes to be said each time.
    pub fn new(payload: usize) -> Self {
        Score(Arc::new(Inside {
            text: "x".repeat(payload),
            sending: AtomicBool::new(false),
            in_flight: AtomicU64::new(0),
            units: AtomicU64::new(0),
            failure: OnceLock::new(),
        }))
    }

    /// Begins with `begin`, and measures the window behind the warm-up.
    ///
    /// # Errors
    ///
    /// [`Failure::Lost`] for answers that did not come, or whatever an answer was instead of the right one.
    pub async fn play(
        &self,
        timing: Timing,
        observer: &mut Observer,
        begin: impl FnOnce(),
    ) -> Result<Measurement, Failure> {
        self.0.sending.store(true, Relaxed);
        begin();
        sleep(timing.warm_up).await;
        let before = self.0.units.load(Relaxed);
        observer.begin()?;
        sleep(timing.measure).await;
        let cost = observer.end()?;
        let units = self.0.units.load(Relaxed) - before;
        self.0.sending.store(false, Relaxed);
        self.drain(timing.drain).await?;
        Ok(Measurement { units, reordered: 0, cost, latency: Histogram::new(), memory: None })
    }

    /// Waits until nothing is in flight.
    async fn drain(&self, patience: Duration) -> Result<(), Failure> {
        let end = Instant::now() + patience;
        while self.0.in_flight.load(Relaxed) > 0 && self.0.failure.get().is_none() {
            if Instant::now() > end {
                return Err(Failure::Lost(self.0.in_flight.load(Relaxed)));
            }
            sleep(LOOK).await;
        }
        match self.0.failure.get() {
            Some((link, problem)) => Err(Failure::of_client(*link, problem)),
            None => Ok(()),
        }
    }

    /// One answer has come. Whether more may be asked.
    fn heard(&self, link: usize, text: &str) -> bool {
        if text != self.0.text {
            self.fail(link, &format!("heard `{text}`"));
        }
        if self.0.in_flight.fetch_sub(1, Relaxed) == 0 {
            self.fail(link, "an answer came a second time");
        }
        self.0.units.fetch_add(1, Relaxed);
        self.goes_on()
    }

    fn goes_on(&self) -> bool {
        self.0.sending.load(Relaxed) && self.0.failure.get().is_none()
    }

    fn fail(&self, link: usize, problem: &str) {
        let _ = self.0.failure.set((link, problem.to_owned()));
    }

    fn say(&self, link: usize, socket: &Socket, event: &str, answers: u64) {
        self.0.in_flight.fetch_add(answers, Relaxed);
        if let Err(error) = socket.emit(event, self.0.text.as_str()).now() {
            self.fail(link, &error.to_string());
        }
    }
}

/// Each client by itself: `message` is answered with `message-back`.
impl Score {
    /// What comes back is said again.
    pub fn echo(&self, link: usize, socket: &Socket) {
        let score = self.clone();
        socket.on("message-back", move |socket: Socket, Data(text): Data<String>| {
            if score.heard(link, &text) {
                score.say(link, &socket, "message", 1);
            }
            std::future::ready(())
        });
    }

    /// Everybody says so much at once.
    pub fn say_all(&self, crowd: &Crowd, window: usize) {
        for (link, socket) in crowd.sockets().iter().enumerate() {
            (0..window).for_each(|_| self.say(link, socket, "message", 1));
        }
    }
}

/// Each client by itself: `message-with-ack` is answered with an acknowledgement.
impl Score {
    /// Everybody has so many questions in flight, each awaited by a task.
    pub fn ask_all(&self, crowd: &Crowd, window: usize) {
        for (link, socket) in crowd.sockets().iter().enumerate() {
            for _ in 0..window {
                tokio::spawn(self.clone().ask(link, socket.clone()));
            }
        }
    }

    async fn ask(self, link: usize, socket: Socket) {
        loop {
            self.0.in_flight.fetch_add(1, Relaxed);
            let answer = socket.emit_with_ack::<String>("message-with-ack", self.0.text.as_str());
            match answer.await {
                Ok(text) if self.heard(link, &text) => {}
                Ok(_) => return,
                Err(error) => return self.fail(link, &error.to_string()),
            }
        }
    }
}

/// One client speaks, everybody hears it.
impl Score {
    /// The first client broadcasts again when everybody has heard it.
    pub fn hear_news(&self, recipients: usize, socket: &Socket) {
        let (score, everybody) = (self.clone(), recipients as u64);
        socket.on("news", move |socket: Socket, Data(text): Data<String>| {
            let goes_on = score.heard(0, &text);
            if goes_on && score.0.units.load(Relaxed).is_multiple_of(everybody) {
                score.say(0, &socket, "broadcast", everybody);
            }
            std::future::ready(())
        });
    }

    /// The first client broadcasts so much at once.
    pub fn tell_news(&self, crowd: &Crowd, window: usize) {
        let recipients = crowd.sockets().len() as u64;
        (0..window).for_each(|_| self.say(0, &crowd.sockets()[0], "broadcast", recipients));
    }
}
