//! HTTP messages.

use sockeye_bench::http::{Head, Unbounded, query};

const ANSWER: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nsec-websocket-ACCEPT:  abc= \r\n\r\nrest";

#[test]
fn a_head_ends_with_the_empty_line() {
    let head = Head::read(ANSWER).unwrap();
    assert_eq!(&ANSWER[head.length..], b"rest");
    for cut in 0..head.length {
        assert_eq!(Head::read(&ANSWER[..cut]), None, "after {cut} bytes");
    }
}

#[test]
fn a_header_is_found_whatever_the_case_of_its_name() {
    let head = Head::read(ANSWER).unwrap();
    assert_eq!(head.status(), Some(101));
    assert_eq!(head.header("Sec-WebSocket-Accept"), Some("abc="));
    assert_eq!((head.header("content-length"), head.body()), (None, None));
}

#[test]
fn a_request_has_a_method_and_a_target() {
    let head =
        Head::read(b"POST /socket.io/?EIO=4&sid=x&transport=polling HTTP/1.1\r\n\r\n").unwrap();
    let (method, target) = head.request().unwrap();
    assert_eq!((method, query(target, "sid")), ("POST", Some("x")));
    assert_eq!((query(target, "transport"), query(target, "t")), (Some("polling"), None));
    assert_eq!((query("/socket.io/", "sid"), head.status()), (None, None));
}

#[test]
fn a_body_in_chunks_is_put_together_when_it_is_complete() {
    let answer: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n\
                          3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    let head = Head::read(answer).unwrap();
    let body = head.whole_body(answer).unwrap().unwrap();
    assert_eq!((&*body.bytes, body.end), (b"abc0123456789".as_slice(), answer.len()));
    for cut in head.length..answer.len() {
        assert_eq!(head.whole_body(&answer[..cut]), Ok(None), "after {cut} bytes");
    }
}

#[test]
fn a_body_without_an_end_or_with_wrong_chunks_is_refused() {
    let refused = [
        "HTTP/1.1 200 OK\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab\r\n",
    ];
    for answer in refused {
        let head = Head::read(answer.as_bytes()).unwrap();
        assert_eq!(head.whole_body(answer.as_bytes()), Err(Unbounded), "{answer}");
    }
}
