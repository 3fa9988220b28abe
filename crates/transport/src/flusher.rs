//! Writing what waits: small frames gathered into one buffer, large ones from where they are, one system call
//! for each connection and turn.
//!
//! Whoever wants to write takes the outbox's claim first; nobody waits for it, since its holder looks at the
//! queue once more, under the outbox's lock, before giving it up.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;
use tokio::net::tcp::OwnedWriteHalf;

use crate::connection::{Shared, flag};
use crate::encoded::Deflate;
use crate::outbox::{Entry, Outbox, Way};
use crate::queue::Queue;

/// From this size on a piece is written from where it is, not copied together with others.
const DIRECT: usize = 1024;
/// Most bytes gathered for one write.
const GATHERED: usize = 64 * 1024;
/// What one connection is written before others get their turn: whoever pushes as fast as the other side
/// reads must not have the thread for itself. Small, for tokio looks for news from outside only after some
/// sixty such turns if somebody is always ready.
const AT_ONCE: usize = 256 * 1024;
/// Most pieces of one write.
const SEGMENTS: usize = 32;

/// How a flush ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Nothing waits any more, or somebody else is writing it.
    Done,
    /// Enough for one turn: there is more, and others want theirs.
    More,
    /// The other side takes no more for now.
    Blocked,
    /// The pipe has failed.
    Broken,
}

/// Where bytes go. `WouldBlock` means later.
pub(crate) trait Sink {
    fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;
}

impl Sink for &OwnedWriteHalf {
    fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match pieces {
            [lone] => self.try_write(lone),
            several => self.try_write_vectored(several),
        }
    }
}

/// What is being written, and the socket if it is one that everybody may write to.
#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) socket: Option<OwnedWriteHalf>,
    unsent: Queue,
    /// How much of the first unsent entry has been written.
    offset: usize,
}

/// The worker's part: the turn is over for this connection.
pub(crate) fn flush_dirty(connection: &Arc<Shared>) {
    let mut outbox = connection.outbox.lock();
    outbox.dirty = false;
    outbox.shared = false;
    let way = outbox.way;
    drop(outbox);
    match way {
        Way::Task => connection.waker.wake(),
        Way::Socket => flush_from_outside(connection),
    }
}

/// Flushes, and tells the connection's task what only it can deal with.
fn flush_from_outside(connection: &Arc<Shared>) {
    match flush_socket(connection) {
        Flow::Done => {}
        Flow::More => connection.mark_again(),
        Flow::Blocked => connection.waker.wake(),
        Flow::Broken => connection.raise(flag::BROKEN),
    }
}

/// Writes before the turn is over, since the outbox is full. False if that frees nothing: the client does
/// not take it, or only the connection's own task can write.
pub(crate) fn make_room(connection: &Arc<Shared>) -> bool {
    let outbox = connection.outbox.lock();
    let (way, before) = (outbox.way, outbox.bytes);
    drop(outbox);
    if way == Way::Task {
        return false;
    }
    flush_from_outside(connection);
    connection.outbox.lock().bytes < before
}

/// Flushes to the shared socket, unless somebody else is at it.
pub(crate) fn flush_socket(connection: &Shared) -> Flow {
    if !claim(connection) {
        return Flow::Done;
    }
    let mut writer = connection.writer.lock();
    let Some(socket) = writer.socket.take() else {
        release(connection);
        return Flow::Done;
    };
    let flow = run(connection, &mut writer, &mut &socket);
    writer.socket = Some(socket);
    flow
}

/// Flushes to a pipe that only the connection's own task can write to.
pub(crate) fn flush_with(connection: &Shared, sink: &mut impl Sink) -> Flow {
    if !claim(connection) {
        return Flow::Done;
    }
    run(connection, &mut connection.writer.lock(), sink)
}

fn claim(connection: &Shared) -> bool {
    let mut outbox = connection.outbox.lock();
    let free = !outbox.flushing && !outbox.blocked;
    outbox.flushing |= free;
    free
}

fn release(connection: &Shared) {
    connection.outbox.lock().flushing = false;
}

/// Writes until nothing waits, nothing more is taken, or others should have their turn. Gives the claim up at
/// the end.
fn run(connection: &Shared, writer: &mut Writer, sink: &mut impl Sink) -> Flow {
    let mut all = Written::default();
    let flow = write_all(connection, writer, sink, &mut all);
    if all.bytes > 0 {
        connection.worker.counts.sent(all.packets, all.bytes);
    }
    flow
}

fn write_all(
    connection: &Shared,
    writer: &mut Writer,
    sink: &mut impl Sink,
    all: &mut Written,
) -> Flow {
    let (deflate, mut cost) = (connection.deflate(), 0);
    while refill(&mut connection.outbox.lock(), &mut writer.unsent, cost) {
        if all.cost >= AT_ONCE {
            release(connection);
            return Flow::More;
        }
        let before = all.cost;
        let stopped = writer.write(sink, AT_ONCE, all, deflate);
        cost = all.cost - before;
        if let Err(stopped) = stopped {
            let mut outbox = connection.outbox.lock();
            outbox.flushing = false;
            outbox.give_back(cost);
            outbox.blocked = true;
            return if stopped.blocked { Flow::Blocked } else { Flow::Broken };
        }
    }
    Flow::Done
}

