//! WebSocket connections: frames in, frames with another prefix out.

use super::Gone;
use super::house::House;
use super::words::{self, Word};
use crate::frame::{self, Head};
use crate::outbox::Outbox;

/// What the namespace `/` answers to CONNECT; all sockets have the same id.
pub(super) const CONNECTED: &[u8] = b"40{\"sid\":\"AAAAAAAAAAAAAAAAAAAA\"}";
/// What a namespace answers behind `40` and its name.
const SOCKET: &[u8] = CONNECTED.split_at(2).1;

/// Answers all whole frames of `input`; how many bytes they took.
pub(super) fn frames(
    number: usize,
    input: &mut [u8],
    house: &mut House,
    outbox: &mut Outbox,
) -> Result<usize, Gone> {
    let mut taken = 0;
    while let Some(head) = Head::read(&input[taken..]).map_err(|_| Gone)? {
        let Some(payload) = input[taken..].get_mut(head.length..head.frame()) else {
            break;
        };
        frame::unmask(head.mask.ok_or(Gone)?, payload);
        match head.opcode {
            frame::TEXT => text(number, payload, house, outbox)?,
            // An attachment, after the `Word::Binary` it belongs to.
            frame::BINARY => frame::push(outbox.to(number), frame::BINARY, None, payload),
            frame::PING => frame::push(outbox.to(number), frame::PONG, None, payload),
            frame::PONG => {}
            _ => return Err(Gone),
        }
        taken += head.frame();
    }
    Ok(taken)
}

fn text(number: usize, payload: &[u8], house: &mut House, outbox: &mut Outbox) -> Result<(), Gone> {
    match words::read(payload).ok_or(Gone)? {
        Word::Message(rest) => push(outbox.to(number), &[b"42[\"message-back\",", rest]),
        Word::WithAck(id, rest) => push(outbox.to(number), &[b"43", id, b"[", rest]),
        Word::MessageIn(namespace, rest) => {
            push(outbox.to(number), &[b"42", namespace, b"[\"message-back\",", rest]);
        }
        Word::Binary(rest) => push(outbox.to(number), &[b"451-[\"message-back\",", rest]),
        Word::Broadcast(rest) => {
            let frame = frame_of(&[b"42[\"news\",", rest]);
            house.everybody().iter().for_each(|&to| outbox.to(to).extend_from_slice(&frame));
        }
        Word::Say(room, rest) => {
            let frame = frame_of(&[b"42[\"said\",", rest]);
            house.members(room).iter().for_each(|&to| outbox.to(to).extend_from_slice(&frame));
        }
        Word::Join(id, room) => {
            house.join(number, room);
            push(outbox.to(number), &[b"43", id, b"[]"]);
        }
        Word::Connect => {
            house.enter(number);
            push(outbox.to(number), &[CONNECTED]);
        }
        // Whoever speaks in it says its name each time: nothing has to be remembered.
        Word::ConnectTo(namespace) => push(outbox.to(number), &[b"40", namespace, SOCKET]),
        Word::Pong => {}
    }
    Ok(())
}

/// Appends one text frame of these pieces.
fn push(out: &mut Vec<u8>, pieces: &[&[u8]]) {
    frame::push_head(out, frame::TEXT, None, pieces.iter().map(|piece| piece.len()).sum());
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}

fn frame_of(pieces: &[&[u8]]) -> Vec<u8> {
    let mut frame = Vec::new();
    push(&mut frame, pieces);
    frame
}
