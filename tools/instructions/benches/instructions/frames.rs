//! Frames in and out.

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group};
use sockeye_instructions::frames::{KEY, heads, large_frame, small_frames, text};
use websocket_proto::{Opcode, Receiver, mask, write_frame_head};

#[library_benchmark]
#[bench::sixteen_small_frames(small_frames())]
#[bench::one_frame_of_64_kib(large_frame())]
fn receive((mut receiver, mut wire): (Receiver, Vec<u8>)) -> (Receiver, Vec<u8>) {
    let mut incoming = receiver.receive(black_box(&mut wire));
    while let Some(event) = incoming.next().expect("the frames are right") {
        black_box(event);
    }
    (receiver, wire)
}

#[library_benchmark]
#[bench::of_4_kib(text(4096))]
fn unmask(mut payload: Vec<u8>) -> Vec<u8> {
    mask::apply(black_box(KEY), 0, black_box(&mut payload));
    payload
}

#[library_benchmark]
#[bench::of_each_length(heads())]
fn write_heads(mut heads: [(Vec<u8>, usize); 3]) -> [(Vec<u8>, usize); 3] {
    for (room, payload) in &mut heads {
        black_box(write_frame_head(black_box(room), Opcode::Text, *payload));
    }
    heads
}

library_benchmark_group!(name = websocket, benchmarks = [receive, unmask, write_heads]);
