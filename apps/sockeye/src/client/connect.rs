//! `sockeye connect`: prints what comes, sends what is typed.
//!
//! Three things go on at once, each with a function of its own, and the first that ends is the end of all:
//!
//! ```text
//!  listen   what comes ─▶ out                             until nobody reads any more
//!  speak    what is typed ─▶ socket; answers ─▶ out       until the end of the input, and of --stay
//!  watch    states ─▶ notes                               until there is no connection, and will not be
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::pending;
use std::io::{self, IsTerminal};
use std::pin::pin;
use std::time::Duration;

use sockeye_client::{
    AckError, AckSender, Args, DisconnectReason, Reason, Received, Socket, SocketState,
};
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

use super::dial;
use super::failure::{Failure, Kind as Failed};
use super::line::{self, Line};
use super::options::{Connect, Stay};
use super::out::{Lines, Notes, Out};
use super::show::{self, Came, Form, Kind};
use super::typed;
use crate::signals::Signals;

/// So many questions of the server are remembered; the oldest is forgotten for the newest.
const QUESTIONS: usize = 1000;

/// So many answers may be waited for; then nothing more is sent.
const ASKED: usize = 1000;

pub(super) async fn run(options: &Connect) -> Result<(), Failure> {
    let notes = Notes::new(options.server.quiet);
    let (client, socket) = dial::prepare(&options.server, !options.no_reconnect)?;
    let mut signals =
        Signals::listen().map_err(|error| format!("signals cannot be listened to: {error}"))?;
    let out = Out::start().map_err(|error| format!("the system lets no thread start: {error}"))?;
    let form = Form::new(options.json, &io::stdout());
    let talk =
        Talk { options, socket, form, lines: out.lines(), notes, questions: RefCell::default() };
    let ended = tokio::select! {
        ended = talk.all() => ended,
        () = out.gone() => Ok(()),
        () = signals.told() => Ok(()),
    };
    drop(talk);
    tokio::select! {
        () = client.close() => {}
        () = signals.told() => {}
    }
    out.finish().await?;
    ended
}

struct Talk<'a> {
    options: &'a Connect,
    socket: Socket,
    form: Form,
    lines: Lines,
    notes: Notes,
    questions: RefCell<Questions>,
}

