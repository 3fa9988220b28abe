//! How much the server sends to a page that comes in, whatever others have prepared for it.

mod support;

use std::time::Duration;

use serde::Serialize;
use sockeye_chat::{Hall, Limits};
use support::{id, person, room, text};

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
    let mut hall = Hall::new(limits, "0123456789abcdef", &[]);
    let crowd = limits.people_per_room - 1;
    for n in 0..crowd {
        comes_in(&mut hall, &numbered("😀", 40, n), crowded);
    }
    for (n, some) in others.chunks(limits.rooms_per_guest).enumerate() {
        comes_in(&mut hall, &numbered("😀", 40, crowd + n), some);
    }
    for (n, name) in crowded.iter().enumerate() {
        // A new speaker in each room, since each has a pace of its own.
        talk(&mut hall, &numbered("😀", 40, n), name, words);
    }
    let newcomer = "😀".repeat(40);
    hall.enter(&newcomer, person(&newcomer), Duration::ZERO);
    let listings = hall.listings();
    assert_eq!(listings.len(), limits.rooms);
    let rooms = crowded.iter().map(|name| {
        let state = hall.join(&newcomer, &room(name), None, Duration::ZERO).unwrap().state;
        assert_eq!(state.people.len(), limits.people_per_room);
        bytes(&state)
    });
    rooms.sum::<usize>() + bytes(&listings)
}

/// This many characters, different for every number.
fn numbered(character: &str, length: usize, number: usize) -> String {
    let number = number.to_string();
    character.repeat(length - number.len()) + &number
}

fn comes_in(hall: &mut Hall, guest: &str, rooms: &[String]) {
    hall.enter(guest, person(guest), Duration::ZERO);
    for name in rooms {
        hall.join(guest, &room(name), None, Duration::ZERO).unwrap();
    }
}

/// One message a second, so that none is too fast.
fn talk(hall: &mut Hall, guest: &str, name: &str, words: &str) {
    for n in 0..300 {
        let now = Duration::from_secs(n);
        hall.post(guest, &room(name), id(n), text(words), (u64::MAX, now)).unwrap();
    }
}

fn bytes(what: &impl Serialize) -> usize {
    serde_json::to_vec(what).unwrap().len()
}
