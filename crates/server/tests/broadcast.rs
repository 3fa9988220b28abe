//! Reaching many: rooms, exceptions, answers of a room, and what can be done with all of them.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use sockeye::{AckError, Args, EmitError, Result, Socket};
use support::{Client, clients, io, serve, soon, with_sync};

/// What a client has received so far.
async fn heard(client: &mut Client) -> Vec<String> {
    client.send("42999[\"sync\"]").await;
    let mut heard = Vec::new();
    loop {
        match client.text().await {
            packet if packet == "43999[]" => return heard,
            packet => heard.push(packet),
        }
    }
}

#[tokio::test]
async fn rooms_are_united_and_everybody_hears_it_once() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let [(mut a, sa), (mut b, sb), (mut c, _)] = clients(&io, address).await;
    sa.join(["red", "blue"]).unwrap();
    sb.join("blue").unwrap();
    assert_eq!(io.to(["red", "blue"]).emit("x", &1).unwrap().recipients(), 2);
    assert_eq!(heard(&mut a).await, ["42[\"x\",1]"]);
    assert_eq!(heard(&mut b).await, ["42[\"x\",1]"]);
    assert!(heard(&mut c).await.is_empty());
}

#[tokio::test]
async fn a_socket_s_words_leave_it_out_and_the_server_s_do_not() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let [(mut a, sa), (mut b, sb), (mut c, _)] = clients(&io, address).await;
    io.sockets_join("all");
    sb.leave("all").unwrap();
    sa.to("all").emit("to", &()).unwrap();
    sa.broadcast().emit("broadcast", &()).unwrap();
    sa.except("all").emit("except", &()).unwrap();
    io.in_("all").emit("in", &()).unwrap();
    io.except("all").emit("outside", &()).unwrap();
    io.to("all").except_socket(&sa).emit("not a", &()).unwrap();
    assert_eq!(heard(&mut a).await, ["42[\"in\"]"]);
    assert_eq!(heard(&mut b).await, ["42[\"broadcast\"]", "42[\"except\"]", "42[\"outside\"]"]);
    assert_eq!(
        heard(&mut c).await,
        ["42[\"to\"]", "42[\"broadcast\"]", "42[\"in\"]", "42[\"not a\"]"]
    );
}

#[tokio::test]
async fn the_id_of_a_socket_is_a_room() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let [(mut a, sa), (mut b, sb)] = clients(&io, address).await;
    sa.to(sb.id()).emit("private", "hello").unwrap();
    io.except(sa.id()).emit("others", &()).unwrap();
    assert!(heard(&mut a).await.is_empty());
    assert_eq!(heard(&mut b).await, ["42[\"private\",\"hello\"]", "42[\"others\"]"]);
    assert!(sa.rooms().is_empty(), "it is not among the rooms");
}

#[tokio::test]
async fn namespaces_do_not_hear_each_other() {
    let io = io(|io| io);
    io.of("/other");
    with_sync(&io);
    let (mut client, _) = Client::join(serve(&io).await).await;
    client.connect("/other", "").await;
    io.of("other").emit("x", &()).unwrap();
    io.emit("y", &()).unwrap();
    assert_eq!(heard(&mut client).await, ["42/other,[\"x\"]", "42[\"y\"]"]);
}

#[tokio::test]
async fn volatile_events_reach_a_client_that_is_ready_in_order() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let [(mut client, socket)] = clients(&io, address).await;
    io.of("/").on("go", async |socket: Socket| -> Result<()> {
        for n in 0..3 {
            socket.volatile().emit("vol", &n)?;
        }
        socket.emit("end", &())?;
        Ok(())
    });
    client.send("42[\"go\"]").await;
    let heard = heard(&mut client).await;
    assert_eq!(heard.last().unwrap(), "42[\"end\"]");
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1] || pair[1].contains("end")));
    drop(socket);
}

#[tokio::test]
async fn reserved_names_and_unsendable_arguments_are_errors_that_name_the_event() {
    let io = io(|io| io);
    let error = io.emit("connect", &()).unwrap_err();
    assert!(matches!(&error, EmitError::Reserved { event } if event == "connect"));
    let args = Args::new(&1).unwrap();
    assert!(matches!(io.emit("disconnect", &args), Err(EmitError::Reserved { .. })));
    let bad = std::collections::HashMap::from([((1, 2), 3)]);
    let error = io.emit("map", &bad).unwrap_err();
    assert!(error.to_string().contains("`map`"), "{error}");
    let answers = io.emit_with_ack::<u8>("connect", &()).await;
    assert!(matches!(answers.error, Some(EmitError::Reserved { .. })));
}

