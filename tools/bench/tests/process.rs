//! What is read from `/proc` and from `perf stat`.

use sockeye_bench::process::calls::{Calls, parse_counts};
use sockeye_bench::process::observer::{Observer, parse_rollup};

#[test]
fn memory_is_read_from_the_rollup() {
    let rollup = "55d0-7ffd ---p 00000000 00:00 0   [rollup]\nRss:  1744 kB\nPss:  237 kB\n\
                  Pss_Dirty:  112 kB\nPss_Anon:  110 kB\n";
    let memory = parse_rollup(rollup);
    assert_eq!((memory.pss, memory.anonymous), (237 * 1024, 110 * 1024));
}

#[test]
fn a_window_costs_this_process_processor_time() {
    let mut observer = Observer::new(std::process::id());
    observer.begin().unwrap();
    let sum = (0..3_000_000_u64).fold(0, |sum: u64, number| sum.wrapping_mul(31) ^ number);
    let cost = observer.end().unwrap();
    assert_ne!(sum, 1);
    assert!(cost.calls.is_none() && !cost.time.is_zero());
    assert!(observer.memory().unwrap().pss > 0);
}

#[test]
fn counts_are_read_and_summed_by_kind() {
    let counts = "# started on Monday\n\n1000,,raw_syscalls:sys_enter,5000,100.00,,\n\
                  300,,syscalls:sys_enter_write,5000,100.00,,\n40,,syscalls:sys_enter_sendto,5000,100.00,,\n\
                  <not counted>,,syscalls:sys_enter_readv,0,0.00,,\n7,,syscalls:sys_enter_read,5000,100.00,,\n";
    assert_eq!(parse_counts(counts), Some(Calls { all: 1000, writes: 340, reads: 7 }));
}

#[test]
fn no_count_is_no_zero() {
    assert_eq!(parse_counts("<not counted>,,raw_syscalls:sys_enter,0,0.00,,\n"), None);
    assert_eq!(parse_counts(""), None);
}
