//! How much the server sends to a page that comes in, whatever others have prepared for it.

mod support;

use std::time::Duration;

use serde::Serialize;
use sockeye_chat::{Hall, Limits, PastPage};
use support::{person, room, said};

#[test]
fn nobody_can_write_so_much_that_newcomers_with_a_slow_connection_are_locked_out() {
    for longest in ["x", "\"", "\\", "é", "😀", "a\n"] {
        for length in [100, 4000] {
            let words: String = longest.chars().cycle().take(length).collect();
            let sent = sent_to_a_newcomer(&words);
            assert!(sent < 768 * 1024, "{length} characters of {longest:?}: {sent} bytes");
        }
    }
}

/// What comes into a hall in which all rooms are listed under the longest names, to a page that goes into as many as it
/// may, where as many people as there may be say this over and over.
fn sent_to_a_newcomer(words: &str) -> usize {
    let limits = Limits::default();
    // Letters of four bytes that are lower case.
    let rooms: Vec<String> = (0..limits.rooms).map(|n| numbered("𐐨", 32, n)).collect();
    let (crowded, others) = rooms.split_at(limits.rooms_per_guest);
    let mut hall = Hall::new(limits, &[]);
    let crowd = limits.people_per_room - 1;
    for n in 0..crowd {
        comes_in(&mut hall, &numbered("😀", 40, n), crowded);
    }
    for (n, some) in others.chunks(limits.rooms_per_guest).enumerate() {
        comes_in(&mut hall, &numbered("😀", 40, crowd + n), some);
    }
    let newcomer = "😀".repeat(40);
    hall.enter(&newcomer, person(&newcomer), &[], Duration::ZERO);
    let listings = hall.listings();
    assert_eq!(listings.len(), limits.rooms);
    let rooms = crowded.iter().map(|name| {
        let people = hall.join(&newcomer, &room(name), Duration::ZERO).unwrap().people;
        assert_eq!(people.len(), limits.people_per_room);
        bytes(&people) + bytes(&past(words))
    });
    rooms.sum::<usize>() + bytes(&listings)
}

/// What everybody has said in a room lately, over and over.
fn past(words: &str) -> PastPage {
    let speaker = |n: u64| numbered("😀", 40, usize::try_from(n).unwrap());
    PastPage::newest((0..=50).map(|n| said(n, &speaker(n), words)).collect())
}

/// This many characters, different for every number.
fn numbered(character: &str, length: usize, number: usize) -> String {
    let number = number.to_string();
    character.repeat(length - number.len()) + &number
}

fn comes_in(hall: &mut Hall, guest: &str, rooms: &[String]) {
    hall.enter(guest, person(guest), &[], Duration::ZERO);
    for name in rooms {
        hall.join(guest, &room(name), Duration::ZERO).unwrap();
    }
}

fn bytes(what: &impl Serialize) -> usize {
    serde_json::to_vec(what).unwrap().len()
}
