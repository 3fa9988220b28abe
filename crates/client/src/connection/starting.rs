//! What has happened, on its way to its handlers: started in place where that is possible, parked in order where it is not.

use std::sync::Arc;

use socket_proto::OwnedArgs;

use super::work::{Event, Work};
use crate::ack::{AckSender, Owed, Question};
use crate::extract::Call;
use crate::listeners::Chain;
use crate::socket::{Core, Handled, Received};
use crate::{ConnectError, DisconnectReason, Error, Socket};

/// Something that handlers may hear of.
#[derive(Clone, Copy)]
pub(super) enum Happening<'a> {
    Connected,
    /// An event has come, in this session of its socket.
    Event(u64, Event<'a>, Option<&'a Arc<Handled>>),
    /// An event has been sent.
    Sent(Event<'a>),
    Left(DisconnectReason, Option<&'a str>),
    Failed(&'a ConnectError),
}

impl Happening<'_> {
    /// An event whose socket was left by its user while it waited.
    fn is_over(self, core: &Core) -> bool {
        matches!(self, Happening::Event(session, ..) if core.hearing.has_left(session))
    }
}

/// Something that has to wait before it is started.
pub(super) struct Parked {
    core: Arc<Core>,
    what: What,
}

enum What {
    Connected,
    Event(u64, Kept, Option<Arc<Handled>>),
    Sent(Kept),
    Left(DisconnectReason, Option<Box<str>>),
    Failed(ConnectError),
}

/// An event, owned.
struct Kept {
    name: Box<str>,
    args: OwnedArgs,
    ack: Option<u64>,
}

impl Kept {
    fn of(event: Event<'_>) -> Self {
        Kept { name: event.name.into(), args: event.args.to_owned(), ack: event.ack }
    }

    fn event(&self) -> Event<'_> {
        Event { name: &self.name, args: self.args.as_args(), ack: self.ack }
    }
}

/// What holding something, or an attachment, costs beside its bytes.
const HOLDING: usize = 128;

impl Parked {
    fn new(core: &Arc<Core>, happening: Happening<'_>) -> Self {
        let what = match happening {
            Happening::Connected => What::Connected,
            Happening::Event(session, event, handled) => {
                What::Event(session, Kept::of(event), handled.cloned())
            }
            Happening::Sent(event) => What::Sent(Kept::of(event)),
            Happening::Left(reason, words) => What::Left(reason, words.map(Into::into)),
            Happening::Failed(error) => What::Failed(error.clone()),
        };
        Parked { core: Arc::clone(core), what }
    }

    fn happening(&self) -> Happening<'_> {
        match &self.what {
            What::Connected => Happening::Connected,
            What::Event(session, kept, handled) => {
                Happening::Event(*session, kept.event(), handled.as_ref())
            }
            What::Sent(kept) => Happening::Sent(kept.event()),
            What::Left(reason, words) => Happening::Left(*reason, words.as_deref()),
            What::Failed(error) => Happening::Failed(error),
        }
    }

    pub(super) fn cost(&self) -> usize {
        let (What::Event(_, kept, _) | What::Sent(kept)) = &self.what else {
            return HOLDING;
        };
        let Event { name, args, .. } = kept.event();
        let attachments: usize = args.attachments.iter().map(|bytes| bytes.len() + HOLDING).sum();
        HOLDING + name.len() + args.json.len() + attachments
    }

    /// The event that it is, if somebody wants to know when it has been handled.
    pub(super) fn handled(&self) -> Option<&Arc<Handled>> {
        match &self.what {
            What::Event(_, _, handled) => handled.as_ref(),
            _ => None,
        }
    }

    pub(super) fn is_event_of(&self, core: &Arc<Core>) -> bool {
        matches!(self.what, What::Event(..)) && Arc::ptr_eq(&self.core, core)
    }
}

/// What is started of what is parked before others have their turn.
const PARKED_PER_TURN: usize = 64;

