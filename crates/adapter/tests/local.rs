//! Sockets and rooms, one behaviour at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sockeye_adapter::{Audience, Key, Local, Room};

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

/// A namespace with the sockets `0..n`, whose ids are `id-0`, `id-1`, …
fn crowd(n: usize) -> (Local<usize>, Vec<Key>) {
    let local = Local::new();
    let keys = (0..n).map(|i| local.add(&format!("id-{i}"), i)).collect();
    (local, keys)
}

fn room(name: &str) -> Audience {
    Audience::everyone().to(name)
}

#[test]
fn a_socket_is_found_by_key_and_by_id_until_it_is_removed() {
    let (local, keys) = crowd(3);
    assert_eq!(local.get(keys[1]), Some(1));
    assert_eq!(local.by_id("id-1"), Some(1));
    assert_eq!(local.remove(keys[1]), Some(1));
    assert_eq!(local.get(keys[1]), None);
    assert_eq!(local.by_id("id-1"), None);
    assert_eq!(local.len(), 2);
}

#[test]
fn removing_a_socket_twice_finds_it_once() {
    let (local, keys) = crowd(2);
    assert_eq!(local.remove(keys[0]), Some(0));
    assert_eq!(local.remove(keys[0]), None);
    assert_eq!(local.len(), 1);
}

#[test]
fn a_stale_key_finds_nobody_though_its_slot_is_taken_again() {
    let (local, keys) = crowd(1);
    local.remove(keys[0]);
    let next = local.add("next", 7);
    assert_eq!(local.get(keys[0]), None);
    assert!(!local.leave(keys[0], "id-0"));
    assert!(local.rooms_of(keys[0]).is_empty());
    assert_eq!(local.remove(keys[0]), None);
    assert_eq!(local.get(next), Some(7));
}

#[test]
fn a_join_after_removal_is_refused_and_opens_no_room() {
    let (local, keys) = crowd(1);
    local.remove(keys[0]);
    local.add("next", 7);
    assert!(!local.join(keys[0], "lobby"));
    assert_eq!(local.room_count(), 0);
}

#[test]
fn a_stale_exclusion_does_not_silence_the_next_socket_of_the_slot() {
    let (local, keys) = crowd(1);
    local.remove(keys[0]);
    local.add("next", 7);
    assert_eq!(local.members(&Audience::everyone().except_socket(keys[0])), [7]);
    let sifted = Audience::everyone().except("nobody").except_socket(keys[0]);
    assert_eq!(local.members(&sifted), [7]);
}

#[test]
fn joining_twice_is_joining_once() {
    let (local, keys) = crowd(1);
    assert!(local.join(keys[0], "lobby"));
    assert!(local.join(keys[0], "lobby"));
    assert_eq!(local.members(&room("lobby")), [0]);
    assert!(local.leave(keys[0], "lobby"));
    assert!(!local.leave(keys[0], "lobby"));
    assert_eq!(local.count(&room("lobby")), 0);
}

#[test]
fn leaving_a_room_that_was_never_joined_is_false() {
    let (local, keys) = crowd(2);
    local.join(keys[0], "lobby");
    assert!(!local.leave(keys[1], "lobby"));
    assert!(!local.leave(keys[1], "nowhere"));
    assert_eq!(local.count(&room("lobby")), 1);
}

#[test]
fn an_empty_room_vanishes() {
    let (local, keys) = crowd(2);
    local.join(keys[0], "lobby");
    local.join(keys[1], "lobby");
    local.join(keys[1], "attic");
    assert_eq!(local.room_count(), 2);
    local.leave(keys[0], "lobby");
    local.remove(keys[1]);
    assert_eq!(local.room_count(), 0);
    assert!(local.rooms().is_empty());
}

#[test]
fn a_room_number_that_is_used_again_keeps_the_rooms_apart() {
    let (local, keys) = crowd(2);
    local.join(keys[0], "stays");
    local.join(keys[0], "goes");
    local.leave(keys[0], "goes");
    local.join(keys[1], "comes");
    assert_eq!(local.rooms_of(keys[0]), ["stays"]);
    assert_eq!(local.rooms_of(keys[1]), ["comes"]);
    assert_eq!(local.count(&room("goes")), 0);
}

#[test]
fn the_room_of_the_own_id_is_there_without_being_joined() {
    let (local, keys) = crowd(2);
    assert_eq!(local.members(&room("id-1")), [1]);
    assert!(local.is_in(keys[1], "id-1"));
    assert!(local.rooms_of(keys[1]).is_empty());
    assert_eq!(local.room_count(), 0);
}

