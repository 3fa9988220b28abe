//! What a turn has to say.

use sockeye_bench::outbox::Outbox;

fn flushed(outbox: &mut Outbox) -> Vec<(usize, Vec<u8>)> {
    let mut seen = Vec::new();
    let done: Result<(), ()> = outbox.flush(|link, bytes| {
        seen.push((link, bytes.to_vec()));
        Ok(())
    });
    done.unwrap();
    seen.sort();
    seen
}

#[test]
fn each_connection_is_written_to_once_in_a_turn() {
    let mut outbox = Outbox::default();
    outbox.to(2).extend_from_slice(b"a");
    outbox.to(0).extend_from_slice(b"b");
    outbox.to(2).extend_from_slice(b"c");
    assert_eq!(flushed(&mut outbox), [(0, b"b".to_vec()), (2, b"ac".to_vec())]);
    assert_eq!(flushed(&mut outbox), []);
    outbox.to(2).extend_from_slice(b"d");
    assert_eq!(flushed(&mut outbox), [(2, b"d".to_vec())]);
}

#[test]
fn who_has_gone_is_not_written_to() {
    let mut outbox = Outbox::default();
    outbox.to(1).extend_from_slice(b"for the one before");
    outbox.forget(1);
    outbox.to(1).extend_from_slice(b"for the next");
    assert_eq!(flushed(&mut outbox), [(1, b"for the next".to_vec())]);
}