impl Talk<'_> {
    async fn all(&self) -> Result<(), Failure> {
        self.tell_of_losses();
        let _all_is_kept = self.socket.events();
        dial::connect(&self.socket, &self.options.server).await?;
        let namespace = self.socket.namespace();
        self.notes.say(&format!("connected to {}, namespace {namespace}", self.options.server.url));
        let mut listening = pin!(self.listen());
        let ended = tokio::select! {
            () = &mut listening => return Ok(()),
            ended = self.speak() => ended,
            failure = self.watch() => Err(failure),
        };
        // What came before the last answer is printed before the end.
        tokio::select! {
            biased;
            () = &mut listening => {}
            () = yield_now() => {}
        }
        ended
    }

    /// Prints what comes, until nobody reads any more.
    async fn listen(&self) {
        while let Some(event) = self.socket.recv().await {
            let Received { name, args, ack, .. } = event;
            let kind = if ack.wanted() {
                Kind::Question(self.questions.borrow_mut().remember(ack))
            } else {
                Kind::Event
            };
            let line = self.form.line(&Came { name: &name, args: &args, kind });
            if self.lines.send(line).await.is_err() {
                return;
            }
        }
        // The end of the connection is told by `watch`.
        pending::<()>().await;
    }

    /// Sends what is typed, and waits for the answers.
    async fn speak(&self) -> Result<(), Failure> {
        if !typed::somebody_types() {
            match self.options.stay() {
                Stay::For(duration) => sleep(duration).await,
                Stay::No | Stay::Always => pending().await,
            }
            return Ok(());
        }
        let mut lines =
            typed::lines().map_err(|error| format!("the system lets no thread start: {error}"))?;
        let mut speech = Speech { asked: JoinSet::new(), failed: 0, first: None };
        loop {
            tokio::select! {
                Some(answer) = speech.asked.join_next() => self.answered(answer.ok(), &mut speech).await,
                line = lines.recv() => match line {
                    None => break,
                    Some(line) => {
                        let sent = match line {
                            Ok(line) => self.send(&line, &mut speech).await,
                            Err(problem) => Err(problem),
                        };
                        speech.note(sent.map_err(Failure::from).err(), self.notes);
                    }
                },
            }
        }
        while let Some(answer) = speech.asked.join_next().await {
            self.answered(answer.ok(), &mut speech).await;
        }
        match self.options.stay() {
            Stay::No => dial::back(&self.socket, &self.options.server).await?,
            Stay::For(duration) => sleep(duration).await,
            Stay::Always => pending().await,
        }
        speech.verdict()
    }

    async fn send(&self, line: &str, speech: &mut Speech) -> Result<(), String> {
        match line::read(line, self.options.text)? {
            None => Ok(()),
            Some(Line::Event { name, arguments, ask: false }) => {
                let args = arguments.into_args()?;
                self.socket.emit(&name, &args).await.map_err(|error| error.to_string())
            }
            Some(Line::Event { name, arguments, ask: true }) => {
                self.ask(name, &arguments.into_args()?, speech).await;
                Ok(())
            }
            Some(Line::Answer { number, arguments }) => {
                let ack = self.questions.borrow_mut().take(number);
                let ack = ack.ok_or_else(|| {
                    format!("nothing with the number {number} waits for an answer")
                })?;
                ack.send(&arguments.into_args()?).map_err(|error| error.to_string())
            }
        }
    }

    /// Sends an event; its answer is printed when it comes.
    async fn ask(&self, name: String, args: &Args, speech: &mut Speech) {
        if speech.asked.len() >= ASKED
            && let Some(answer) = speech.asked.join_next().await
        {
            self.answered(answer.ok(), speech).await;
        }
        let timeout = self.options.server.timeout;
        let answer = self.socket.emit_with_ack::<Args>(&name, args).timeout(timeout);
        let form = self.form;
        speech.asked.spawn(async move {
            let args = match answer.await {
                Ok(args) => args,
                Err(AckError::Refused(refused)) => show::error(&refused),
                Err(error) => return Err(dial::unanswered(&name, &error, timeout)),
            };
            Ok(form.line(&Came { name: &name, args: &args, kind: Kind::Answer }))
        });
    }

    /// Prints an answer, or says why there is none. The reader who is gone is noticed elsewhere.
    async fn answered(&self, answer: Option<Answer>, speech: &mut Speech) {
        match answer {
            Some(Ok(line)) => drop(self.lines.send(line).await),
            Some(Err(failure)) => speech.note(Some(failure), self.notes),
            None => {}
        }
    }

    fn tell_of_losses(&self) {
        let (notes, comes_back) = (self.notes, !self.options.no_reconnect);
        self.socket.on_disconnect(move |Reason(reason): Reason| async move {
            if comes_back && reason.will_reconnect() {
                notes.say(&format!("the connection is lost ({reason})"));
            }
        });
    }

    /// Tells of what becomes of the connection. Its end is a failure: nobody here has asked for it.
    async fn watch(&self) -> Failure {
        let mut state = self.socket.state();
        let mut connected = true;
        loop {
            match state.borrow_and_update().clone() {
                SocketState::Disconnected { reason } => return over(reason),
                SocketState::Waiting { attempt, delay } => {
                    connected = false;
                    self.notes
                        .say(&format!("attempt {attempt} to connect again in {}", seconds(delay)));
                }
                SocketState::Connected { .. } if !connected => {
                    connected = true;
                    self.notes.say("connected again");
                }
                _ => {}
            }
            if state.changed().await.is_err() {
                return over(None);
            }
        }
    }
}

fn over(reason: Option<DisconnectReason>) -> Failure {
    let Some(reason) = reason else {
        return Failure::new(Failed::Refused, "the server did not let us in again");
    };
    let kind = dial::kind_of(reason);
    let who = if kind == Failed::Refused {
        "the server has sent us away"
    } else {
        "the connection is lost"
    };
    Failure::new(kind, format!("{who} ({reason})"))
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// An answer as it is printed, or why there is none.
type Answer = Result<String, Failure>;

/// What became of what was typed.
struct Speech {
    /// Answers that are waited for.
    asked: JoinSet<Answer>,
    failed: usize,
    first: Option<Failure>,
}

impl Speech {
    fn note(&mut self, failure: Option<Failure>, notes: Notes) {
        let Some(failure) = failure else { return };
        notes.warn(&failure.words);
        self.failed += 1;
        self.first.get_or_insert(failure);
    }

    /// Somebody who types has seen it; a script has to be told at the end.
    fn verdict(self) -> Result<(), Failure> {
        match self.first {
            Some(first) if !io::stdin().is_terminal() => {
                let lines = if self.failed == 1 { "line" } else { "lines" };
                let words = format!("{} {lines} could not be sent, or got no answer", self.failed);
                Err(Failure::new(first.kind, words))
            }
            _ => Ok(()),
        }
    }
}

/// Questions of the server that have no answer yet.
#[derive(Default)]
struct Questions {
    last: u64,
    open: VecDeque<(u64, AckSender)>,
}

impl Questions {
    /// Its number, from 1.
    fn remember(&mut self, ack: AckSender) -> u64 {
        if self.open.len() == QUESTIONS {
            self.open.pop_front();
        }
        self.last += 1;
        self.open.push_back((self.last, ack));
        self.last
    }

    fn take(&mut self, number: u64) -> Option<AckSender> {
        let place = self.open.iter().position(|(known, _)| *known == number)?;
        self.open.remove(place).map(|(_, ack)| ack)
    }
}
