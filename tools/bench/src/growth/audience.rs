//! In this process: who is meant by one room, by ten, and by a room with exclusions, in a large namespace.

use std::hint::black_box;

use adapter::{Audience, Key, Local};

use super::chart::{Chart, Curve, count};
use super::{Plan, nanos_each};

const SIZES: [u64; 9] = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000];
/// Sockets of the namespace, whoever of them is meant.
const SOCKETS: usize = 200_000;
/// Members of a room stand far from each other: this and [`SOCKETS`] have no divisor in common.
const STRIDE: usize = 7919;
/// Recipients of one round, of one walk at least.
const RECIPIENTS: usize = 100_000;

/// What is said about the audience.
#[derive(Clone, Copy)]
enum Words {
    OneRoom,
    TenParts,
    ExceptSockets,
    ExceptRoom,
    TenTimesTheSame,
}

const WORDS: [Words; 5] = [
    Words::OneRoom,
    Words::TenParts,
    Words::ExceptSockets,
    Words::ExceptRoom,
    Words::TenTimesTheSame,
];

impl Words {
    fn name(self) -> &'static str {
        match self {
            Self::OneRoom => "one room",
            Self::TenParts => "ten rooms, a tenth each",
            Self::ExceptSockets => "a room but ten sockets",
            Self::ExceptRoom => "a room but half of it",
            Self::TenTimesTheSame => "ten rooms, all the same",
        }
    }

    /// Lets sockets join what is named, and names it: `size` of them are meant.
    fn prepare(self, crowd: &Crowd, size: usize) -> Audience {
        let name = |room: usize| format!("{}-{size}-{room}", self.name());
        let to_ten = || (0..10).fold(Audience::everyone(), |all, room| all.to(name(room)));
        match self {
            Self::OneRoom => {
                crowd.join(0..size, &name(0));
                Audience::everyone().to(name(0))
            }
            Self::TenParts => {
                for room in 0..10 {
                    crowd.join(size * room / 10..size * (room + 1) / 10, &name(room));
                }
                to_ten()
            }
            Self::ExceptSockets => {
                crowd.join(0..size + 10, &name(0));
                let all = Audience::everyone().to(name(0));
                (0..10).fold(all, |all, place| all.except_socket(crowd.at(place)))
            }
            Self::ExceptRoom => {
                crowd.join(0..2 * size, &name(0));
                crowd.join(0..size, &name(1));
                Audience::everyone().to(name(0)).except(name(1))
            }
            Self::TenTimesTheSame => {
                (0..10).for_each(|room| crowd.join(0..size, &name(room)));
                to_ten()
            }
        }
    }
}

/// A namespace full of sockets.
struct Crowd {
    local: Local<u64>,
    keys: Vec<Key>,
}

impl Crowd {
    fn new() -> Self {
        let local = Local::new();
        let keys = (0..SOCKETS).map(|n| local.add(&format!("socket-{n:08}"), n as u64)).collect();
        Self { local, keys }
    }

    fn at(&self, place: usize) -> Key {
        self.keys[place * STRIDE % SOCKETS]
    }

    fn join(&self, places: std::ops::Range<usize>, room: &str) {
        for place in places {
            assert!(self.local.join(self.at(place), room), "nobody is gone");
        }
    }

    /// Nanoseconds for each recipient.
    fn measure(&self, words: Words, size: usize, rounds: usize) -> Option<f64> {
        let audience = words.prepare(self, size);
        assert_eq!(self.local.count(&audience), size, "{}", words.name());
        let walks = RECIPIENTS.div_ceil(size);
        nanos_each(rounds, (walks * size) as u64, || {
            for _ in 0..walks {
                let mut sum = 0;
                self.local.visit(&audience, |member| sum ^= *member);
                black_box(sum);
            }
        })
    }
}

/// The curves, one for each way to name an audience.
pub fn chart(plan: Plan) -> Chart {
    let crowd = Crowd::new();
    let curve = |words: Words| {
        let each = |size| {
            let members = usize::try_from(size).expect("a hundred thousand fits");
            Some((size, crowd.measure(words, members, plan.in_process())?))
        };
        let points = plan.sizes(&SIZES).into_iter().filter_map(each).collect();
        Curve { name: words.name().to_owned(), points }
    };
    Chart {
        file: "growth-audience",
        title: "To find out who is meant",
        measured: vec![
            format!(
                "In process, on the room index alone (adapter::Local::visit), in a namespace of {} sockets.",
                count(SOCKETS as u64)
            ),
            format!("Nothing is sent. Thread CPU time, median of {}.", plan.in_process()),
        ],
        x: "recipients",
        y: "ns per recipient",
        curves: WORDS.into_iter().map(curve).collect(),
    }
}
