//! The words of the profile `bench`, known by their first bytes.

/// What a client says in a text packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// Joins the namespace `/`.
    Connect,
    /// Joins another namespace: its name with the comma, `/ns-00000,`.
    ConnectTo(&'a [u8]),
    /// `message`; what is behind the name, to the end of the packet.
    Message(&'a [u8]),
    /// `message` in another namespace: its name with the comma, and what is behind the event's name.
    MessageIn(&'a [u8], &'a [u8]),
    /// `message` with one attachment that follows.
    Binary(&'a [u8]),
    /// `message-with-ack`: the id, and what is behind the name.
    WithAck(&'a [u8], &'a [u8]),
    /// `broadcast`; what is behind the name.
    Broadcast(&'a [u8]),
    /// `join`: the id, and the room.
    Join(&'a [u8], &'a [u8]),
    /// `say`: the room, and what is behind it.
    Say(&'a [u8], &'a [u8]),
    /// A heartbeat's answer.
    Pong,
}

/// Reads one text packet; `None` for what is not in the profile.
pub(super) fn read(text: &[u8]) -> Option<Word<'_>> {
    if let Some(rest) = text.strip_prefix(b"42[\"message\",") {
        return Some(Word::Message(rest));
    }
    if let Some(rest) = text.strip_prefix(b"451-[\"message\",") {
        return Some(Word::Binary(rest));
    }
    if text.get(2) == Some(&b'/') {
        return read_beside(text);
    }
    match text {
        b"40" => return Some(Word::Connect),
        b"3" => return Some(Word::Pong),
        _ => {}
    }
    let rest = text.strip_prefix(b"42")?;
    let (id, rest) = rest.split_at(rest.iter().position(|&byte| byte == b'[')?);
    if let Some(rest) = rest.strip_prefix(b"[\"message-with-ack\",") {
        return Some(Word::WithAck(id, rest));
    }
    if let Some(rest) = rest.strip_prefix(b"[\"broadcast\",") {
        return Some(Word::Broadcast(rest));
    }
    if let Some(rest) = rest.strip_prefix(b"[\"say\",\"") {
        let (room, rest) = rest.split_at(rest.iter().position(|&byte| byte == b'"')?);
        return Some(Word::Say(room, rest.strip_prefix(b"\",")?));
    }
    let room = rest.strip_prefix(b"[\"join\",\"")?.strip_suffix(b"\"]")?;
    Some(Word::Join(id, room))
}

/// Reads a packet for a namespace beside `/`.
fn read_beside(text: &[u8]) -> Option<Word<'_>> {
    let (kind, rest) = text.split_at(2);
    let (namespace, rest) = rest.split_at(rest.iter().position(|&byte| byte == b',')? + 1);
    match kind {
        b"40" if rest.is_empty() => Some(Word::ConnectTo(namespace)),
        b"42" => Some(Word::MessageIn(namespace, rest.strip_prefix(b"[\"message\",")?)),
        _ => None,
    }
}
