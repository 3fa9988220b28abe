//! Acknowledgements, both ways: answering one, awaiting one, and awaiting one from each of many.

mod many;
mod one;
mod owed;
mod question;
mod sender;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket_proto::OwnedArgs;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep};

use crate::FromArgs;
use crate::basis::{Core, NEVER};
use crate::error::AckError;
use crate::socket::SocketId;

pub(crate) use many::Asked;
pub use many::{AckStream, Answer, Answers};
pub use one::AckFuture;
pub(crate) use owed::Owed;
pub(crate) use question::Question;
pub use sender::AckSender;

/// Who waits for a socket's answer.
pub(crate) enum Waiter {
    One(oneshot::Sender<Outcome>),
    Many(mpsc::UnboundedSender<(SocketId, Outcome)>),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Silence {
    Timeout,
    Disconnected,
}

/// An answer, or why there is none.
pub(crate) type Outcome = Result<OwnedArgs, Silence>;

impl Waiter {
    /// Hands over what came of it. Whoever does not wait any more is not told.
    pub(crate) fn tell(self, socket: SocketId, outcome: Outcome) {
        match self {
            Waiter::One(sender) => drop(sender.send(outcome)),
            Waiter::Many(sender) => drop(sender.send((socket, outcome))),
        }
    }
}

fn read<T: FromArgs>(socket: &str, outcome: Outcome) -> Result<T, AckError> {
    let id = || socket.to_owned();
    match outcome {
        Ok(args) => T::from_args(args)
            .map_err(|error| AckError::Answer { socket: id(), problem: error.to_string() }),
        Err(Silence::Timeout) => Err(AckError::Timeout { socket: id() }),
        Err(Silence::Disconnected) => Err(AckError::Disconnected { socket: id() }),
    }
}

/// The end of a wait; a real timer only once somebody has to wait.
struct Timer {
    began: Instant,
    timeout: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    fn new(timeout: Duration) -> Self {
        Timer { began: Instant::now(), timeout: NEVER.min(timeout), sleep: None }
    }

    fn set(&mut self, timeout: Duration) {
        self.timeout = NEVER.min(timeout);
        self.sleep = None;
    }

    fn poll(&mut self, core: &Core, cx: &mut Context<'_>) -> Poll<()> {
        let (began, timeout) = (self.began, self.timeout);
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(core.sleep_until(began + timeout)));
        sleep.as_mut().poll(cx)
    }
}
