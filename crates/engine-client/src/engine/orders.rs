//! What the machine wants done.

use std::sync::Arc;

use engine_proto::client::Order;
use engine_proto::{CloseReason, Pipe, Transport};

use super::opening::open_websocket;
use super::{Candidate, Carrier, Engine};
use crate::Upper;

impl Engine {
    /// Carries out what was ordered; whether that was more than to say something.
    pub(super) fn perform(&mut self, upper: &mut impl Upper) -> bool {
        let mut busy = false;
        // Nothing in here gives orders.
        for order in std::mem::take(&mut self.talk.orders) {
            busy |= !matches!(order, Order::Send(Pipe::Current, _));
            self.carry_out(order, upper);
        }
        busy
    }

    fn carry_out(&mut self, order: Order, upper: &mut impl Upper) {
        match order {
            Order::Send(Pipe::Current, control) => self.talk.queue.owe(control),
            Order::Send(Pipe::Candidate, control) => {
                if let Some(Candidate::Open(socket)) = self.candidate.as_mut() {
                    socket.say(control);
                }
            }
            Order::OpenCandidate => self.open_candidate(),
            Order::PausePolling => self.pause(true),
            Order::ResumePolling => self.pause(false),
            Order::Switch => self.switch(upper),
            Order::DropCandidate => {
                self.candidate = None;
                self.remember(false);
            }
            Order::Finish(goodbye) => {
                if self.talk.session.transport() == Transport::WebSocket
                    && self.talk.session.closed() == Some(CloseReason::TransportError)
                {
                    self.remember(false);
                }
                if !self.try_next() {
                    self.leave(goodbye);
                }
            }
        }
    }

    fn open_candidate(&mut self) {
        let sid = self.talk.open.as_ref().map(|open| open.sid.as_str().into());
        let dialling = open_websocket(Arc::clone(&self.config), sid);
        self.candidate = Some(Candidate::Dialling(Box::pin(dialling)));
    }

    fn pause(&mut self, paused: bool) {
        if let Carrier::Polling(polling) = &mut self.current {
            polling.paused = paused;
        }
    }

    fn switch(&mut self, upper: &mut impl Upper) {
        let Some(Candidate::Open(socket)) = self.candidate.take() else {
            unreachable!("ordered for a candidate that is open")
        };
        self.current = Carrier::WebSocket(socket);
        self.remember(true);
        upper.upgraded(Transport::WebSocket);
    }
}
