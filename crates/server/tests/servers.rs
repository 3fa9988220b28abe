//! Words from server to server, where there is one.

mod support;

use sockeye::EmitError;
use support::{Client, io, serve, with_sync};

#[tokio::test]
async fn a_server_that_is_alone_asks_the_others_and_has_no_answer_at_once() {
    let io = io(|io| io);
    io.of("/a").server_side_emit("hello", &(1, "two")).unwrap();
    let answers = io.server_side_emit_with_ack::<String>("who?", &()).await.unwrap();
    assert!(answers.answers.is_empty() && answers.is_complete());
}

#[tokio::test]
async fn what_is_said_to_other_servers_reaches_no_client() {
    let io = io(|io| io);
    with_sync(&io);
    let (mut client, _) = Client::join(serve(&io).await).await;
    io.server_side_emit("hello", &1).unwrap();
    client.sync().await;
}

#[tokio::test]
async fn what_a_server_announces_itself_is_nobody_s_event_between_servers() {
    let io = io(|io| io);
    for event in ["connect", "connection", "new_namespace", "disconnect"] {
        let error = io.server_side_emit(event, &()).unwrap_err();
        assert!(matches!(&error, EmitError::Reserved { event: named } if named == event));
        let error = io.server_side_emit_with_ack::<()>(event, &()).await.unwrap_err();
        assert!(matches!(error, EmitError::Reserved { .. }));
    }
}

#[tokio::test]
async fn the_sockets_of_this_server_are_those_that_are_connected() {
    let io = io(|io| io);
    let address = serve(&io).await;
    let (_first, id) = Client::join(address).await;
    let (_second, other) = Client::join(address).await;
    let ids = || {
        let mut ids: Vec<_> = io.sockets().iter().map(|one| one.id().to_owned()).collect();
        ids.sort_unstable();
        ids
    };
    let mut both = vec![id.clone(), other.clone()];
    both.sort_unstable();
    assert_eq!(ids(), both);
    io.socket(&id).unwrap().disconnect(false);
    assert_eq!(ids(), [other]);
    assert!(io.of("/empty").sockets().is_empty());
}
