//! What a broadcast takes from the heap, counted.

// The one way to count allocations is to be the allocator, whose trait is unsafe. Everything is
// handed on to the system's.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sockeye_adapter::{Audience, Local};

thread_local! {
    /// Allocations of this thread: the test harness has threads of its own.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is the system allocator's own, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Allocations of one visit, after it is checked that it reaches so many.
fn allocations(local: &Local<usize>, audience: &Audience, reaches: usize) -> usize {
    let (mut heard, before) = (0, COUNT.get());
    local.visit(audience, |_| heard += 1);
    let after = COUNT.get();
    assert_eq!(heard, reaches);
    after - before
}

#[test]
fn one_room_and_everyone_allocate_nothing() {
    let local = Local::new();
    let keys: Vec<_> = (0..5000).map(|i| local.add(&i.to_string(), i)).collect();
    for key in &keys[..3000] {
        local.join(*key, "lobby");
    }
    let lobby = Audience::everyone().to("lobby");
    let others = lobby.clone().except_socket(keys[7]);
    assert_eq!(allocations(&local, &Audience::everyone(), 5000), 0);
    assert_eq!(allocations(&local, &lobby, 3000), 0);
    assert_eq!(allocations(&local, &others, 2999), 0);
    assert_eq!(allocations(&local, &Audience::everyone().to("77"), 1), 0, "an own-id room");
}

#[test]
fn united_and_excluded_rooms_allocate_one_set_of_bits_however_many_hear_it() {
    let local = Local::new();
    let keys: Vec<_> = (0..5000).map(|i| local.add(&i.to_string(), i)).collect();
    for key in &keys[..3000] {
        local.join(*key, "a");
    }
    for key in &keys[2000..] {
        local.join(*key, "b");
    }
    let union = Audience::everyone().to("a").to("b");
    assert_eq!(allocations(&local, &union, 5000), 1);
    assert_eq!(allocations(&local, &union.except("b"), 2000), 1);
    assert_eq!(allocations(&local, &Audience::everyone().except("a"), 2000), 1);
}
