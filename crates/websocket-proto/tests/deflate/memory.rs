//! What compression takes from the heap, counted.

// The one way to count memory is to be the allocator, whose trait is unsafe. Everything is handed on to the
// system's.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use sockeye_websocket_proto::deflate::{Agreement, Contexts};
use sockeye_websocket_proto::{Error, Event, Limits, Opcode, Receiver, Role};

use crate::common::frame;

/// As a signed number.
const CONTEXT: isize = sockeye_websocket_proto::deflate::CONTEXT.cast_signed();

thread_local! {
    /// Bytes that this thread holds, and the most that it has held.
    static HELD: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

struct Counting;

fn count(more: isize) {
    let (held, most) = HELD.get();
    HELD.set((held + more, most.max(held + more)));
}

// SAFETY: every call is the system allocator's own, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What is held after `act` and not before, and the most that was held meanwhile.
fn held<T>(act: impl FnOnce() -> T) -> (T, isize, isize) {
    let before = HELD.get().0;
    HELD.set((before, before));
    let result = act();
    let (after, most) = HELD.get();
    (result, after - before, most - before)
}

fn agreed(client_no_context_takeover: bool) -> Agreement {
    Agreement { client_no_context_takeover, ..Agreement::default() }
}

fn receiver(agreed: Agreement) -> Receiver {
    Receiver::new(Role::Server, Limits::default()).inflating(agreed.inflater(Role::Server))
}

/// A compressed binary message to the server.
fn wire(message: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    agreed(true).deflater(Role::Client, 9).unwrap().compress(message, &mut payload);
    let mut wire = frame(Role::Server, Opcode::Binary, payload);
    sockeye_websocket_proto::deflate::mark(&mut wire);
    wire
}

fn take_in(receiver: &mut Receiver, mut wire: Vec<u8>, length: usize) {
    let mut incoming = receiver.receive(&mut wire);
    match incoming.next() {
        Ok(Some(Event::Binary(bytes))) => assert_eq!(bytes.len(), length),
        other => panic!("{other:?}"),
    }
    assert_eq!(incoming.next(), Ok(None));
}

#[test]
fn a_connection_takes_its_window_when_the_first_compressed_message_comes() {
    let (mut receiver, idle, _) = held(|| receiver(agreed(false)));
    assert!(idle <= 256, "an idle connection holds {idle}");
    let message = wire(&[1; 100]);
    let ((), window, _) = held(|| take_in(&mut receiver, message.clone(), 100));
    assert!((CONTEXT * 3 / 4..=CONTEXT).contains(&window), "a window is {window}");
    let ((), more, _) = held(|| take_in(&mut receiver, message, 100));
    assert!(more <= 0, "a second one takes {more}");
}

#[test]
fn connections_without_takeover_share_one_window_between_their_messages() {
    let mut receivers: Vec<_> = (0..20).map(|_| receiver(agreed(true))).collect();
    let message = wire(&[1; 100]);
    let ((), more, _) = held(|| {
        for receiver in &mut receivers {
            take_in(receiver, message.clone(), 100);
        }
    });
    assert!(more <= CONTEXT, "twenty hold {more}");
}

#[test]
fn a_bomb_ends_with_1009_before_its_memory_is_taken() {
    // A thousand times as large as it looks.
    let mut bomb = wire(&vec![0; 50_000_000]);
    assert!(bomb.len() < 60_000, "{}", bomb.len());
    let mut receiver = receiver(agreed(false));
    let (error, left, most) = held(|| receiver.receive(&mut bomb).next().unwrap_err());
    assert!(matches!(error, Error::MessageTooLarge { limit: 1_000_000, .. }));
    assert_eq!(error.close_code(), 1009);
    assert!(most <= 2 * 1_000_000 + 2 * CONTEXT, "it took {most}");
    assert!(left <= 0 && receiver.is_done(), "it keeps {left}");
}

#[test]
fn a_place_for_a_context_is_free_again_when_its_connection_is_over() {
    let contexts = Arc::new(Contexts::within(2 * CONTEXT.unsigned_abs() + 1));
    let take = || Some(agreed(false).inflater(Role::Server).counted(contexts.reserve()?));
    let limits = Limits::default();
    let places = [take(), take()].map(Option::unwrap);
    assert!(take().is_none());
    let [mut broken, dropped] =
        places.map(|inflater| Receiver::new(Role::Server, limits).inflating(inflater));
    drop(dropped);
    assert!(take().is_some());
    let held = take();
    assert!(held.is_some() && take().is_none());
    assert!(broken.receive(&mut [0xff, 0xff]).next().is_err());
    assert!(take().is_some(), "a receiver that is done holds no place");
}
