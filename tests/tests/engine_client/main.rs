//! The connecting side of Engine.IO against our own server: what `engine.io-client` tests of itself (`connection.js`,
//! `socket.js`), and what happens where a server is slow, gone, or not what it should be.

mod connection;
mod garbage;
mod npm_2;
mod order;
mod polling;
mod revision_3;
mod script;
mod socket;
mod support;
mod upgrade;
mod websocket;
