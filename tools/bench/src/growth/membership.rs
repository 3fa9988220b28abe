//! In this process: somebody leaves a room and joins it again, while a thousand to a million memberships exist.

use std::hint::black_box;

use adapter::{Key, Local};

use super::chart::{Chart, Curve, count};
use super::{Dice, Plan, nanos_each};

const SIZES: [u64; 7] = [1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
/// Moves of one round.
const MOVES: usize = 20_000;

/// How the memberships are spread; sockets and rooms by number.
#[derive(Clone, Copy)]
enum Shape {
    /// Many rooms of ten, every socket in ten of them.
    ManyRooms,
    /// The same, and it is always the same hundred who move: what caches hide, and what they do not.
    FewMove,
    /// Ten rooms, every socket in each of them.
    LargeRooms,
    /// Ten sockets, each of them in all of many rooms.
    FewSockets,
}

const SHAPES: [Shape; 4] = [Shape::ManyRooms, Shape::LargeRooms, Shape::FewSockets, Shape::FewMove];

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::ManyRooms => "rooms of ten members",
            Self::FewMove => "the same hundred move",
            Self::LargeRooms => "ten rooms with everybody",
            Self::FewSockets => "ten sockets in every room",
        }
    }

    /// How many sockets `memberships` need.
    fn sockets(self, memberships: usize) -> usize {
        match self {
            Self::ManyRooms | Self::LargeRooms | Self::FewMove => memberships / 10,
            Self::FewSockets => 10,
        }
    }

    /// How many rooms one socket is in.
    fn rooms_each(self, memberships: usize) -> usize {
        memberships / self.sockets(memberships)
    }

    /// How many different moves there are.
    fn moves(self) -> usize {
        match self {
            Self::FewMove => 100,
            _ => MOVES,
        }
    }

    /// The number of a socket's room.
    fn room(self, socket: usize, turn: usize) -> usize {
        match self {
            Self::ManyRooms | Self::FewMove => socket / 10 * 10 + turn,
            Self::LargeRooms | Self::FewSockets => turn,
        }
    }
}

/// The curves, one for each way to spread memberships.
pub fn chart(plan: Plan) -> Chart {
    let curve = |shape: Shape| {
        let each = |size| {
            let memberships = usize::try_from(size).expect("a million fits");
            Some((size, measure(shape, memberships, plan.in_process())?))
        };
        let points = plan.sizes(&SIZES).into_iter().filter_map(each).collect();
        Curve { name: shape.name().to_owned(), points }
    };
    Chart {
        file: "growth-membership",
        title: "To leave a room and to join it again",
        measured: vec![
            format!(
                "In process, on the room index alone (adapter::Local): {} random members leave and join again.",
                count(MOVES as u64)
            ),
            format!(
                "Thread CPU time, median of {}. The fewer move, the more of what they need is in the caches.",
                plan.in_process()
            ),
        ],
        x: "memberships that exist",
        y: "ns for both",
        curves: SHAPES.into_iter().map(curve).collect(),
    }
}

fn measure(shape: Shape, memberships: usize, rounds: usize) -> Option<f64> {
    let local: Local<usize> = Local::new();
    let sockets: Vec<Key> = (0..shape.sockets(memberships))
        .map(|socket| local.add(&format!("socket-{socket:08}"), socket))
        .collect();
    let each = shape.rooms_each(memberships);
    for (socket, &key) in sockets.iter().enumerate() {
        for turn in 0..each {
            assert!(local.join(key, &name(shape.room(socket, turn))), "nobody is gone");
        }
    }
    let mut dice = Dice::new();
    let moves: Vec<(Key, String)> = (0..shape.moves())
        .map(|_| {
            let socket = dice.roll(sockets.len());
            (sockets[socket], name(shape.room(socket, dice.roll(each))))
        })
        .collect();
    nanos_each(rounds, MOVES as u64, || {
        for (key, room) in moves.iter().cycle().take(MOVES) {
            let moved = local.leave(*key, room) && local.join(*key, room);
            assert!(black_box(moved), "everybody is where they were put");
        }
    })
}

fn name(room: usize) -> String {
    format!("room-{room:08}")
}
