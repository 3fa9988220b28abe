//! Walks through what one read brought.

use std::mem;

use super::{Control, NEXT_HEAD, Phase, Receiver};
use crate::close::CloseFrame;
use crate::frame::Head;
use crate::message::Gathered;
use crate::{Error, Event, Opcode, Role, mask};

/// The events of one read; made by [`Receiver::receive`].
///
/// Call [`next`](Incoming::next) until it gives `Ok(None)`: bytes that were not looked at are lost
/// with it.
#[derive(Debug)]
#[must_use = "what was read is lost unless `next` is called until it gives `Ok(None)`"]
pub struct Incoming<'a> {
    pub(super) receiver: &'a mut Receiver,
    /// What is still to be looked at.
    pub(super) input: &'a mut [u8],
    /// What the last event borrows, where it was not `input`.
    pub(super) held: Option<Held>,
}

/// An event that had to be gathered, taken out of the receiver.
#[derive(Debug)]
pub(super) enum Held {
    Message(Gathered),
    Control(Opcode, Box<Control>),
}

/// One step's result: an event that lies in the input, or one that was gathered.
enum Found<'a> {
    Here(Event<'a>),
    Gathered(Held),
}

impl<'a> Incoming<'a> {
    /// The next event. `Ok(None)` means that the input is used up; what it held of an unfinished
    /// frame is kept in the receiver.
    ///
    /// # Errors
    ///
    /// The peer broke a rule or went over a limit: see [`Error`]. Whatever came before is still
    /// valid. After an error or a close frame there is only `Ok(None)`.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.held = None;
        let event = match self.advance() {
            Ok(Some(Found::Here(event))) => Ok(Some(event)),
            Ok(Some(Found::Gathered(held))) => self.held.insert(held).event().map(Some),
            Ok(None) => return Ok(None),
            Err(error) => Err(error),
        };
        if matches!(event, Err(_) | Ok(Some(Event::Close(_)))) {
            self.receiver.end();
            self.input = &mut [];
        }
        event
    }

    #[inline]
    fn advance(&mut self) -> Result<Option<Found<'a>>, Error> {
        loop {
            let found = match self.receiver.phase {
                Phase::Head { .. } => match self.next_head()? {
                    Some(head) => self.begin_frame(&head)?,
                    None => return Ok(None),
                },
                Phase::Payload { remaining, key, opcode, fin } => {
                    // An empty payload is whole at once; any other needs bytes.
                    if remaining > 0 && self.input.is_empty() {
                        return Ok(None);
                    }
                    self.go_on(remaining, key, opcode, fin)?.map(Found::Gathered)
                }
                Phase::Done => return Ok(None),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes the next head off the input, with what earlier input held of it.
    #[inline]
    fn next_head(&mut self) -> Result<Option<Head>, Error> {
        if matches!(self.receiver.phase, Phase::Head { len: 1.., .. }) {
            return self.complete_head();
        }
        match Head::parse(self.input, self.receiver.role, self.receiver.reserved)? {
            Some((head, size)) => {
                self.take(size);
                Ok(Some(head))
            }
            None if self.input.is_empty() => Ok(None),
            None => self.complete_head(),
        }
    }

    /// Goes on with a head that is split between two reads.
    fn complete_head(&mut self) -> Result<Option<Head>, Error> {
        let reserved = self.receiver.reserved;
        let Phase::Head { bytes, len } = &mut self.receiver.phase else {
            unreachable!("called in this phase alone")
        };
        let before = usize::from(*len);
        let room = &mut bytes[before..];
        let more = room.len().min(self.input.len());
        room[..more].copy_from_slice(&self.input[..more]);
        let parsed = Head::parse(&bytes[..before + more], self.receiver.role, reserved)?;
        if let Some((head, size)) = parsed {
            // What was copied past the head's end is still in the input.
            self.receiver.phase = NEXT_HEAD;
            self.take(size - before);
            return Ok(Some(head));
        }
        *len = u8::try_from(before + more).expect("a head has at most 14 bytes");
        self.take(more);
        Ok(None)
    }

    /// A head has come: hands the frame out if it is whole here and a whole message.
    #[inline]
    fn begin_frame(&mut self, head: &Head) -> Result<Option<Found<'a>>, Error> {
        let length = self.receiver.admit(head)?;
        let alone = head.fin && head.opcode != Opcode::Continuation && !head.compressed;
        if !alone || length > self.input.len() {
            self.receiver.gather(head, length);
            return Ok(None);
        }
        let payload = self.take(length);
        if self.receiver.role == Role::Server {
            mask::apply(head.key, 0, payload);
        }
        whole_event(head.opcode, payload).map(|event| Some(Found::Here(event)))
    }

    /// Takes what is here of a frame's payload.
    fn go_on(
        &mut self,
        remaining: usize,
        key: [u8; 4],
        opcode: Opcode,
        fin: bool,
    ) -> Result<Option<Held>, Error> {
        let piece = self.take(remaining.min(self.input.len()));
        if self.receiver.role == Role::Server {
            mask::apply(key, 0, piece);
        }
        self.receiver.push(piece, remaining, opcode, fin)?;
        let left = remaining - piece.len();
        if left > 0 {
            let key = mask::rotate(key, piece.len());
            self.receiver.phase = Phase::Payload { remaining: left, key, opcode, fin };
            return Ok(None);
        }
        self.receiver.finish_frame(opcode, fin)
    }

    /// The next `count` bytes of the input.
    #[inline]
    fn take(&mut self, count: usize) -> &'a mut [u8] {
        let (taken, rest) = mem::take(&mut self.input).split_at_mut(count);
        self.input = rest;
        taken
    }
}

impl Held {
    fn event(&self) -> Result<Event<'_>, Error> {
        match self {
            Held::Message(message) => Ok(message.event()),
            Held::Control(opcode, control) => whole_event(*opcode, control.payload()),
        }
    }
}

/// The event of a frame that is a whole message, or a control frame.
#[inline]
fn whole_event(opcode: Opcode, payload: &[u8]) -> Result<Event<'_>, Error> {
    Ok(match opcode {
        Opcode::Text => Event::Text(std::str::from_utf8(payload).map_err(|_| Error::InvalidText)?),
        Opcode::Binary | Opcode::Continuation => Event::Binary(payload),
        Opcode::Ping => Event::Ping(payload),
        Opcode::Pong => Event::Pong(payload),
        Opcode::Close => Event::Close(CloseFrame::parse(payload)?),
    })
}
