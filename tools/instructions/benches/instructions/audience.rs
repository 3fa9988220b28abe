//! Who hears a broadcast, who comes and who goes.

use std::hint::black_box;

use adapter::Audience;
use gungraun::{library_benchmark, library_benchmark_group};
use sockeye_instructions::audience::{
    Namespace, empty_rooms, namespace, rooms_of_others, small_rooms,
};

/// A namespace and the audiences of its broadcasts.
type Broadcasts = (Namespace, Vec<Audience>);

#[library_benchmark]
#[bench::room_of_1000(thousand(|audience, _| audience))]
#[bench::rooms_of_10((namespace(), small_rooms()))]
#[bench::except_a_socket(thousand(|audience, namespace| audience.except_socket(namespace.key)))]
#[bench::except_a_room(thousand(|audience, _| audience.except("muted")))]
fn visit((namespace, audiences): Broadcasts) -> Broadcasts {
    for audience in &audiences {
        namespace.local.visit(black_box(audience), |member| {
            black_box(member);
        });
    }
    (namespace, audiences)
}

#[library_benchmark]
#[bench::rooms_of_others((namespace(), rooms_of_others()))]
#[bench::empty_rooms((namespace(), empty_rooms()))]
fn join_and_leave((namespace, rooms): (Namespace, Vec<String>)) -> (Namespace, Vec<String>) {
    for room in &rooms {
        assert!(namespace.local.join(namespace.key, black_box(room)));
    }
    for room in &rooms {
        assert!(namespace.local.leave(namespace.key, black_box(room)));
    }
    (namespace, rooms)
}

/// A broadcast to a room of a thousand, narrowed.
fn thousand(narrow: impl FnOnce(Audience, &Namespace) -> Audience) -> Broadcasts {
    let namespace = namespace();
    let audience = narrow(Audience::everyone().to("thousand"), &namespace);
    (namespace, vec![audience])
}

library_benchmark_group!(name = rooms, benchmarks = [visit, join_and_leave]);
