//! Rooms, and events for many.

use super::place::{Place, ask, fence, next, say};

pub(crate) async fn rooms_hear_what_is_said_to_them(place: &Place) {
    let (inside, speaker, outside) =
        (place.join("/").await, place.join("/").await, place.join("/").await);
    assert!(ask::<bool>(&inside, "join", "room").await);
    assert!(ask::<bool>(&speaker, "join", "room").await);
    say(&speaker, "to-room", ("room", "said", 1)).await;
    say(&speaker, "in-room", ("room", "said", 2)).await;
    assert_eq!(next::<u32>(&inside, "said").await, 1);
    assert_eq!(next::<u32>(&inside, "said").await, 2);
    assert_eq!(next::<u32>(&speaker, "said").await, 2);
    assert!(ask::<bool>(&inside, "leave", "room").await);
    say(&speaker, "in-room", ("room", "said", 3)).await;
    fence(&speaker).await;
    say(&speaker, "to-all", ("for all", "x")).await;
    assert_eq!(next::<String>(&inside, "for all").await, "x");
    assert_eq!(next::<String>(&outside, "for all").await, "x");
    assert_eq!(next::<u32>(&speaker, "said").await, 3);
}

pub(crate) async fn all_others_hear_a_broadcast(place: &Place) {
    let (speaker, one, other) =
        (place.join("/").await, place.join("/").await, place.join("/custom").await);
    say(&speaker, "broadcast", ("news", "n")).await;
    assert_eq!(next::<String>(&one, "news").await, "n");
    // Whoever spoke, and those elsewhere, hear nothing of it.
    say(&speaker, "echo", 1).await;
    assert_eq!(next::<u32>(&speaker, "echo-back").await, 1);
    say(&other, "echo", 2).await;
    assert_eq!(next::<u32>(&other, "echo-back").await, 2);
}