#[test]
fn the_room_of_the_own_id_can_neither_be_joined_twice_nor_left() {
    let (local, keys) = crowd(1);
    assert!(local.join(keys[0], "id-0"));
    assert_eq!(local.room_count(), 0);
    assert!(!local.leave(keys[0], "id-0"));
    assert_eq!(local.members(&room("id-0")), [0]);
}

#[test]
fn others_may_join_the_room_of_somebodys_id() {
    let (local, keys) = crowd(2);
    local.join(keys[0], "id-1");
    assert_eq!(sorted(local.members(&room("id-1"))), [0, 1]);
    assert_eq!(local.rooms_of(keys[0]), ["id-1"]);
    local.remove(keys[1]);
    assert_eq!(local.members(&room("id-1")), [0], "the room outlives the socket of its name");
}

#[test]
fn an_id_given_twice_belongs_to_whoever_came_last() {
    let local = Local::new();
    let first = local.add("same", 1);
    let second = local.add("same", 2);
    assert_eq!(local.by_id("same"), Some(2));
    local.remove(first);
    assert_eq!(local.by_id("same"), Some(2));
    local.remove(second);
    assert_eq!(local.by_id("same"), None);
}

#[test]
fn everyone_hears_what_is_for_everyone() {
    let (local, keys) = crowd(5);
    local.remove(keys[2]);
    assert_eq!(sorted(local.members(&Audience::everyone())), [0, 1, 3, 4]);
}

#[test]
fn united_rooms_reach_each_socket_once() {
    let (local, keys) = crowd(4);
    for key in &keys[..3] {
        local.join(*key, "a");
    }
    for key in &keys[1..] {
        local.join(*key, "b");
    }
    assert_eq!(sorted(local.members(&room("a").to("b"))), [0, 1, 2, 3]);
    assert_eq!(sorted(local.members(&room("a").to("id-0").to("id-3"))), [0, 1, 2, 3]);
}

#[test]
fn whoever_is_excluded_hears_nothing_whatever_else_names_them() {
    let (local, keys) = crowd(4);
    for key in &keys {
        local.join(*key, "a");
        local.join(*key, "b");
    }
    local.join(keys[1], "muted");
    assert_eq!(sorted(local.members(&room("a").except("muted"))), [0, 2, 3]);
    assert_eq!(sorted(local.members(&Audience::everyone().except("id-3"))), [0, 1, 2]);
    let audience = Audience::everyone().except_socket(keys[0]).to("a").except("muted").to("b");
    assert_eq!(sorted(local.members(&audience)), [2, 3]);
}

#[test]
fn many_excluded_sockets_are_left_out_like_few() {
    let (local, keys) = crowd(100);
    let audience = keys[..90].iter().fold(Audience::everyone(), |a, key| a.except_socket(*key));
    assert_eq!(sorted(local.members(&audience)), (90..100).collect::<Vec<_>>());
}

#[test]
fn an_unknown_room_has_nobody_and_excludes_nobody() {
    let (local, _) = crowd(2);
    assert_eq!(local.count(&room("nowhere")), 0);
    assert_eq!(local.count(&room("nowhere").to("either")), 0);
    assert_eq!(local.count(&Audience::everyone().except("nowhere")), 2);
}

#[test]
fn a_room_of_no_name_and_a_room_of_any_letters_are_rooms() {
    let (local, keys) = crowd(1);
    for name in ["", "\0", "🐟", "a b/c,d"] {
        assert!(local.join(keys[0], name));
        assert_eq!(local.members(&room(name)), [0]);
    }
    assert_eq!(local.room_count(), 4);
}

#[test]
fn a_socket_in_thousands_of_rooms_leaves_each_of_them() {
    let (local, keys) = crowd(2);
    let name = |i: usize| format!("room-{}", (i * 7919) % 5000);
    for i in 0..5000 {
        local.join(keys[0], &name(i));
        local.join(keys[1], &name(i));
    }
    for i in (0..5000).step_by(2) {
        assert!(local.leave(keys[0], &name(i)));
    }
    assert_eq!(local.rooms_of(keys[0]).len(), 2500);
    assert!((0..5000).all(|i| local.is_in(keys[0], &name(i)) == (i % 2 == 1)));
    local.remove(keys[1]);
    assert_eq!(local.room_count(), 2500);
    local.remove(keys[0]);
    assert_eq!(local.room_count(), 0);
}

