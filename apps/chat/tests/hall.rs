//! The rules between rooms and guests.

mod support;

use std::time::Duration;

use sockeye_chat::{Hall, Limits, Pace, Position, Posted, Refusal};
use support::{id, person, room, text};

const NOW: Duration = Duration::ZERO;

fn hall() -> Hall {
    Hall::new(Limits::default(), "life", &[room("lobby")])
}

fn enter(hall: &mut Hall, guest: &str, name: &str) {
    hall.enter(guest, person(name), NOW);
}

fn join(hall: &mut Hall, guest: &str, name: &str) -> Result<sockeye_chat::Joined, Refusal> {
    hall.join(guest, &room(name), None, NOW)
}

fn say(hall: &mut Hall, guest: &str, n: u64) -> Result<Posted, Refusal> {
    hall.post(guest, &room("lobby"), id(n), text("hello"), (n, Duration::from_secs(n)))
}

fn people(hall: &Hall, name: &str) -> Option<usize> {
    hall.listings()
        .into_iter()
        .find(|listing| listing.room == room(name))
        .map(|listing| listing.people)
}

#[test]
fn the_given_rooms_are_listed_though_empty_and_others_only_with_people() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "river").unwrap();
    assert_eq!(people(&hall, "river"), Some(1));
    hall.leave("a", &room("river"));
    assert_eq!(people(&hall, "river"), None);
    assert_eq!(people(&hall, "lobby"), Some(0));
}

#[test]
fn the_others_hear_of_a_person_once_however_many_connections_it_has() {
    let mut hall = hall();
    enter(&mut hall, "a1", "Ada");
    enter(&mut hall, "a2", "Ada");
    assert!(join(&mut hall, "a1", "lobby").unwrap().arrived.is_some());
    assert!(join(&mut hall, "a2", "lobby").unwrap().arrived.is_none());
    assert_eq!(hall.depart("a1"), []);
    assert_eq!(hall.depart("a2").len(), 1);
    assert_eq!(people(&hall, "lobby"), Some(0));
}

#[test]
fn joining_twice_counts_once() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "lobby").unwrap();
    let again = join(&mut hall, "a", "lobby").unwrap();
    assert_eq!(again.arrived, None);
    assert_eq!(again.state.people.len(), 1);
    assert!(hall.leave("a", &room("lobby")).is_some());
    assert!(hall.leave("a", &room("lobby")).is_none());
}

#[test]
fn only_who_is_in_a_room_speaks_and_types_there() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    assert_eq!(say(&mut hall, "a", 1).unwrap_err(), Refusal::NotInside);
    assert_eq!(hall.typing("a", &room("lobby"), NOW).unwrap_err(), Refusal::NotInside);
    assert_eq!(say(&mut hall, "nobody", 1).unwrap_err(), Refusal::Stranger);
}

#[test]
fn a_message_sent_again_is_pushed_once_and_answered_twice() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "lobby").unwrap();
    let first = say(&mut hall, "a", 1).unwrap();
    // The answer is lost with the connection.
    hall.depart("a");
    enter(&mut hall, "b", "Ada");
    join(&mut hall, "b", "lobby").unwrap();
    let second = say(&mut hall, "b", 1).unwrap();
    assert!(first.push.is_some());
    assert!(second.push.is_none());
    assert_eq!(first.receipt, second.receipt);
}

#[test]
fn a_page_that_returns_gets_what_came_after_its_last_number() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    let epoch = join(&mut hall, "a", "lobby").unwrap().state.epoch;
    for n in 1..=5 {
        say(&mut hall, "a", n).unwrap();
    }
    enter(&mut hall, "b", "Bo");
    let after = Position { epoch, seq: 3 };
    let state = hall.join("b", &room("lobby"), Some(&after), NOW).unwrap().state;
    assert_eq!(state.messages.iter().map(|m| m.seq).collect::<Vec<_>>(), [4, 5]);
    assert_eq!((state.seq, state.missing), (5, 0));
}

#[test]
fn a_number_of_another_life_of_the_server_gets_everything_under_a_new_epoch() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "lobby").unwrap();
    say(&mut hall, "a", 1).unwrap();
    let after = Position { epoch: "another life-1".to_owned(), seq: 77 };
    let state = hall.join("a", &room("lobby"), Some(&after), NOW).unwrap().state;
    assert_eq!(state.messages.len(), 1);
    assert_eq!(state.missing, 0);
    assert_ne!(state.epoch, after.epoch);
}

#[test]
fn the_name_of_the_moment_stays_on_a_message() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "lobby").unwrap();
    say(&mut hall, "a", 1).unwrap();
    let (renamed, rooms) = hall.rename("a", person("Grace").name, NOW).unwrap();
    assert_eq!(renamed.id, person("Ada").id);
    assert_eq!(rooms, [room("lobby")]);
    let state = join(&mut hall, "a", "lobby").unwrap().state;
    assert_eq!(state.messages[0].person.name.as_str(), "Ada");
    assert_eq!(state.people[0].name.as_str(), "Grace");
}

