//! The rules between rooms and guests.

mod support;

use std::time::Duration;

use sockeye_chat::{Change, Hall, Joined, Limits, Pace, Refusal};
use support::{person, room};

const NOW: Duration = Duration::ZERO;

fn hall() -> Hall {
    Hall::new(Limits::default(), &[room("lobby")])
}

fn enter(hall: &mut Hall, guest: &str, name: &str) -> Vec<Change> {
    hall.enter(guest, person(name), &[], NOW).changes
}

fn join(hall: &mut Hall, guest: &str, name: &str) -> Result<Joined, Refusal> {
    hall.join(guest, &room(name), NOW)
}

fn people(hall: &Hall, name: &str) -> Option<usize> {
    let listings = hall.listings();
    listings.into_iter().find(|one| one.room == room(name)).map(|listing| listing.people)
}

/// A change as it is seen: where, under which name, and how; no name has left.
fn seen(change: &Change) -> (String, Option<(String, bool)>) {
    let now = change.now.as_ref().map(|now| (now.person.name.as_str().to_owned(), now.away));
    (change.room.as_str().to_owned(), now)
}

fn here(place: &str, name: &str) -> (String, Option<(String, bool)>) {
    (place.to_owned(), Some((name.to_owned(), false)))
}

fn away(place: &str, name: &str) -> (String, Option<(String, bool)>) {
    (place.to_owned(), Some((name.to_owned(), true)))
}

fn all(changes: &[Change]) -> Vec<(String, Option<(String, bool)>)> {
    changes.iter().map(seen).collect()
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
fn the_others_hear_of_a_person_once_however_often_it_is_there() {
    let mut hall = hall();
    enter(&mut hall, "a1", "Ada");
    enter(&mut hall, "a2", "Ada");
    let first = join(&mut hall, "a1", "lobby").unwrap();
    assert_eq!(all(first.change.as_slice()), [here("lobby", "Ada")]);
    assert_eq!(join(&mut hall, "a2", "lobby").unwrap().change, None);
    assert_eq!(hall.depart("a1"), Some(vec![]));
    assert_eq!(all(&hall.depart("a2").unwrap()), [("lobby".to_owned(), None)]);
    assert_eq!(people(&hall, "lobby"), Some(0));
}

#[test]
fn joining_twice_counts_once() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    assert!(join(&mut hall, "a", "lobby").unwrap().first);
    let again = join(&mut hall, "a", "lobby").unwrap();
    assert!(!again.first);
    assert_eq!((again.change, again.people.len()), (None, 1));
    assert!(hall.leave("a", &room("lobby")).is_some());
    assert!(hall.leave("a", &room("lobby")).is_none());
}

#[test]
fn whoever_loses_the_connection_is_away_and_here_again_with_the_next() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "lobby").unwrap();
    assert_eq!(all(&hall.lose("a")), [away("lobby", "Ada")]);
    assert_eq!(hall.lose("a"), [], "told once");
    assert_eq!(people(&hall, "lobby"), Some(0));
    assert_eq!(all(&enter(&mut hall, "a", "Ada")), [here("lobby", "Ada")]);
    assert_eq!(enter(&mut hall, "a", "Ada"), [], "its connection was taken over by the next");
    assert_eq!(hall.rooms_of("a"), [room("lobby")]);
}

#[test]
fn a_person_is_away_when_none_of_its_windows_has_a_connection() {
    let mut hall = hall();
    for guest in ["a1", "a2"] {
        enter(&mut hall, guest, "Ada");
        join(&mut hall, guest, "lobby").unwrap();
    }
    assert_eq!(hall.lose("a1"), []);
    assert_eq!(all(&hall.depart("a2").unwrap()), [away("lobby", "Ada")]);
    assert_eq!(all(&hall.depart("a1").unwrap()), [("lobby".to_owned(), None)]);
}

#[test]
fn whoever_comes_back_under_another_name_is_seen_under_it() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "lobby").unwrap();
    hall.lose("a");
    let mut grace = person("Ada");
    grace.name = person("Grace").name;
    assert_eq!(all(&hall.enter("a", grace, &[], NOW).changes), [here("lobby", "Grace")]);
}

#[test]
fn whoever_comes_back_to_a_server_that_was_started_again_is_in_its_rooms() {
    let mut hall = hall();
    let rooms = [room("lobby"), room("brook")];
    let entered = hall.enter("a", person("Ada"), &rooms, NOW);
    assert_eq!(all(&entered.changes), [here("lobby", "Ada"), here("brook", "Ada")]);
    assert!(entered.refused.is_empty());
    assert_eq!(people(&hall, "brook"), Some(1));
}

#[test]
fn a_room_that_has_filled_up_meanwhile_is_refused_to_whoever_comes_back() {
    let limits = Limits { people_per_room: 1, ..Limits::default() };
    let mut hall = Hall::new(limits, &[room("lobby")]);
    enter(&mut hall, "b", "Bo");
    join(&mut hall, "b", "lobby").unwrap();
    let entered = hall.enter("a", person("Ada"), &[room("lobby"), room("brook")], NOW);
    assert_eq!(entered.refused, [room("lobby")]);
    assert_eq!(hall.rooms_of("a"), [room("brook")]);
}

