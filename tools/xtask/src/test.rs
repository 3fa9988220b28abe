//! To be filled.

pub(crate) fn run(_arguments: &[String]) -> Result<(), String> {
    Err("not there yet".to_owned())
}
