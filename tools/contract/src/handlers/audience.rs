//! Rooms, and events for many.

use sockeye::{Args, Data, Namespace, Result, Socket};

use super::Rooms;

pub(super) fn register(namespace: &Namespace) {
    namespace
        .on("join", join)
        .on("leave", leave)
        .on("rooms", rooms)
        .on("to-room", to_room)
        .on("in-room", in_room)
        .on("except-room", except_room)
        .on("broadcast", broadcast)
        .on("to-all", to_all)
        .on("count", count)
        .on("room-join", room_join)
        .on("disconnect-room", disconnect_room);
}

async fn join(socket: Socket, Data(rooms): Data<Rooms>) -> Result<bool> {
    socket.join(rooms.into_vec())?;
    Ok(true)
}

async fn leave(socket: Socket, Data(rooms): Data<Rooms>) -> Result<bool> {
    socket.leave(rooms.into_vec())?;
    Ok(true)
}

async fn rooms(socket: Socket) -> Vec<String> {
    let mut rooms = socket.rooms();
    rooms.sort();
    rooms
}

/// A room or a list, and an event; the third argument is passed on as it came.
type RoomAndEvent = Data<(Rooms, String)>;

async fn to_room(socket: Socket, Data((rooms, event)): RoomAndEvent, args: Args) -> Result<()> {
    socket.to(rooms.into_vec()).emit(&event, &argument(&args, 2))?;
    Ok(())
}

async fn in_room(
    namespace: Namespace,
    Data((rooms, event)): RoomAndEvent,
    args: Args,
) -> Result<()> {
    namespace.in_(rooms.into_vec()).emit(&event, &argument(&args, 2))?;
    Ok(())
}

async fn except_room(
    namespace: Namespace,
    Data((rooms, event)): RoomAndEvent,
    args: Args,
) -> Result<()> {
    namespace.except(rooms.into_vec()).emit(&event, &argument(&args, 2))?;
    Ok(())
}

async fn broadcast(socket: Socket, Data(event): Data<String>, args: Args) -> Result<()> {
    socket.broadcast().emit(&event, &argument(&args, 1))?;
    Ok(())
}

async fn to_all(namespace: Namespace, Data(event): Data<String>, args: Args) -> Result<()> {
    namespace.emit(&event, &argument(&args, 1))?;
    Ok(())
}

fn argument(args: &Args, index: usize) -> Args {
    args.get(index).unwrap_or_default()
}

async fn count(namespace: Namespace, Data((room,)): Data<(Option<String>,)>) -> Result<usize> {
    let sockets = match room {
        Some(room) => namespace.in_(room).fetch_sockets().await?,
        None => namespace.fetch_sockets().await?,
    };
    Ok(sockets.len())
}

async fn room_join(namespace: Namespace, Data((room, other)): Data<(Rooms, Rooms)>) -> bool {
    namespace.in_(room.into_vec()).sockets_join(other.into_vec());
    true
}

async fn disconnect_room(namespace: Namespace, Data(room): Data<Rooms>) {
    namespace.in_(room.into_vec()).disconnect_sockets(false);
}
