//! How the page is served.

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use sockeye_chat::Page;

fn ask(method: Method, path: &str, tag: Option<&str>) -> Response<Full<bytes::Bytes>> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(tag) = tag {
        request = request.header("if-none-match", tag);
    }
    Page.answer(&request.body(()).unwrap())
}

fn get(path: &str) -> Response<Full<bytes::Bytes>> {
    ask(Method::GET, path, None)
}

#[test]
fn the_page_is_at_the_root_and_asked_for_anew_each_time() {
    let answer = get("/?utm=1");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(answer.headers()["cache-control"], "no-cache");
}

#[test]
fn a_browser_that_has_the_page_is_told_so() {
    let tag = get("/").headers()["etag"].to_str().unwrap().to_owned();
    for known in [tag.clone(), format!("\"other\", W/{tag}")] {
        assert_eq!(ask(Method::GET, "/", Some(&known)).status(), StatusCode::NOT_MODIFIED);
    }
    assert_eq!(ask(Method::GET, "/", Some("\"other\"")).status(), StatusCode::OK);
}

#[test]
fn every_answer_carries_the_policy() {
    for answer in [get("/"), get("/nothing"), ask(Method::POST, "/", None)] {
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
}

#[test]
fn what_is_not_there_is_404_whatever_the_path_tries() {
    for path in
        ["/nothing", "/../Cargo.toml", "/assets/", "//", "/%2e%2e/index.html", "/INDEX.HTML"]
    {
        assert_eq!(get(path).status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn the_page_can_only_be_read() {
    let answer = ask(Method::POST, "/", None);
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "GET, HEAD");
    assert_eq!(ask(Method::HEAD, "/", None).status(), StatusCode::OK);
}
