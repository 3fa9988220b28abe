//! What can be asked of something that was sent, in a namespace without a log.

mod support;

use sockeye::{DeliveryError, EmitError, Io, Socket};
use support::{Client, io, serve, with_sync};

async fn pair(io: &Io) -> (Client, Socket) {
    let (client, id) = Client::join(serve(io).await).await;
    (client, io.socket(&id).unwrap())
}

#[tokio::test]
async fn without_a_log_it_is_stored_at_once_and_has_no_position() {
    let io = io(|io| io);
    let (mut client, socket) = pair(&io).await;
    assert_eq!(socket.emit("one", &()).unwrap().stored().await.unwrap(), None);
    assert_eq!(io.emit("many", &()).unwrap().stored().await.unwrap(), None);
    socket.join("room").unwrap().stored().await.unwrap();
    io.sockets_leave("room").stored().await.unwrap();
    client.expect("42[\"one\"]").await;
    client.expect("42[\"many\"]").await;
}

#[tokio::test]
async fn without_a_log_nobody_confirms_and_no_number_is_invented() {
    let io = io(|io| io);
    let (mut client, socket) = pair(&io).await;
    for emitted in [socket.emit("x", &()).unwrap(), io.emit("x", &()).unwrap()] {
        assert_eq!(emitted.recipients(), 1);
        let error = emitted.delivered().await.unwrap_err();
        assert_eq!(error, DeliveryError::NoReceipts);
        assert!(error.to_string().contains("no log"), "{error}");
        client.expect("42[\"x\"]").await; // it was sent all the same
    }
}

#[tokio::test]
async fn what_is_emitted_when_ready_is_sent_before_it_is_awaited() {
    let io = io(|io| io);
    with_sync(&io);
    let (mut client, socket) = pair(&io).await;
    let one = socket.emit_when_ready("one", &1);
    let many = io.to(socket.id()).emit_when_ready("many", &(2, "b"));
    client.expect("42[\"one\",1]").await;
    client.expect("42[\"many\",2,\"b\"]").await;
    assert_eq!(one.await.unwrap().recipients(), 1);
    assert_eq!(many.await.unwrap().recipients(), 1);
    client.sync().await; // once each

    let error = socket.emit_when_ready("connect", &()).await.unwrap_err();
    assert!(matches!(error, EmitError::Reserved { event } if event == "connect"));
    socket.disconnect(false);
    let error = socket.emit_when_ready("late", &()).await.unwrap_err();
    assert!(matches!(error, EmitError::NotConnected { .. }));
}

#[tokio::test]
async fn in_one_process_local_means_everybody() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let (mut here, id) = Client::join(address).await;
    let (mut there, _) = Client::join(address).await;
    let socket = io.socket(&id).unwrap();
    socket.join("room").unwrap();
    assert_eq!(io.local().emit("all", &()).unwrap().recipients(), 2);
    assert_eq!(io.to("room").local().emit("room", &()).unwrap().recipients(), 1);
    assert_eq!(socket.local().emit("others", &()).unwrap().recipients(), 1);
    assert_eq!(io.of("/").local().count().await.unwrap(), 2);
    here.expect("42[\"all\"]").await;
    here.expect("42[\"room\"]").await;
    here.sync().await;
    there.expect("42[\"all\"]").await;
    there.expect("42[\"others\"]").await;
    there.sync().await;
}