#[test]
fn a_crowd_that_leaves_in_any_order_leaves_nothing_behind() {
    let (local, keys) = crowd(1000);
    for (i, key) in keys.iter().enumerate() {
        local.join(*key, "all");
        local.join(*key, if i % 2 == 0 { "even" } else { "odd" });
    }
    for i in 0..1000 {
        assert_eq!(local.remove(keys[(i * 7) % 1000]), Some((i * 7) % 1000));
        assert_eq!(local.count(&room("all")), 999 - i);
    }
    assert!(local.is_empty());
    assert_eq!(local.room_count(), 0);
}

#[test]
fn a_visitor_that_panics_releases_the_lock() {
    let (local, keys) = crowd(2);
    let visit = || local.visit(&Audience::everyone(), |_| panic!("a bad visitor"));
    assert!(catch_unwind(AssertUnwindSafe(visit)).is_err());
    assert!(local.join(keys[0], "lobby"));
    assert_eq!(local.count(&Audience::everyone()), 2);
}

#[test]
fn a_member_is_dropped_by_whoever_removed_it_and_outside_the_lock() {
    /// Looks into the namespace when it is dropped, which would wait for itself under the lock.
    struct Nosy(std::sync::Weak<Local<std::sync::Arc<Nosy>>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            if let Some(local) = self.0.upgrade() {
                assert_eq!(local.len(), 0);
            }
        }
    }
    let local = std::sync::Arc::new(Local::new());
    let nosy = std::sync::Arc::new(Nosy(std::sync::Arc::downgrade(&local)));
    let key = local.add("nosy", nosy);
    drop(local.remove(key));
    assert!(local.is_empty());
}

#[test]
fn threads_that_join_leave_and_visit_at_once_end_with_an_empty_house() {
    let local = Local::new();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let local = &local;
            scope.spawn(move || {
                for i in 0..200 {
                    let key = local.add(&format!("{thread}-{i}"), thread);
                    assert!(local.join(key, "all"));
                    assert!(local.count(&room("all").except_socket(key)) < 4);
                    assert!(local.members(&room("all").to("none")).contains(&thread));
                    assert_eq!(local.remove(key), Some(thread));
                }
            });
        }
    });
    assert!(local.is_empty());
    assert_eq!(local.room_count(), 0);
}

#[test]
fn an_audience_names_each_room_and_socket_once() {
    let (_, keys) = crowd(1);
    let audience =
        room("a").to("a").except("b").except("b").except_socket(keys[0]).except_socket(keys[0]);
    assert_eq!(audience.rooms(), [Room::from("a")]);
    assert_eq!(audience.excluded_rooms(), [Room::from("b")]);
    assert_eq!(audience.excluded_sockets(), [keys[0]]);
}

#[test]
fn the_rooms_of_two_sockets_share_one_name() {
    let (local, keys) = crowd(2);
    local.join(keys[0], "lobby");
    local.join(keys[1], "lobby");
    let names = (local.rooms_of(keys[0]).remove(0), local.rooms_of(keys[1]).remove(0));
    assert!(std::ptr::eq(names.0.as_str(), names.1.as_str()));
}

#[test]
fn united_rooms_of_any_size_count_each_socket_once_and_leave_out_who_is_left_out() {
    for size in [1, 10, 31, 32, 33, 64, 100, 1000] {
        let local = Local::new();
        let keys: Vec<_> = (0..2 * size).map(|n| local.add(&format!("id-{n}"), n)).collect();
        for (number, key) in keys.iter().enumerate() {
            // Two rooms that overlap by half, and one whose members are left out.
            let rooms = [("front", number < size), ("middle", number >= size / 2)];
            let rooms = rooms.into_iter().chain([("quiet", number % 3 == 0)]);
            for (room, _) in rooms.filter(|(_, member)| *member) {
                local.join(*key, room);
            }
        }
        let last = keys[2 * size - 1];
        let audience = Audience::everyone().to("front").to("middle").to("id-0");
        let audience = audience.except("quiet").except("id-1").except_socket(last);
        let mut heard = local.members(&audience);
        heard.sort_unstable();
        let expected = (0..2 * size - 1).filter(|number| number % 3 != 0 && *number != 1);
        assert_eq!(heard, expected.collect::<Vec<_>>(), "rooms of {size}");
    }
}
