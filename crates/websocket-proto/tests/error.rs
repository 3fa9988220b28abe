//! An error says what came and what was expected.

use sockeye_websocket_proto::{Error, Opcode};

#[test]
fn an_error_over_a_limit_names_what_came_and_the_limit_and_where_it_is_set() {
    let said = Error::FrameTooLarge { length: 2000, limit: 1000 }.to_string();
    assert!(said.contains("2000") && said.contains("1000") && said.contains("`Limits::frame`"));
    let said = Error::MessageTooLarge { length: 2000, limit: 1000 }.to_string();
    assert!(said.contains("2000") && said.contains("1000") && said.contains("`Limits::message`"));
    let said = Error::TooManyFragments { limit: 7 }.to_string();
    assert!(said.contains('7') && said.contains("`Limits::fragments`"));
}

#[test]
fn an_error_about_a_frame_names_it_in_the_words_of_the_specification() {
    let said = Error::ExpectedContinuation(Opcode::Text).to_string();
    assert_eq!(said, "peer sent a text frame; expected a continuation frame");
    let said = Error::FragmentedControl(Opcode::Ping).to_string();
    assert_eq!(said, "peer sent a fragmented ping frame; control frames are whole");
    let said = Error::ReservedBits(0xc1).to_string();
    assert_eq!(said, "peer set a reserved bit (first byte 0xc1) that means nothing here");
}
