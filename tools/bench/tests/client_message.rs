//! Prebuilt messages and the answers they expect.

use sockeye_bench::client::message::{Answer, Fields, LINK, NUMBER, Question, ROOM, payload};
use sockeye_bench::frame::{self, Head, TEXT};

const FIELDS: Fields = Fields { link: 42, number: 10_000_007, room: 3 };

/// What a server sees of a question.
fn unmasked(question: &Question, fields: Fields) -> Vec<u8> {
    let mut out = Vec::new();
    question.push(&mut out, fields);
    let head = Head::read(&out).unwrap().unwrap();
    let mut payload = out.split_off(head.length);
    frame::unmask(head.mask.expect("clients mask"), &mut payload);
    payload
}

#[test]
fn a_question_carries_its_numbers_under_the_mask() {
    let text = [b"42".as_slice(), &[NUMBER; 8], b"[\"", &[LINK; 5], &[ROOM; 2], b"\"]"].concat();
    let question = Question::new(TEXT, &text);
    assert_eq!(unmasked(&question, FIELDS), b"4210000007[\"0004203\"]");
    let next = Fields { number: 99_999_999, ..FIELDS };
    assert_eq!(unmasked(&question, next), b"4299999999[\"0004203\"]");
}

#[test]
fn a_request_carries_its_numbers_in_the_open() {
    let request = Question::request("POST / HTTP/1.1\r\n\r\n", &[NUMBER; 8]);
    let mut out = b"before".to_vec();
    request.push(&mut out, FIELDS);
    assert_eq!(out, b"beforePOST / HTTP/1.1\r\n\r\n10000007");
}

#[test]
fn an_answer_gives_its_numbers_back() {
    let payload = payload(64);
    let question = Question::new(TEXT, &payload);
    let seen = unmasked(&question, FIELDS);
    assert_eq!(seen.len(), 64);
    assert_eq!(Answer::new(&payload).read(&seen), Some(Fields { room: 0, ..FIELDS }));
}

#[test]
fn an_answer_with_any_other_byte_is_not_the_answer() {
    let payload = payload(32);
    let right = unmasked(&Question::new(TEXT, &payload), FIELDS);
    let answer = Answer::new(&payload);
    for place in 0..right.len() {
        let mut wrong = right.clone();
        wrong[place] = b'?';
        assert_eq!(answer.read(&wrong), None, "byte {place} is wrong");
    }
    assert_eq!(answer.read(&right[..31]), None);
    assert_eq!(answer.read(&[right.as_slice(), b"x"].concat()), None);
}

#[test]
fn a_number_that_stands_twice_has_to_be_the_same_twice() {
    let answer = Answer::new(&[&[NUMBER; 8], b"-".as_slice(), &[NUMBER; 8]].concat());
    assert!(answer.read(b"10000001-10000001").is_some());
    assert!(answer.read(b"10000001-10000002").is_none());
}
