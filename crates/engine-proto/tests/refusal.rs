//! The refusal table, to the letter.

use sockeye_engine_proto::{BadRequest, Refusal};

#[test]
fn each_refusal_has_the_body_and_status_of_the_reference() {
    let table = [
        (Refusal::TransportUnknown, 400, r#"{"code":0,"message":"Transport unknown"}"#),
        (Refusal::UnknownSession, 400, r#"{"code":1,"message":"Session ID unknown"}"#),
        (Refusal::BadHandshakeMethod, 400, r#"{"code":2,"message":"Bad handshake method"}"#),
        (
            Refusal::BadRequest(BadRequest::TransportMismatch),
            400,
            r#"{"code":3,"message":"Bad request"}"#,
        ),
        (Refusal::Forbidden(None), 403, r#"{"code":4,"message":"Forbidden"}"#),
        (Refusal::Forbidden(Some("no luck".into())), 403, r#"{"code":4,"message":"no luck"}"#),
        (
            Refusal::UnsupportedVersion,
            400,
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
    ];
    for (refusal, status, body) in table {
        assert_eq!(refusal.status(), status, "{refusal}");
        assert_eq!(refusal.json_body(), body);
    }
}

#[test]
fn every_bad_request_looks_the_same_to_the_client_and_has_its_name_in_the_log() {
    let kinds = [
        (BadRequest::InvalidOrigin, "INVALID_ORIGIN"),
        (BadRequest::TransportMismatch, "TRANSPORT_MISMATCH"),
        (BadRequest::ProtocolMismatch, "PROTOCOL_MISMATCH"),
        (BadRequest::TransportHandshake, "TRANSPORT_HANDSHAKE_ERROR"),
        (BadRequest::Middleware, "MIDDLEWARE_FAILURE"),
        (BadRequest::IdGeneration, "ID_GENERATION_ERROR"),
    ];
    for (kind, name) in kinds {
        let refusal = Refusal::BadRequest(kind);
        assert_eq!(refusal.json_body(), r#"{"code":3,"message":"Bad request"}"#);
        assert_eq!(refusal.to_string(), format!("Bad request ({name})"));
    }
}

#[test]
fn the_applications_own_words_are_escaped() {
    let refusal = Refusal::Forbidden(Some("say \"please\"\n".into()));
    assert_eq!(refusal.json_body(), r#"{"code":4,"message":"say \"please\"\n"}"#);
    assert_eq!(refusal.message(), "say \"please\"\n");
}