#[tokio::test]
async fn a_room_that_is_asked_answers_as_a_stream_and_as_a_whole() {
    let io = io(|io| io);
    let address = serve(&io).await;
    let [(mut a, sa), (mut b, _)] = clients(&io, address).await;
    let mut stream = io.emit_with_ack::<String>("who", &());
    assert_eq!(stream.asked(), 2);
    a.expect("420[\"who\"]").await;
    b.expect("420[\"who\"]").await; // one id serves the room
    a.send("430[\"Ada\"]").await;
    let first = soon(stream.next()).await.unwrap();
    assert_eq!((first.socket.as_str(), first.result.unwrap().as_str()), (sa.id(), "Ada"));
    b.send("430[7]").await;
    let second = soon(stream.next()).await.unwrap();
    assert!(matches!(second.result, Err(AckError::Answer { .. })));
    assert!(soon(stream.next()).await.is_none());

    let nobody = soon(async { io.to("nowhere").emit_with_ack::<u8>("who", &()).await }).await;
    assert!(nobody.is_complete() && nobody.answers.is_empty());
}

#[tokio::test]
async fn at_the_timeout_the_answers_that_came_are_given_and_the_silent_are_named() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let [(mut a, _), (mut b, sb), (mut c, sc)] = clients(&io, address).await;
    let question = io.timeout(Duration::from_millis(300)).emit_with_ack::<Args>("who", &());
    a.expect("420[\"who\"]").await;
    a.send("430[1,2]").await;
    b.expect("420[\"who\"]").await;
    c.expect("420[\"who\"]").await;
    c.send("41").await;
    let answers = soon(async { question.await }).await;
    assert!(!answers.is_complete());
    let failed: Vec<_> = answers.failed.iter().map(|(id, error)| (id.as_str(), error)).collect();
    assert!(failed.iter().any(|(id, e)| *id == sb.id() && matches!(e, AckError::Timeout { .. })));
    assert!(
        failed.iter().any(|(id, e)| *id == sc.id() && matches!(e, AckError::Disconnected { .. }))
    );
    assert_eq!(answers.into_values()[0].json(), "1,2");
    b.send("430[9]").await; // too late: ignored
    assert!(heard(&mut b).await.is_empty());
}

#[tokio::test]
async fn fetched_sockets_show_rooms_and_data_and_can_be_reached() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let [(mut a, sa), (_b, _)] = clients(&io, address).await;
    sa.join(["x", "y"]).unwrap();
    sa.data().set("Ada").unwrap();
    let fetched = io.to("x").fetch_sockets().await.unwrap();
    assert_eq!(fetched.len(), 1);
    assert_eq!(fetched[0].id(), sa.id());
    assert_eq!(fetched[0].rooms().iter().collect::<BTreeSet<_>>().len(), 2);
    assert_eq!(fetched[0].data::<String>().unwrap().unwrap(), "Ada");
    assert!(fetched[0].header("host").is_some() && fetched[0].address().is_some());
    fetched[0].emit("hi", &()).unwrap();
    fetched[0].leave("x").unwrap();
    assert_eq!(heard(&mut a).await, ["42[\"hi\"]"]);
    assert_eq!(io.to("x").count().await.unwrap(), 0);
    assert_eq!(io.count().await.unwrap(), 2);
}

#[tokio::test]
async fn all_sockets_of_a_room_join_leave_and_are_disconnected() {
    let io = io(|io| io);
    with_sync(&io);
    let address = serve(&io).await;
    let [(mut a, sa), (mut b, _)] = clients(&io, address).await;
    sa.join("one").unwrap();
    io.to("one").sockets_join(["two", "three"]);
    assert_eq!(io.to("three").count().await.unwrap(), 1);
    io.to("one").sockets_leave("two");
    assert_eq!(io.to("two").count().await.unwrap(), 0);
    io.to("three").disconnect_sockets(false);
    a.expect("41").await;
    assert!(heard(&mut b).await.is_empty());
    assert_eq!(io.count().await.unwrap(), 1);
}

#[tokio::test]
async fn attachments_reach_a_whole_room() {
    let io = io(|io| io);
    let address = serve(&io).await;
    let [(mut a, _), (mut b, _)] = clients(&io, address).await;
    io.emit("file", &("name", bytes::Bytes::from_static(&[1, 2, 3]))).unwrap();
    for client in [&mut a, &mut b] {
        client.expect(r#"451-["file","name",{"_placeholder":true,"num":0}]"#).await;
        assert_eq!(client.binary().await, [1, 2, 3]);
    }
}
