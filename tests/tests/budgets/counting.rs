//! What each thread allocates and holds, and how that is told.
#![allow(unsafe_code)] // a global allocator cannot be counted otherwise; it only adds and passes on

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

pub(crate) struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
    /// Living blocks by their size in bytes, for the account of an idle connection.
    static BLOCKS: [Cell<i64>; SIZES] = const { [const { Cell::new(0) }; SIZES] };
}

/// Blocks up to this size are counted one by one.
const SIZES: usize = 4096;

fn count(allocations: u64, bytes: i64) {
    // A thread that is ending has no counters any more.
    let _ = ALLOCATIONS.try_with(|cell| cell.set(cell.get() + allocations));
    let _ = LIVE.try_with(|cell| cell.set(cell.get() + bytes));
}

fn count_block(size: usize, change: i64) {
    let _ = BLOCKS.try_with(|blocks| {
        if let Some(cell) = blocks.get(size) {
            cell.set(cell.get() + change);
        }
    });
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).expect("no allocation is that large")
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, signed(layout.size()));
        count_block(layout.size(), 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, -signed(layout.size()));
        count_block(layout.size(), -1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, signed(size) - signed(layout.size()));
        count_block(layout.size(), -1);
        count_block(size, 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The bytes that this thread holds.
pub(crate) fn live() -> i64 {
    LIVE.get()
}

/// What a thread has counted.
#[derive(Clone, Debug)]
pub(crate) struct Counters {
    pub(crate) allocations: u64,
    pub(crate) live: i64,
    /// Living blocks of each size.
    blocks: Vec<i64>,
}

impl Counters {
    pub(crate) fn of_this_thread() -> Counters {
        let (allocations, live) = (ALLOCATIONS.get(), LIVE.get());
        let blocks = BLOCKS.with(|blocks| blocks.iter().map(Cell::get).collect());
        // The list itself is nobody's cost; it may be given back on another thread.
        ALLOCATIONS.set(allocations);
        LIVE.set(live);
        Counters { allocations, live, blocks }
    }

    pub(crate) fn since(&self, before: &Counters) -> Counters {
        Counters {
            allocations: self.allocations - before.allocations,
            live: self.live - before.live,
            blocks: self.blocks.iter().zip(&before.blocks).map(|(a, b)| a - b).collect(),
        }
    }
}

/// Prints one row, and remembers whether it was exceeded.
pub(crate) struct Table {
    exceeded: Vec<String>,
}

impl Table {
    /// With its head, which is printed at once.
    pub(crate) fn titled() -> Self {
        println!("| {:<58} | {:>8} | {:>8} |", "what", "budget", "reached");
        println!("|{:-<60}|{:-<9}:|{:-<9}:|", "", "", "");
        Table { exceeded: Vec::new() }
    }

    pub(crate) fn row(&mut self, what: &str, budget: f64, reached: f64) {
        println!("| {what:<58} | {budget:>8.2} | {reached:>8.2} |");
        // A table that grows now and then is a fraction of a count.
        if reached > budget + 0.02 {
            self.exceeded.push(format!("{what}: {reached:.2}, the budget is {budget:.2}"));
        }
    }

    /// Fails if a row was exceeded.
    pub(crate) fn check(&self) {
        assert!(self.exceeded.is_empty(), "{:#?}", self.exceeded);
    }
}

/// What an idle connection is made of: the blocks that every one of them has.
pub(crate) fn print_account(connected: &Counters, connections: u32) {
    println!("blocks of one idle connection:");
    for (size, blocks) in connected.blocks.iter().enumerate() {
        let each = per(u64::try_from(*blocks).unwrap_or(0), connections);
        if each >= 0.5 {
            println!("{size:>8} bytes x {each:.2}");
        }
    }
}

pub(crate) fn per(total: u64, count: u32) -> f64 {
    f64::from(u32::try_from(total).expect("a small count")) / f64::from(count)
}
