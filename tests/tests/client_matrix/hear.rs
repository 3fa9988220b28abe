//! What the server says and asks.

use bytes::Bytes;
use serde_json::{Value, json};
use sockeye_client::Data;

use super::place::{Place, bytes, next, say};

pub(crate) async fn arguments_of_every_kind_come_back(place: &Place) {
    let socket = place.join("/").await;
    let kinds = json!({
        "text": "ä €\u{1F600} \u{0}\u{1e}\u{2028} \"\\/",
        "numbers": [0, -1, 1.5, 4_294_967_296_u64, 9_007_199_254_740_991_i64, -2.5e-3],
        "nothing": null,
        "truth": [true, false],
        "empty": [{}, [], ""],
        "deep": [[[[[{"a": [{"b": null}]}]]]]],
    });
    say(&socket, "echo", &kinds).await;
    assert_eq!(next::<Value>(&socket, "echo-back").await, kinds);
    say(&socket, "echo", (1, "two", [3], Value::Null, &kinds)).await;
    let five: (u32, String, [u32; 1], Value, Value) = next(&socket, "echo-back").await;
    assert_eq!(five, (1, "two".to_owned(), [3], Value::Null, kinds));
    say(&socket, "echo", ()).await;
    next::<()>(&socket, "echo-back").await;
}

pub(crate) async fn the_server_asks_and_is_answered(place: &Place) {
    let socket = place.join("/").await;
    socket.on("call", async |Data((number, text)): Data<(u32, String)>| (number + 1, text, 0.5));
    for number in 0..5 {
        say(&socket, "call-me", (number, "text")).await;
        let result: (u32, String, f64) = next(&socket, "call-result").await;
        assert_eq!((result.0, result.1.as_str()), (number + 1, "text"));
    }
    socket.off("call");
    socket.on("call", async |Data(bytes): Data<Bytes>| bytes);
    say(&socket, "call-me", &Bytes::from(bytes(500))).await;
    assert_eq!(next::<Bytes>(&socket, "call-result").await, bytes(500));
}

pub(crate) async fn a_burst_arrives_in_order(place: &Place) {
    let socket = place.join("/").await;
    say(&socket, "burst", 500).await;
    for number in 0..500_u32 {
        assert_eq!(next::<u32>(&socket, "burst").await, number);
    }
}

pub(crate) async fn bytes_come_back_between_texts(place: &Place) {
    let socket = place.join("/").await;
    let (alone, none) = (Bytes::from(bytes(300)), Bytes::new());
    say(&socket, "echo", &alone).await;
    assert_eq!(next::<Bytes>(&socket, "echo-back").await, alone);
    say(&socket, "echo", (1, [&none, &alone], "text", &alone)).await;
    let back: (u32, Vec<Bytes>, String, Bytes) = next(&socket, "echo-back").await;
    assert_eq!(back, (1, vec![none, alone.clone()], "text".to_owned(), alone));
}