#[test]
fn pages_that_outlived_a_restart_hear_of_those_who_did_not_come_back() {
    let mut hall = hall();
    assert_eq!(hall.depart("a"), None, "not seen in this life of the server");
    let ada = person("Ada").id;
    let rooms = [room("lobby"), room("brook")];
    let missing = hall.missing(ada, &rooms);
    assert_eq!(all(&missing), [("lobby".to_owned(), None), ("brook".to_owned(), None)]);
    // It has come back as somebody new meanwhile.
    enter(&mut hall, "a2", "Ada");
    join(&mut hall, "a2", "lobby").unwrap();
    assert_eq!(all(&hall.missing(ada, &rooms)), [("brook".to_owned(), None)]);
}

#[test]
fn only_who_is_in_a_room_acts_there() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    let lobby = room("lobby");
    assert_eq!(hall.act("a", &lobby, NOW).unwrap_err(), Refusal::NotInside);
    assert_eq!(hall.act("nobody", &lobby, NOW).unwrap_err(), Refusal::Stranger);
    join(&mut hall, "a", "lobby").unwrap();
    assert_eq!(hall.act("a", &lobby, NOW).unwrap(), person("Ada"));
}

#[test]
fn a_new_name_is_seen_in_all_rooms() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    for name in ["lobby", "brook"] {
        join(&mut hall, "a", name).unwrap();
    }
    let (renamed, changes) = hall.rename("a", person("Grace").name, NOW).unwrap();
    assert_eq!(renamed.id, person("Ada").id);
    assert_eq!(all(&changes), [here("brook", "Grace"), here("lobby", "Grace")]);
    let state = join(&mut hall, "a", "lobby").unwrap();
    assert_eq!(state.people[0].person.name.as_str(), "Grace");
}

#[test]
fn a_guest_that_does_too_much_at_once_is_slowed_down_and_then_goes_on() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "lobby").unwrap();
    let act = |hall: &mut Hall, now| hall.act("a", &room("lobby"), now);
    let done = (0..100).take_while(|_| act(&mut hall, NOW).is_ok()).count();
    assert_eq!(done, Pace::AT_ONCE as usize - 1);
    hall.lose("a");
    enter(&mut hall, "a", "Ada");
    assert_eq!(act(&mut hall, NOW).unwrap_err(), Refusal::TooFast, "a new connection helps nobody");
    assert!(act(&mut hall, Duration::from_secs(1)).is_ok());
}

#[test]
fn so_many_messages_of_a_guest_are_followed_at_a_time() {
    let limits = Limits { receipts_per_guest: 2, ..Limits::default() };
    let mut hall = Hall::new(limits, &[]);
    enter(&mut hall, "a", "Ada");
    assert!(hall.receipt_begins("a"));
    assert!(hall.receipt_begins("a"));
    assert!(!hall.receipt_begins("a"));
    hall.receipt_ends("a");
    assert!(hall.receipt_begins("a"));
    assert!(!hall.receipt_begins("nobody"));
}

#[test]
fn a_guest_is_in_so_many_rooms_at_most() {
    let limits = Limits { rooms_per_guest: 2, ..Limits::default() };
    let mut hall = Hall::new(limits, &[]);
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
    let mut hall = Hall::new(limits, &[room("lobby")]);
    enter(&mut hall, "a1", "Ada");
    enter(&mut hall, "a2", "Ada");
    enter(&mut hall, "b", "Bo");
    join(&mut hall, "a1", "lobby").unwrap();
    assert_eq!(join(&mut hall, "b", "lobby").unwrap_err(), Refusal::RoomFull { limit: 1 });
    join(&mut hall, "a2", "lobby").unwrap();
}

#[test]
fn there_are_so_many_rooms_at_most_and_an_empty_one_makes_place() {
    let limits = Limits { rooms: 2, ..Limits::default() };
    let mut hall = Hall::new(limits, &[room("lobby")]);
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "one").unwrap();
    assert_eq!(join(&mut hall, "a", "two").unwrap_err(), Refusal::HallFull { limit: 2 });
    hall.lose("a");
    enter(&mut hall, "b", "Bo");
    assert_eq!(join(&mut hall, "b", "two").unwrap_err(), Refusal::HallFull { limit: 2 });
    hall.depart("a");
    join(&mut hall, "b", "two").unwrap();
    assert_eq!(hall.rooms(), 2);
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
        hall.lose(&format!("guest {n}"));
        hall.depart(&format!("guest {n}"));
    }
    assert_eq!((hall.guests(), hall.rooms()), (0, 1));
    assert_eq!(people(&hall, "lobby"), Some(0));
    assert_eq!(hall.depart("guest 1"), None);
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
fn a_room_that_is_empty_is_in_the_news_as_empty() {
    let mut hall = hall();
    enter(&mut hall, "a", "Ada");
    join(&mut hall, "a", "brook").unwrap();
    hall.depart("a");
    assert_eq!(news(&mut hall), [("brook".to_owned(), 0, false)]);
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
