//! A client of a durable namespace, as the official one behaves: it keeps its secret and the last token, and says
//! both when it comes back.

use std::net::SocketAddr;

use serde_json::Value;
use sockeye::{Durability, Io};

use super::{Client, with_sync};

pub struct Guest {
    pub client: Client,
    pub address: SocketAddr,
    /// The namespace, as packets name it: nothing, or a name and a comma.
    pub place: String,
    pub id: String,
    pub pid: String,
    pub offset: Option<String>,
    /// Events that came, without their tokens.
    pub heard: Vec<Value>,
}

/// A server whose main namespace is durable, in memory.
pub fn durable(io: &Io) {
    io.of("/").durable(Durability::Memory);
    with_sync(io);
}

impl Guest {
    pub async fn join(address: SocketAddr) -> Guest {
        Guest::open_as(address, "").await
    }

    /// Joins for the first time, and says this.
    pub async fn open_as(address: SocketAddr, auth: &str) -> Guest {
        Guest::open_in(address, "/", auth).await
    }

    /// The same in another namespace.
    pub async fn open_in(address: SocketAddr, namespace: &str, auth: &str) -> Guest {
        let place = if namespace == "/" { String::new() } else { format!("{namespace},") };
        let mut client = Client::open(address).await;
        client.send(&format!("40{place}{auth}")).await;
        let mut guest = Guest {
            client,
            address,
            place,
            id: String::new(),
            pid: String::new(),
            offset: None,
            heard: Vec::new(),
        };
        guest.welcome().await;
        guest
    }

    /// Comes back on another connection; the last one may still be there. Whether it is recovered.
    pub async fn come_back(&mut self) -> bool {
        let offset = self
            .offset
            .as_ref()
            .map_or_else(String::new, |offset| format!(",\"offset\":\"{offset}\""));
        let auth = format!("{{\"pid\":\"{}\"{offset}}}", self.pid);
        self.come_as(&auth).await
    }

    /// Comes back and says this.
    pub async fn come_as(&mut self, auth: &str) -> bool {
        self.client = Client::open(self.address).await;
        self.client.send(&format!("40{}{auth}", self.place)).await;
        let before = std::mem::take(&mut self.pid);
        self.welcome().await;
        before == self.pid
    }

    /// Events may come before the answer to the CONNECT; the official client keeps them until then.
    async fn welcome(&mut self) {
        loop {
            let packet = self.client.text().await;
            let Some(reply) = packet.strip_prefix(&format!("40{}", self.place)) else {
                self.take(&packet);
                continue;
            };
            let reply: Value = serde_json::from_str(reply).unwrap();
            let word = |name: &str| reply[name].as_str().unwrap().to_owned();
            (self.id, self.pid) = (word("sid"), word("pid"));
            return;
        }
    }

    /// What has come by now, without tokens.
    pub async fn hear(&mut self) -> Vec<Value> {
        let place = &self.place;
        self.client.send(&format!("42{place}9999[\"sync\"]")).await;
        let answer = format!("43{place}9999[]");
        loop {
            match self.client.text().await {
                packet if packet == answer => return std::mem::take(&mut self.heard),
                packet => self.take(&packet),
            }
        }
    }

    /// Hears what comes before this packet.
    pub async fn until(&mut self, packet: &str) {
        loop {
            match self.client.text().await {
                last if last == packet => return,
                other => self.take(&other),
            }
        }
    }

    /// The next packet, as it came; its token counts.
    pub async fn next(&mut self) -> String {
        let packet = self.client.text().await;
        self.take(&packet);
        packet
    }

    fn take(&mut self, packet: &str) {
        let start = packet.find('[').unwrap_or_else(|| panic!("no event but {packet}"));
        let asks = packet.as_bytes()[2 + self.place.len()].is_ascii_digit();
        let mut event: Vec<Value> = serde_json::from_str(&packet[start..]).unwrap();
        // As the official client does: also if the name is all there is.
        if let (false, Some(Value::String(token))) = (asks, event.last().cloned()) {
            self.offset = Some(token);
            event.pop();
        }
        self.heard.push(Value::Array(event));
    }

    /// Is cut off, and the server has noticed when this returns.
    pub async fn lose_connection(&mut self, io: &Io) {
        let namespace = io.of(self.place.trim_end_matches(','));
        let socket = namespace.socket(&self.id).expect("it is connected");
        let other = Client::open(self.address).await;
        std::mem::replace(&mut self.client, other).hang_up();
        while socket.disconnect_reason().is_none() {
            tokio::task::yield_now().await;
        }
    }
}
