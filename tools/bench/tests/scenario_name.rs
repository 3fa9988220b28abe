//! Scenarios as words.

use sockeye_bench::scenario::name::{Kind, Load, Scenario};

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn names(scenarios: &[Scenario]) -> Vec<String> {
    scenarios.iter().map(ToString::to_string).collect()
}

#[test]
fn a_name_says_everything_about_its_scenario() {
    let echo =
        Scenario::Talk { kind: Kind::Echo, links: 100, load: Load::InFlight(16), payload: 1024 };
    assert_eq!("echo-100x16-1KiB".parse(), Ok(echo));
    let open =
        Scenario::Talk { kind: Kind::Ack, links: 100, load: Load::PerSecond(5000), payload: 32 };
    assert_eq!("ack-100@5k/s-32B".parse(), Ok(open));
    let broadcast = Scenario::Broadcast { recipients: 5000, load: Load::InFlight(8) };
    assert_eq!("bcast-5k-k8".parse(), Ok(broadcast));
    assert_eq!("rooms-100x10".parse(), Ok(Scenario::Rooms { rooms: 100, members: 10 }));
    let room = Scenario::Room { members: 10_000, window: 8 };
    assert_eq!("room-10k-k8".parse(), Ok(room));
    let namespaces = Scenario::Namespaces { links: 100, window: 16, namespaces: 1000 };
    assert_eq!("nsps-100x16-1k".parse(), Ok(namespaces));
    assert_eq!(namespaces.variables(), [("NAMESPACES", "1000".to_owned())]);
    assert_eq!("poll-100".parse(), Ok(Scenario::Polling { clients: 100 }));
    assert_eq!("idle-10k".parse(), Ok(Scenario::Idle { links: 10_000 }));
}

#[test]
fn every_scenario_is_found_again_by_its_name() {
    let curves = ["room-10-k1", "nsps-100x16-3"].map(|name| name.parse().unwrap());
    for scenario in Scenario::every().into_iter().chain(Scenario::quick()).chain(curves) {
        assert_eq!(scenario.to_string().parse(), Ok(scenario));
    }
}

#[test]
fn every_scenario_of_the_profile_is_there() {
    let every = names(&Scenario::every());
    for links in [1, 100, 1000] {
        for window in [1, 16] {
            assert!(every.contains(&format!("echo-{links}x{window}-32B")));
            assert!(every.contains(&format!("echo-{links}x{window}-1KiB")));
            assert!(every.contains(&format!("ack-{links}x{window}-32B")));
        }
    }
    let others = [
        "echo-100@5000/s-32B",
        "bcast-1000-k1",
        "bcast-1000-k8",
        "bcast-5000-k1",
        "bcast-5000-k8",
        "bcast-1000@20/s",
        "rooms-100x10",
        "bin-100x16-1KiB",
        "poll-100",
        "idle-10000",
    ];
    assert!(others.iter().all(|name| every.contains(&(*name).to_owned())), "{every:?}");
}

#[test]
fn the_beginning_of_names_selects_a_family_and_nothing_is_selected_twice() {
    let chosen = Scenario::select(&words(&["rooms", "bcast-1000", "rooms-100x10"])).unwrap();
    let expected = ["rooms-100x10", "bcast-1000-k1", "bcast-1000-k8", "bcast-1000@20/s"];
    assert_eq!(names(&chosen), expected);
}

#[test]
fn a_load_without_bounds_is_refused() {
    let refused = [
        "echo-0x1-32B",
        "echo-30kx1-32B",
        "echo-100x65-32B",
        "echo-100x16-1B",
        "echo-100x16-1000KiB",
        "echo-100@0/s-32B",
        "rooms-1000x1000",
        "rooms-100x101",
        "rooms-0x10",
        "room-10-k65",
        "room-30k-k1",
        "nsps-10x16-601",
        "nsps-10x16-0",
        "nsps-0x16-1",
        "nsps-10x65-10",
        "idle-1000k",
    ];
    for name in refused {
        assert!(name.parse::<Scenario>().is_err(), "{name}");
    }
}

#[test]
fn an_unknown_word_is_answered_with_what_names_look_like() {
    let refused = [
        "echo",
        "echo-1x1",
        "echo-1x1-32B-x",
        "bcast-10",
        "poll-1-1",
        "room-10",
        "nsps-1x1",
        "sing-1x1-32B",
        "",
    ];
    for name in refused {
        let error = name.parse::<Scenario>().unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")) && error.contains("rooms-100x10"), "{error}");
    }
    assert!(Scenario::select(&words(&["sing"])).is_err());
}
