//! Who takes part, and who is left out. Nothing is installed here.

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use sockeye_bench::peers::{Choice, Lineup, Peer, Places};
use sockeye_bench::report::{self, Frame};

/// Where there are neither sources nor anything installed.
fn nowhere() -> Places {
    let nowhere = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    Places { root: nowhere.clone(), target: nowhere.clone(), bench: nowhere }
}

#[test]
fn nobody_named_means_the_usual_four() {
    assert_eq!(Choice::peers(&[]), Peer::USUAL);
    assert_eq!(
        Peer::USUAL.map(|peer| peer.to_string()),
        ["sockeye", "floor", "socket.io", "socketioxide"]
    );
}

#[test]
fn all_means_every_one_in_the_order_of_the_table() {
    assert_eq!(Choice::peers(&[Choice::All]), Peer::ALL);
    assert_eq!(Choice::peers(&[Choice::One(Peer::Bun), Choice::All]), Peer::ALL);
}

#[test]
fn everybody_can_be_named() {
    for peer in Peer::ALL {
        let word = peer.to_possible_value().unwrap();
        assert_eq!(Choice::from_str(word.get_name(), false), Ok(Choice::One(peer)));
    }
    assert_eq!(Choice::from_str("all", false), Ok(Choice::All));
    assert!(Choice::from_str("before", false).is_err());
}

#[test]
fn a_guest_that_cannot_be_installed_is_named_with_the_reason_and_left_out() {
    let guests =
        Peer::ALL.into_iter().filter(|peer| peer.is_guest() && *peer != Peer::Socketioxide);
    let Lineup { servers, left_out } = nowhere().lineup(guests).unwrap();
    assert!(servers.is_empty());
    assert_eq!(
        left_out.iter().map(|out| out.peer).collect::<Vec<_>>(),
        [Peer::Socketio, Peer::SocketioUws, Peer::Bun, Peer::Python]
    );
    let frame = Frame { machine: "", command: "", method: "", servers: &[], left_out: &left_out };
    let report = report::markdown(&[], &frame);
    let line = report.lines().find(|line| line.starts_with("- bun is left out: "));
    assert!(line.is_some_and(|line| line.contains("package-lock.json")), "{report}");
}

#[test]
fn our_own_servers_are_never_left_out() {
    assert!(nowhere().lineup([Peer::Sockeye]).is_err());
    assert_eq!(nowhere().lineup([Peer::Floor]).unwrap().servers.len(), 1);
}

#[test]
fn every_peer_that_npm_installs_keeps_addresses_out_of_its_lock() {
    for name in ["node", "uws", "bun"] {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name);
        let settings = fs::read_to_string(place.join(".npmrc")).unwrap();
        assert!(settings.contains("omit-lockfile-registry-resolved=true"), "{name}");
    }
}
