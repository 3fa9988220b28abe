//! The client against servers that are not ours, and against ours: the same scenarios everywhere, by every transport, in
//! every codec.

mod audience;
mod hear;
mod life;
mod place;
mod talk;

use sockeye_tests::DEADLINE;
use sockeye_tests::server::Kind;

use place::{Carrier, Place, Row};

/// Each row is a test.
macro_rules! rows {
    ($($name:ident: $kind:ident $carrier:ident $msgpack:literal;)*) => { $(
        #[tokio::test]
        async fn $name() {
            everything(Row { kind: Kind::$kind, carrier: Carrier::$carrier, msgpack: $msgpack }).await;
        }
    )* };
}

rows! {
    our_server_is_spoken_to_by_polling: Sockeye Polling false;
    our_server_is_spoken_to_by_websocket: Sockeye WebSocket false;
    our_server_is_spoken_to_across_the_upgrade: Sockeye Upgrade false;
    our_server_is_spoken_to_in_messagepack_by_polling: Sockeye Polling true;
    our_server_is_spoken_to_in_messagepack_by_websocket: Sockeye WebSocket true;
    our_server_is_spoken_to_in_messagepack_across_the_upgrade: Sockeye Upgrade true;
    npm_socket_io_4_is_spoken_to_by_polling: Npm Polling false;
    npm_socket_io_4_is_spoken_to_by_websocket: Npm WebSocket false;
    npm_socket_io_4_is_spoken_to_across_the_upgrade: Npm Upgrade false;
    npm_socket_io_4_is_spoken_to_in_messagepack_by_polling: Npm Polling true;
    npm_socket_io_4_is_spoken_to_in_messagepack_by_websocket: Npm WebSocket true;
    npm_socket_io_4_is_spoken_to_in_messagepack_across_the_upgrade: Npm Upgrade true;
    npm_socket_io_2_is_spoken_to_by_polling: Npm2 Polling false;
    npm_socket_io_2_is_spoken_to_by_websocket: Npm2 WebSocket false;
    npm_socket_io_2_is_spoken_to_across_the_upgrade: Npm2 Upgrade false;
    python_socketio_is_spoken_to_by_polling: Python Polling false;
    python_socketio_is_spoken_to_by_websocket: Python WebSocket false;
    python_socketio_is_spoken_to_across_the_upgrade: Python Upgrade false;
    python_socketio_is_spoken_to_in_messagepack_by_polling: Python Polling true;
    python_socketio_is_spoken_to_in_messagepack_by_websocket: Python WebSocket true;
    python_socketio_is_spoken_to_in_messagepack_across_the_upgrade: Python Upgrade true;
}

/// Runs scenarios one after the other, and says which one it is that fails.
macro_rules! scenarios {
    ($place:ident: $($module:ident::$name:ident,)*) => { $(
        println!("{:?}: {}", $place.row, stringify!($name));
        let ended = tokio::time::timeout(DEADLINE, Box::pin($module::$name(&$place))).await;
        assert!(ended.is_ok(), "{:?}: {} hangs", $place.row, stringify!($name));
    )* };
}

async fn everything(row: Row) {
    let Some(place) = Place::open(row) else {
        return;
    };
    scenarios! { place:
        talk::answers_have_bytes_wherever_they_stand,
        talk::answers_have_as_many_arguments_as_they_have,
        talk::each_of_many_questions_gets_its_own_answer,
        talk::what_is_said_arrives_in_order_and_once,
        talk::large_texts_and_bytes_pass_both_ways,
        hear::arguments_of_every_kind_come_back,
        hear::bytes_come_back_between_texts,
        hear::the_server_asks_and_is_answered,
        hear::a_burst_arrives_in_order,
        audience::rooms_hear_what_is_said_to_them,
        audience::all_others_hear_a_broadcast,
        life::the_server_knows_what_was_said_at_the_handshake,
        life::the_transport_is_the_one_that_was_asked_for,
        life::namespaces_share_a_connection_and_nothing_else,
        life::who_is_not_authorized_is_told_why,
        life::who_knows_the_secret_is_let_in,
        life::a_namespace_that_nobody_knows_refuses,
        life::who_is_kicked_out_stays_out_until_asked,
        life::a_lost_transport_is_replaced_and_nothing_is_forgotten,
        life::who_leaves_may_come_back,
        life::who_leaves_a_namespace_may_come_back_to_it,
    }
}
