//! Frames as a client sends them: masked.

use websocket_proto::{Limits, Opcode, Receiver, Role, push_frame};

/// The key of every frame.
pub const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// How many small frames come in one read.
pub const SMALL_FRAMES: usize = 16;

/// A server's half of a connection, and small events that were read in one go.
pub fn small_frames() -> (Receiver, Vec<u8>) {
    let mut wire = Vec::new();
    for number in 10..10 + SMALL_FRAMES {
        let event = format!(r#"42["echo",{{"n":{number},"text":"hello"}}]"#);
        push_frame(&mut wire, Opcode::Text, true, Some(KEY), event.as_bytes());
    }
    (server(), wire)
}

/// A server's half of a connection, and one text of 64 KiB.
pub fn large_frame() -> (Receiver, Vec<u8>) {
    let mut wire = Vec::new();
    push_frame(&mut wire, Opcode::Text, true, Some(KEY), &text(64 * 1024));
    (server(), wire)
}

/// So many bytes of text.
pub fn text(bytes: usize) -> Vec<u8> {
    b"the quick brown fox ".iter().copied().cycle().take(bytes).collect()
}

/// Room for a head in front of a payload of so many bytes, for each length of heads.
pub fn heads() -> [(Vec<u8>, usize); 3] {
    [32, 1024, 64 * 1024].map(|payload| (vec![0; websocket_proto::SERVER_HEAD], payload))
}

fn server() -> Receiver {
    Receiver::new(Role::Server, Limits::default())
}
