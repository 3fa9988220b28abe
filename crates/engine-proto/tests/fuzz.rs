//! The property-test twin of the fuzz target for session operations: whatever happens to a session, in
//! whatever order, it gives only orders that can be carried out, and ends once.

#[path = "support/operations/mod.rs"]
mod operations;

use proptest::prelude::*;
use sockeye_engine_proto::{Answering, Beating};

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 2000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn server_survives_any_life(life in prop::collection::vec(any::<u8>(), 0..160)) {
        operations::server_survives(&life);
    }

    #[test]
    fn client_survives_any_life(life in prop::collection::vec(any::<u8>(), 0..160)) {
        operations::client_survives::<Answering>(&life);
    }

    #[test]
    fn client_of_revision_3_survives_any_life(life in prop::collection::vec(any::<u8>(), 0..160)) {
        operations::client_survives::<Beating>(&life);
    }
}