#[test]
fn a_guest_that_does_too_much_at_once_is_slowed_down_and_then_goes_on() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "lobby").unwrap();
    let fast =
        |hall: &mut Hall, n, now| hall.post("a", &room("lobby"), id(n), text("hello"), (0, now));
    let taken = (0..100).take_while(|n| fast(&mut hall, *n, NOW).is_ok()).count();
    assert_eq!(taken, Pace::AT_ONCE as usize - 1);
    assert_eq!(fast(&mut hall, 200, NOW).unwrap_err(), Refusal::TooFast);
    assert!(fast(&mut hall, 200, Duration::from_secs(1)).is_ok());
}

#[test]
fn a_guest_is_in_so_many_rooms_at_most() {
    let limits = Limits { rooms_per_guest: 2, ..Limits::default() };
    let mut hall = Hall::new(limits, "life", &[]);
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "one").unwrap();
    join(&mut hall, "a", "two").unwrap();
    assert_eq!(join(&mut hall, "a", "three").unwrap_err(), Refusal::TooManyRooms { limit: 2 });
    assert_eq!(people(&hall, "three"), None);
    hall.leave("a", &room("one"));
    join(&mut hall, "a", "three").unwrap();
}

#[test]
fn a_full_room_takes_nobody_but_those_who_are_in_it() {
    let limits = Limits { people_per_room: 1, ..Limits::default() };
    let mut hall = Hall::new(limits, "life", &[room("lobby")]);
    enter(&mut hall, "a1", "Ada");
    enter(&mut hall, "a2", "Ada");
    enter(&mut hall, "b", "Bo");
    join(&mut hall, "a1", "lobby").unwrap();
    assert_eq!(join(&mut hall, "b", "lobby").unwrap_err(), Refusal::RoomFull { limit: 1 });
    join(&mut hall, "a2", "lobby").unwrap();
}

#[test]
fn the_room_that_has_been_empty_for_longest_makes_place_for_a_new_one() {
    let limits = Limits { rooms: 3, ..Limits::default() };
    let mut hall = Hall::new(limits, "life", &[room("lobby")]);
    enter(&mut hall, "a", "Ada");
    let first = join(&mut hall, "a", "one").unwrap().state.epoch;
    let second = join(&mut hall, "a", "two").unwrap().state.epoch;
    hall.leave("a", &room("one"));
    hall.leave("a", &room("two"));
    join(&mut hall, "a", "three").unwrap();
    assert_eq!(hall.rooms(), 3);
    assert_eq!(join(&mut hall, "a", "two").unwrap().state.epoch, second);
    hall.leave("a", &room("two"));
    assert_ne!(join(&mut hall, "a", "one").unwrap().state.epoch, first);
}

#[test]
fn rooms_with_people_are_never_pushed_out() {
    let limits = Limits { rooms: 2, ..Limits::default() };
    let mut hall = Hall::new(limits, "life", &[room("lobby")]);
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "one").unwrap();
    assert_eq!(join(&mut hall, "a", "two").unwrap_err(), Refusal::HallFull { limit: 2 });
}

#[test]
fn nothing_of_a_guest_stays_when_it_is_gone() {
    let mut hall = hall();
    for n in 0..100 {
        let guest = format!("guest {n}");
        enter(&mut hall, &guest, &format!("Number {n}"));
        join(&mut hall, &guest, "lobby").unwrap();
        join(&mut hall, &guest, &format!("room-{}", n % 7)).unwrap();
    }
    for n in 0..100 {
        hall.depart(&format!("guest {n}"));
    }
    assert_eq!(hall.guests(), 0);
    assert_eq!(hall.listings().iter().map(|listing| listing.people).sum::<usize>(), 0);
    assert_eq!(hall.depart("guest 1"), []);
}

fn news(hall: &mut Hall) -> Vec<(String, usize, bool)> {
    let listings = hall.news();
    listings
        .into_iter()
        .map(|news| (news.room.as_str().to_owned(), news.people, news.given))
        .collect()
}

#[test]
fn a_room_is_in_the_news_once_however_often_it_has_changed() {
    let mut hall = hall();
    assert!(!hall.has_news());
    for guest in ["a", "b"] {
        enter(&mut hall, guest, guest);
        join(&mut hall, guest, "lobby").unwrap();
        join(&mut hall, guest, "brook").unwrap();
    }
    hall.leave("a", &room("brook"));
    assert!(hall.has_news());
    let now = [("brook".to_owned(), 1, false), ("lobby".to_owned(), 2, true)];
    assert_eq!(news(&mut hall), now);
    assert!(!hall.has_news());
}

#[test]
fn a_room_that_is_empty_or_forgotten_is_in_the_news_as_empty() {
    let limits = Limits { rooms: 2, ..Limits::default() };
    let mut hall = Hall::new(limits, "life", &[room("lobby")]);
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "brook").unwrap();
    hall.depart("a");
    assert_eq!(news(&mut hall), [("brook".to_owned(), 0, false)]);
    enter(&mut hall, "b", "Bo");
    join(&mut hall, "b", "brook").unwrap();
    hall.leave("b", &room("brook"));
    join(&mut hall, "b", "delta").unwrap();
    assert_eq!(news(&mut hall), [("brook".to_owned(), 0, false), ("delta".to_owned(), 1, false)]);
}

#[test]
fn a_second_window_of_a_person_is_no_news() {
    let mut hall = hall();
    for guest in ["a1", "a2"] {
        enter(&mut hall, guest, "Ada");
        join(&mut hall, guest, "lobby").unwrap();
        assert_eq!(news(&mut hall).len(), usize::from(guest == "a1"));
    }
}
