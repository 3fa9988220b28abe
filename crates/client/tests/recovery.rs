//! Going on where the last connection, or the last run of the client, had ended.

mod network;

use network::{Network, settle};
use sockeye::{Durability, Io};
use sockeye_client::FilePositions;

fn server() -> Io {
    let io = Io::builder().build().expect("a server");
    io.of("/").durable(Durability::Memory);
    io
}

#[tokio::test(start_paused = true)]
async fn a_socket_whose_connection_was_lost_is_recovered() {
    let network = Network::to(&server());
    let socket = network.client(|builder| builder).socket();
    socket.connect().await.unwrap();
    let id = socket.id();
    assert!(!socket.recovered());
    network.cut();
    settle().await;
    let mut state = socket.state();
    state.wait_for(sockeye_client::SocketState::is_connected).await.unwrap();
    assert!(socket.recovered());
    assert_eq!(socket.id(), id);
}

#[tokio::test]
async fn a_client_that_is_started_anew_is_recovered_where_its_position_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("positions.json");
    let network = Network::to(&server());
    let open = || FilePositions::open(&path).expect("it opens");

    let positions = open();
    let client = network.client(|builder| builder.positions(positions));
    let socket = client.socket();
    socket.connect().await.unwrap();
    let id = socket.id();
    network.down();
    drop((client, socket));
    // The file is written when the last of the client is gone, or a moment later.
    while !std::fs::read_to_string(&path).is_ok_and(|text| text.contains("pid")) {
        tokio::task::yield_now().await;
    }
    network.up();

    let client = network.client(|builder| builder.positions(open()));
    let socket = client.socket();
    socket.connect().await.unwrap();
    assert!(socket.recovered());
    assert_eq!(socket.id(), id);
}