impl Work {
    /// Something has happened.
    pub(super) fn hear(&mut self, core: &Arc<Core>, happening: Happening<'_>) {
        if self.hands.are_full(self.hub.config.handling.unfinished) {
            self.hands.park(Parked::new(core, happening));
        } else {
            self.start(core, happening);
        }
    }

    /// Starts what is parked, as far as the limit of unfinished handlers allows. Whether there is more to start at once.
    pub(super) fn start_parked(&mut self) -> bool {
        for _ in 0..PARKED_PER_TURN {
            let Some(parked) = self.hands.unpark(self.hub.config.handling.unfinished) else {
                return false;
            };
            self.start(&parked.core, parked.happening());
        }
        true
    }

    fn start(&mut self, core: &Arc<Core>, happening: Happening<'_>) {
        let socket = self.hub.handle_of(core).filter(|_| !happening.is_over(core));
        let Some(socket) = socket else {
            if let Happening::Event(_, _, Some(handled)) = happening {
                handled.cut_off();
            }
            return;
        };
        let socket = &socket;
        let hearing = &core.hearing;
        match happening {
            Happening::Event(session, event, handled) => {
                self.start_event(socket, core, session, event, handled);
            }
            Happening::Connected => {
                let chain = hearing.chain(|handlers| &handlers.connect);
                self.tell(core, chain.as_ref(), || Call::bare(socket));
            }
            Happening::Sent(Event { name, args, .. }) => {
                let chain = hearing.chain(|handlers| &handlers.outgoing);
                self.tell(core, chain.as_ref(), || Call::of(socket, name, args, Owed::Nothing));
            }
            Happening::Left(reason, words) => {
                let chain = hearing.chain(|handlers| &handlers.disconnect);
                self.tell(core, chain.as_ref(), || Call::left(socket, reason, words));
            }
            Happening::Failed(error) => {
                let chain = hearing.chain(|handlers| &handlers.connect_error);
                self.tell(core, chain.as_ref(), || Call::failed(socket, error));
            }
        }
    }

    fn tell<'a>(
        &mut self,
        core: &Arc<Core>,
        chain: Option<&Chain>,
        mut call: impl FnMut() -> Call<'a>,
    ) {
        for entry in chain.map_or(&[][..], |chain| chain) {
            self.call(core, entry, call(), None);
        }
    }

    /// Starts the handlers of an event, or keeps it for whoever pulls.
    fn start_event(
        &mut self,
        socket: &Socket,
        core: &Arc<Core>,
        session: u64,
        event: Event<'_>,
        handled: Option<&Arc<Handled>>,
    ) {
        let Event { name, args, ack } = event;
        let (listeners, handles_events) = core.hearing.listeners(name);
        let pulled = listeners.named.is_none() && core.hearing.inbox.is_pulled();
        let question = ack.map(|id| Question::new(&self.hub, core, session, id));
        for entry in listeners.watching(pulled) {
            self.call(core, entry, Call::of(socket, name, args, Owed::Nothing), handled);
        }
        let answering = listeners.answering(pulled);
        for entry in answering {
            let owed = Owed::new(question.as_ref());
            self.call(core, entry, Call::of(socket, name, args, owed), handled);
        }
        if answering.is_empty() {
            if pulled || !handles_events {
                let ack = AckSender::new(question);
                let received = Received::new(name, args, ack, handled.cloned());
                let limit = self.hub.config.handling.parked_bytes;
                core.hearing.inbox.put(received, limit);
            } else {
                nobody_handles(core, event, question);
            }
        }
    }
}

fn nobody_handles(core: &Core, event: Event<'_>, question: Option<Arc<Question>>) {
    tracing::debug!(namespace = core.namespace(), event = event.name, "nobody handles it");
    if let Some(question) = question {
        question.failed(&Error::new(format!("nobody handles `{}`", event.name)));
    }
}
