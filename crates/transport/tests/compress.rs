//! Answers to polls that are made smaller, from outside.

mod support;

use std::io::Read;

use engine_proto::CloseReason;
use flate2::read::{GzDecoder, ZlibDecoder};
use sockeye_transport::Config;
use support::{Answer, Http, Running, eventually, quick, start};

/// The answer to a poll when so many kilobytes wait for it.
async fn polled(running: &Running, kilobytes: usize, headers: &str) -> Answer {
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    http.post(&session, &format!("4flood {kilobytes}")).await;
    http.send("GET", &session, headers, b"").await;
    http.answer().await
}

fn unpacked(mut decoder: impl Read) -> String {
    let mut text = String::new();
    decoder.read_to_string(&mut text).unwrap();
    text
}

/// What the client of a flood reads.
fn flood(kilobytes: usize) -> String {
    vec![format!("4{}", "x".repeat(1024)); kilobytes].join("\u{1e}")
}

const GZIP: &str = "Accept-Encoding: gzip, deflate\r\n";

#[tokio::test]
async fn a_large_answer_to_a_poll_is_compressed_as_the_client_asks_for() {
    let running = start(Config::default()).await;
    // Twice, since encoders are used again; and larger than what is compressed in one turn.
    for kilobytes in [1, 2, 200, 3] {
        let answer = polled(&running, kilobytes, GZIP).await;
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
        assert!(answer.bytes.len() < kilobytes * 100, "{}", answer.bytes.len());
        assert!(unpacked(GzDecoder::new(&*answer.bytes)) == flood(kilobytes));

        let answer = polled(&running, kilobytes, "Accept-Encoding: deflate\r\n").await;
        assert_eq!(answer.header("content-encoding"), Some("deflate"));
        assert!(unpacked(ZlibDecoder::new(&*answer.bytes)) == flood(kilobytes));
    }
}

#[tokio::test]
async fn br_is_what_a_client_gets_that_likes_it_best() {
    let running = start(Config::default()).await;
    for (headers, coding) in [("gzip, deflate, br", "br"), ("br;q=0.8, gzip;q=0.9", "gzip")] {
        let answer = polled(&running, 2, &format!("Accept-Encoding: {headers}\r\n")).await;
        assert_eq!(answer.header("content-encoding"), Some(coding));
    }
    for kilobytes in [1, 2, 200, 3] {
        let answer = polled(&running, kilobytes, "Accept-Encoding: br\r\n").await;
        assert_eq!(answer.header("content-encoding"), Some("br"));
        assert!(answer.bytes.len() < kilobytes * 100, "{}", answer.bytes.len());
        let plain = brotli::Decompressor::new(&*answer.bytes, 4096);
        assert!(unpacked(plain) == flood(kilobytes));
    }
}

#[tokio::test]
async fn a_small_answer_and_one_for_a_client_that_does_not_ask_is_sent_as_it_is() {
    let running = start(Config::default()).await;
    for headers in ["", "Accept-Encoding: identity\r\n", "Accept-Encoding: gzip;q=0\r\n"] {
        let answer = polled(&running, 2, headers).await;
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(answer.body, flood(2));
    }
    let running = start(Config { compression: Some(2 * 1026), ..Config::default() }).await;
    assert_eq!(polled(&running, 1, GZIP).await.header("content-encoding"), None);
    assert_eq!(polled(&running, 2, GZIP).await.header("content-encoding"), None);
    assert_eq!(polled(&running, 3, GZIP).await.header("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn bytes_are_compressed_in_the_form_that_polls_have_them_in() {
    let running = start(Config::default()).await;
    let packet = format!("b{}", "AAEC".repeat(400));
    for (kilobytes, coding) in [(1600, Some("gzip")), (800, None)] {
        let mut http = Http::connect(running.address).await;
        let session = http.open().await;
        let packet = &packet[..=kilobytes];
        assert_eq!(http.post(&session, packet).await.body, "ok");
        http.send("GET", &session, GZIP, b"").await;
        let answer = http.answer().await;
        assert_eq!(answer.header("content-encoding"), coding);
        let body =
            if coding.is_some() { unpacked(GzDecoder::new(&*answer.bytes)) } else { answer.body };
        assert_eq!(body, packet);
    }
}

#[tokio::test]
async fn with_a_threshold_of_nothing_the_smallest_answer_is_compressed() {
    let running = start(Config { compression: Some(0), ..Config::default() }).await;
    let mut http = Http::connect(running.address).await;
    let session = http.open().await;
    http.post(&session, "4a").await;
    http.send("GET", &session, GZIP, b"").await;
    let answer = http.answer().await;
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(unpacked(GzDecoder::new(&*answer.bytes)), "4a");
}

#[tokio::test]
async fn a_client_that_gives_up_a_compressed_answer_is_let_go_and_delays_nobody() {
    let running = start(quick()).await;
    for _ in 0..20 {
        let mut http = Http::connect(running.address).await;
        let session = http.open().await;
        http.post(&session, "4flood 2000").await;
        http.send("GET", &session, GZIP, b"").await;
        // Before a byte of the answer has come.
        drop(http);
    }
    let answer = polled(&running, 3, GZIP).await;
    assert!(unpacked(GzDecoder::new(&*answer.bytes)) == flood(3));
    eventually("the end of all", || running.server.connections() == 0).await;
    let reasons = running.record.reasons();
    let known = [CloseReason::PingTimeout, CloseReason::TransportError];
    assert!(reasons.iter().all(|reason| known.contains(reason)), "{reasons:?}");
}

#[tokio::test]
async fn without_compression_every_answer_is_sent_as_it_is() {
    let running = start(Config { compression: None, ..Config::default() }).await;
    let answer = polled(&running, 20, GZIP).await;
    assert_eq!(answer.header("content-encoding"), None);
    assert_eq!(answer.body, flood(20));
}

#[tokio::test]
async fn many_clients_get_their_compressed_answers_at_the_same_time() {
    let running = start(Config::default()).await;
    let clients = (0..40).map(|_| polled(&running, 100, GZIP));
    for answer in futures_util::future::join_all(clients).await {
        assert!(unpacked(GzDecoder::new(&*answer.bytes)) == flood(100));
    }
}
