//! What is said and asked.

use bytes::Bytes;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::place::{Place, ask, bytes, fence, say};

/// Bytes beside texts, and in lists.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Mixed {
    name: String,
    bytes: Bytes,
    list: Vec<Bytes>,
}

pub(crate) async fn answers_have_bytes_wherever_they_stand(place: &Place) {
    let socket = place.join("/").await;
    let mixed = Mixed {
        name: "mixed".to_owned(),
        bytes: bytes(1000).into(),
        list: vec![Bytes::new(), bytes(1).into(), bytes(300).into()],
    };
    let alone = Bytes::from(bytes(3));
    assert_eq!(ask::<Bytes>(&socket, "echo-ack", &alone).await, alone);
    let answer: (Mixed, Bytes) = ask(&socket, "echo-ack", (&mixed, &alone)).await;
    assert_eq!(answer, (mixed, alone));
}

pub(crate) async fn answers_have_as_many_arguments_as_they_have(place: &Place) {
    let socket = place.join("/").await;
    let none: () = ask(&socket, "echo-ack", ()).await;
    let one: String = ask(&socket, "echo-ack", "one").await;
    let three: (u32, Vec<u32>, Value) = ask(&socket, "echo-ack", (1, [2, 3], json!({}))).await;
    assert_eq!((none, one), ((), "one".to_owned()));
    assert_eq!(three, (1, vec![2, 3], json!({})));
}

pub(crate) async fn each_of_many_questions_gets_its_own_answer(place: &Place) {
    let socket = place.join("/").await;
    let questions = (0..200_u32).map(|number| ask::<u32>(&socket, "echo-ack", number));
    assert_eq!(join_all(questions).await, (0..200).collect::<Vec<_>>());
}

/// It is said from the first moment on, so also while the transport is being upgraded.
pub(crate) async fn what_is_said_arrives_in_order_and_once(place: &Place) {
    let socket = place.join("/").await;
    let prefix = format!("order {}.", socket.id().expect("it is connected"));
    let notes: Vec<String> = (0..400).map(|number| format!("{prefix}{number}")).collect();
    for note in &notes {
        say(&socket, "note", note).await;
        tokio::task::yield_now().await;
    }
    fence(&socket).await;
    assert_eq!(ask::<(Vec<String>,)>(&socket, "notes", &prefix).await.0, notes);
}

pub(crate) async fn large_texts_and_bytes_pass_both_ways(place: &Place) {
    let socket = place.join("/").await;
    let text: String = ask(&socket, "big", (700_000, "text")).await;
    assert_eq!(text.len(), 700_000);
    let binary: Bytes = ask(&socket, "big", (700_000, "binary")).await;
    assert_eq!(binary, vec![0xab; 700_000]);
    assert_eq!(ask::<String>(&socket, "echo-ack", &text).await, text);
    assert_eq!(ask::<Bytes>(&socket, "echo-ack", &binary).await, binary);
    // Together they are more than a POST may have.
    let many = (0..8).map(|_| ask::<String>(&socket, "echo-ack", &text));
    assert!(join_all(many).await.iter().all(|answer| *answer == text));
}
