//! What the everyday packets cost in memory: counted, not estimated.
#![allow(unsafe_code, reason = "an allocator that counts has to be an allocator")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sockeye_socket_proto::server::Incoming;
use sockeye_socket_proto::{Args, encode};
use support::{NOW, binary, fresh, joined, text};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many blocks `f` takes.
fn allocations<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATIONS.with(Cell::get);
    let value = f();
    (value, ALLOCATIONS.with(Cell::get) - before)
}

#[test]
fn receiving_an_event_takes_no_memory() {
    let (mut connection, _) = joined("/");
    for packet in [r#"2["message","hello"]"#, r#"27["move",{"x":1,"y":[1,2]},null]"#, "37[true]"] {
        let (heard, blocks) =
            allocations(|| text(&mut connection, packet).is_ok_and(|m| m.is_some()));
        assert_eq!((heard, blocks), (true, 0), "{packet}");
    }
}

#[test]
fn receiving_deep_nesting_takes_memory_for_a_bit_a_level() {
    let (mut connection, _) = joined("/");
    let shallow = format!(r#"2["a",{}{}]"#, "[".repeat(64), "]".repeat(64));
    assert_eq!(allocations(|| text(&mut connection, &shallow).is_ok()), (true, 0));
}

#[test]
fn joining_the_main_namespace_takes_no_memory() {
    let mut connection = fresh();
    let (joined, blocks) = allocations(|| match text(&mut connection, "0") {
        Ok(Some(Incoming::Connect { slot, .. })) => connection.accepted(slot),
        _ => false,
    });
    assert_eq!((joined, blocks), (true, 0));
}

#[test]
fn encoding_takes_one_buffer() {
    let args = Args { json: r#"{"x":1}"#, attachments: &[] };
    assert_eq!(allocations(|| encode::event_raw("/a", "move", args, Some(1), 11)).1, 1);
    assert_eq!(allocations(|| encode::ack_raw("/", 1, args, 11)).1, 1);
    assert_eq!(allocations(|| encode::event("/", "message", "hello", None, 11)).1, 1);
    assert_eq!(allocations(|| encode::ack("/", 1, &(1, "done"), 11)).1, 1);
}

#[test]
fn parsing_numbers_takes_no_memory() {
    let args = Args { json: "1,[2,3],4.5", attachments: &[] };
    let (parsed, blocks) = allocations(|| args.parse::<(u8, [u8; 2], f64)>());
    assert_eq!((parsed, blocks), (Ok((1, [2, 3], 4.5)), 0));
}

#[test]
fn attachments_that_nobody_wants_are_not_kept() {
    let (mut connection, slot) = joined("/");
    connection.left(slot, NOW);
    let (announced, _) = allocations(|| text(&mut connection, r#"52-["late"]"#).is_ok());
    let (taken, blocks) = allocations(|| binary(&mut connection, b"a large file").is_ok());
    assert_eq!((announced, taken, blocks), (true, true, 0));
}
