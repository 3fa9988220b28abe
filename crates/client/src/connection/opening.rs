//! What an attempt is made with.

use std::sync::Arc;

use engine_client::Target;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::ConnectError;
use crate::config::Config;

/// Asks the application where the server is and what to tell it; `None` if there is nothing to ask.
pub(super) fn prepare(
    config: &Config,
) -> Option<BoxFuture<'static, Result<Arc<engine_client::Config>, ConnectError>>> {
    let (url, headers) = (config.url.clone(), config.headers.clone());
    if url.is_none() && headers.is_none() {
        return None;
    }
    let patience = config.connect_timeout;
    let mut engine = (*config.engine).clone();
    let place = config.place.clone();
    let answer = async move {
        if let Some(url) = url {
            let (target, _) = Target::parse(&url.ask("url_with", patience).await?)
                .map_err(|problem| option("url_with", &problem))?;
            engine.target = place.refine(target);
        }
        if let Some(headers) = headers {
            // What has the same name is replaced.
            engine.headers.extend(headers.ask("headers_with", patience).await?);
        }
        Ok(Arc::new(engine))
    };
    Some(answer.boxed())
}

fn option(option: &'static str, problem: &impl ToString) -> ConnectError {
    ConnectError::Option { option, problem: problem.to_string().into() }
}