/// Moves the queue to the writer. False, and the claim is free, if there is nothing to write.
fn refill(outbox: &mut Outbox, unsent: &mut Queue, written: usize) -> bool {
    outbox.give_back(written);
    if unsent.is_empty() {
        if outbox.queue.is_empty() {
            outbox.flushing = false;
            unsent.shrink();
            return false;
        }
        std::mem::swap(unsent, &mut outbox.queue);
        outbox.queue.shrink();
    }
    true
}

struct Stopped {
    blocked: bool,
}

/// What has been written.
#[derive(Default)]
struct Written {
    /// Of what is whole.
    cost: usize,
    packets: usize,
    bytes: usize,
}

impl Writer {
    /// Writes what is unsent, until this cost and a little more has been written.
    fn write(
        &mut self,
        sink: &mut impl Sink,
        most: usize,
        all: &mut Written,
        deflate: Deflate<'_>,
    ) -> Result<(), Stopped> {
        while all.cost < most && !self.unsent.is_empty() {
            match self.write_once(sink, deflate) {
                Ok(0) => return Err(Stopped { blocked: false }),
                Ok(written) => self.advance(written, all, deflate),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let blocked = error.kind() == io::ErrorKind::WouldBlock;
                    return Err(Stopped { blocked });
                }
            }
        }
        Ok(())
    }

    fn write_once(&mut self, sink: &mut impl Sink, deflate: Deflate<'_>) -> io::Result<usize> {
        if let Some(Entry::Packet(packet)) = self.unsent.lone()
            && let Some(frame) = packet.lone_frame(deflate)
        {
            return sink.write(&[IoSlice::new(&frame[self.offset..])]);
        }
        let mut scratch = SCRATCH.take();
        scratch.clear();
        let segments = gather(&self.unsent, self.offset, &mut scratch, deflate);
        let slices: SmallVec<[IoSlice<'_>; 4]> =
            segments.iter().map(|segment| segment.slice(&scratch)).collect();
        let outcome = sink.write(&slices);
        drop(slices);
        drop(segments);
        SCRATCH.set(scratch);
        outcome
    }

    /// Drops what has been written.
    fn advance(&mut self, written: usize, all: &mut Written, deflate: Deflate<'_>) {
        self.offset += written;
        all.bytes += written;
        while let Some(first) = self.unsent.front() {
            let length = wire_length(first, deflate);
            if self.offset < length {
                break;
            }
            self.offset -= length;
            all.cost += first.cost();
            all.packets += 1;
            self.unsent.pop_front();
        }
    }

    /// How much of a message that is not whole yet has been written.
    pub(crate) fn written(&self) -> usize {
        self.offset
    }

    /// Forgets what has not been written.
    pub(crate) fn clear(&mut self) {
        self.unsent = Queue::default();
        self.offset = 0;
        self.socket = None;
    }
}

thread_local! {
    /// Borrowed for the time of one write.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A run of bytes of one write.
enum Segment<'a> {
    Gathered(Range<usize>),
    Direct(&'a [u8]),
}

impl Segment<'_> {
    fn slice<'b>(&'b self, scratch: &'b [u8]) -> IoSlice<'b> {
        match self {
            Segment::Gathered(range) => IoSlice::new(&scratch[range.clone()]),
            Segment::Direct(bytes) => IoSlice::new(bytes),
        }
    }
}

/// Lays out one write: neighbouring small pieces are copied together, large ones stay where they are.
fn gather<'a>(
    unsent: &'a Queue,
    mut skip: usize,
    scratch: &mut Vec<u8>,
    deflate: Deflate<'_>,
) -> SmallVec<[Segment<'a>; 4]> {
    let mut segments: SmallVec<[Segment<'a>; 4]> = SmallVec::new();
    for entry in unsent.iter() {
        each_piece(entry, deflate, |piece| {
            let skipped = skip.min(piece.len());
            skip -= skipped;
            add_piece(&mut segments, scratch, &piece[skipped..]);
        });
        if scratch.len() >= GATHERED || segments.len() >= SEGMENTS {
            break;
        }
    }
    segments
}

fn add_piece<'a>(
    segments: &mut SmallVec<[Segment<'a>; 4]>,
    scratch: &mut Vec<u8>,
    piece: &'a [u8],
) {
    if piece.is_empty() {
        return;
    }
    if piece.len() >= DIRECT {
        segments.push(Segment::Direct(piece));
        return;
    }
    let start = scratch.len();
    scratch.extend_from_slice(piece);
    match segments.last_mut() {
        Some(Segment::Gathered(range)) => range.end = scratch.len(),
        _ => segments.push(Segment::Gathered(start..scratch.len())),
    }
}

/// Gives the bytes of an entry on a WebSocket, piece by piece. Most are one piece, which is found without an iterator.
fn each_piece<'e>(entry: &'e Entry, deflate: Deflate<'_>, mut take: impl FnMut(&'e [u8])) {
    match entry {
        Entry::Packet(packet) => match packet.lone_frame(deflate) {
            Some(frame) => take(frame),
            None => packet.websocket(deflate).for_each(take),
        },
        Entry::Control(control) => take(control_frame(*control)),
        Entry::Frame(frame) => take(frame),
    }
}

