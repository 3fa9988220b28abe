//! RFC 6455, 5.3: masking.

use proptest::prelude::*;
use sockeye_websocket_proto::mask;

/// The specification's own words: octet i is the XOR of octet i and octet i MOD 4 of the key.
fn naive(key: [u8; 4], offset: usize, data: &mut [u8]) {
    for (at, byte) in data.iter_mut().enumerate() {
        *byte ^= key[(offset + at) % 4];
    }
}

#[test]
fn every_short_length_at_every_offset_and_alignment_is_masked_like_the_specification_says() {
    let source: Vec<u8> = (0..=255).cycle().take(300).collect();
    for length in 0..280 {
        for offset in 0..5 {
            for start in 0..4 {
                let mut fast = source.clone();
                let mut slow = source.clone();
                mask::apply([1, 20, 100, 250], offset, &mut fast[start..start + length]);
                naive([1, 20, 100, 250], offset, &mut slow[start..start + length]);
                assert_eq!(fast, slow, "length {length}, offset {offset}, start {start}");
            }
        }
    }
}

#[test]
fn an_offset_at_the_end_of_the_number_range_is_no_trouble() {
    let mut data = [0; 3];
    mask::apply([1, 2, 3, 4], usize::MAX, &mut data);
    assert_eq!(data, [4, 1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn masking_is_the_xor_of_the_specification(
        key: [u8; 4],
        offset: usize,
        data in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        let mut fast = data.clone();
        let mut slow = data;
        mask::apply(key, offset, &mut fast);
        naive(key, offset % 4, &mut slow);
        prop_assert_eq!(fast, slow);
    }

    #[test]
    fn masking_twice_changes_nothing(
        key: [u8; 4],
        data in proptest::collection::vec(any::<u8>(), 0..500),
    ) {
        let mut twice = data.clone();
        mask::apply(key, 0, &mut twice);
        mask::apply(key, 0, &mut twice);
        prop_assert_eq!(twice, data);
    }

    #[test]
    fn a_payload_may_be_unmasked_in_two_pieces(
        key: [u8; 4],
        data in proptest::collection::vec(any::<u8>(), 0..500),
        cut: prop::sample::Index,
    ) {
        let cut = cut.index(data.len() + 1);
        let mut whole = data.clone();
        mask::apply(key, 0, &mut whole);
        let mut pieces = data;
        let (front, back) = pieces.split_at_mut(cut);
        mask::apply(key, 0, front);
        mask::apply(key, cut, back);
        prop_assert_eq!(pieces, whole);
    }
}
