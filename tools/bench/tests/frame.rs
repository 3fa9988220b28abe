//! The frame reader and writer of the generator and the floor.

use proptest::prelude::*;
use sockeye_bench::frame::{self, BINARY, FrameError, Head, TEXT};

/// RFC 6455, 5.3, to the letter: each byte is combined (XOR) with one of the key, which repeats.
fn mask_by_the_book(key: [u8; 4], data: &[u8]) -> Vec<u8> {
    data.iter().enumerate().map(|(place, byte)| byte ^ key[place % 4]).collect()
}

fn property_config() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(property_config())]

    #[test]
    fn masking_follows_the_book_at_every_length(
        key: [u8; 4],
        data in proptest::collection::vec(any::<u8>(), 0..70),
    ) {
        let mut masked = data.clone();
        frame::unmask(key, &mut masked);
        prop_assert_eq!(masked, mask_by_the_book(key, &data));
    }

    #[test]
    fn what_is_written_is_read_back(
        mask: Option<[u8; 4]>,
        payload in prop_oneof![0..300_usize, 65_530..65_550_usize],
    ) {
        let data = vec![7; payload];
        let mut written = Vec::new();
        frame::push(&mut written, BINARY, mask, &data);
        let head = Head::read(&written).unwrap().unwrap();
        prop_assert_eq!((head.opcode, head.mask, head.payload), (BINARY, mask, payload));
        prop_assert_eq!(head.frame(), written.len());
        let seen = mask.map_or(data.clone(), |key| mask_by_the_book(key, &data));
        prop_assert_eq!(&written[head.length..], &seen);
    }
}

#[test]
fn a_head_that_is_not_complete_is_waited_for() {
    let mut written = Vec::new();
    frame::push_head(&mut written, TEXT, Some([1, 2, 3, 4]), 70_000);
    assert_eq!(written.len(), 14);
    for cut in 0..written.len() {
        assert_eq!(Head::read(&written[..cut]), Ok(None), "after {cut} bytes");
    }
}

#[test]
fn the_examples_of_the_specification_are_read() {
    // RFC 6455, 5.7.
    let masked = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
    let head = Head::read(&masked).unwrap().unwrap();
    let mut payload = masked[head.length..head.frame()].to_vec();
    frame::unmask(head.mask.unwrap(), &mut payload);
    assert_eq!((head.opcode, payload.as_slice()), (TEXT, b"Hello".as_slice()));

    let medium = Head::read(&[0x82, 0x7E, 0x01, 0x00]).unwrap().unwrap();
    assert_eq!((medium.opcode, medium.payload, medium.length), (BINARY, 256, 4));
    let large = Head::read(&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]).unwrap().unwrap();
    assert_eq!((large.payload, large.length), (65_536, 10));
}

#[test]
fn fragments_and_reserved_bits_are_refused() {
    assert_eq!(Head::read(&[0x01, 0x03]), Err(FrameError::Fragment));
    assert_eq!(Head::read(&[0x80, 0x02]), Err(FrameError::Fragment));
    assert_eq!(Head::read(&[0xC1, 0x03]), Err(FrameError::Reserved(0xC1)));
}