fn wire_length(entry: &Entry, deflate: Deflate<'_>) -> usize {
    match entry {
        Entry::Packet(packet) => packet.websocket_len(deflate),
        Entry::Control(control) => control_frame(*control).len(),
        Entry::Frame(frame) => frame.len(),
    }
}

/// A control packet's finished frame.
fn control_frame(control: engine_proto::Control) -> &'static [u8] {
    use engine_proto::Control;
    match control {
        Control::Close => b"\x81\x011",
        Control::Ping => b"\x81\x012",
        Control::Pong => b"\x81\x013",
        Control::Probe => b"\x81\x062probe",
        Control::ProbeAnswer => b"\x81\x063probe",
        Control::Upgrade => b"\x81\x015",
        Control::Noop => b"\x81\x016",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Encoded;

    /// Takes `room` bytes, then blocks.
    struct Pipe {
        room: usize,
        got: Vec<u8>,
        writes: usize,
    }

    impl Sink for Pipe {
        fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.writes += 1;
            let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
            let taken = all.len().min(self.room);
            self.room -= taken;
            self.got.extend_from_slice(&all[..taken]);
            Ok(taken)
        }
    }

    fn pipe(room: usize) -> Pipe {
        Pipe { room, got: Vec::new(), writes: 0 }
    }

    fn writer(packets: &[Arc<Encoded>]) -> Writer {
        let unsent = packets.iter().cloned().map(Entry::Packet).collect();
        Writer { unsent, ..Writer::default() }
    }

    /// Of those, what is long enough is compressed.
    const DEFLATE: Deflate<'static> = Some(&crate::PerMessageDeflate::DEFAULT);

    fn mixed() -> Vec<Arc<Encoded>> {
        [3, 5000, 10, 20, 2000, 1]
            .into_iter()
            .map(|length| Encoded::message(&"x".repeat(length)))
            .collect()
    }

    fn wire(packets: &[Arc<Encoded>], deflate: Deflate<'_>) -> Vec<u8> {
        packets.iter().flat_map(|packet| packet.websocket(deflate)).flatten().copied().collect()
    }

    #[test]
    fn what_waits_together_is_one_write() {
        let (packets, mut pipe) = (mixed(), pipe(usize::MAX));
        let mut all = Written::default();
        assert!(writer(&packets).write(&mut pipe, usize::MAX, &mut all, None).is_ok());
        assert_eq!((all.packets, all.bytes), (packets.len(), pipe.got.len()));
        assert_eq!((pipe.writes, pipe.got), (1, wire(&packets, None)));
    }

    #[test]
    fn a_write_that_stops_anywhere_goes_on_where_it_stopped() {
        let packets = mixed();
        let steps = [1, 2, 3, 7, 999, 5006];
        for (step, deflate) in steps.map(|step| [(step, None), (step, DEFLATE)]).concat() {
            let expected = wire(&packets, deflate);
            assert_eq!(expected.len() > 5000, deflate.is_none());
            let (mut writer, mut pipe) = (writer(&packets), pipe(0));
            let mut all = Written::default();
            loop {
                pipe.room = step;
                match writer.write(&mut pipe, usize::MAX, &mut all, deflate) {
                    Ok(()) => break,
                    Err(stopped) => assert!(stopped.blocked),
                }
            }
            assert_eq!(pipe.got, expected, "in steps of {step}");
            let costs: usize = packets.iter().map(|p| Entry::Packet(Arc::clone(p)).cost()).sum();
            assert_eq!(all.cost, costs, "every byte is given back once");
            assert_eq!((all.packets, all.bytes), (packets.len(), expected.len()));
        }
    }

    #[test]
    fn control_frames_are_what_the_frame_layer_would_write() {
        use engine_proto::Control;
        for control in [
            Control::Ping,
            Control::Pong,
            Control::Probe,
            Control::ProbeAnswer,
            Control::Upgrade,
            Control::Noop,
            Control::Close,
        ] {
            let mut frame = Vec::new();
            let text = control.as_str().as_bytes();
            websocket_proto::push_frame(
                &mut frame,
                websocket_proto::Opcode::Text,
                true,
                None,
                text,
            );
            assert_eq!(control_frame(control), frame);
        }
    }
}
