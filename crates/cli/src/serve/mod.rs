//! `crashrate serve`: the runs in a browser, on this machine and for reading only.

mod site;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path as Part, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;
use crashrate_report::{LIVE_SCRIPT, error_html, one_line};

use crate::environment::enough_for_serve;
use crate::exit::{Exit, Failure};
use crate::screen::{print_if_read, tell};
use crate::stop;
use site::{Found, Missing, Site};

#[derive(Args, Debug)]
#[command(after_help = "\
The pages are read from the journals, and nothing is written. A page of a run that goes on draws itself anew. \
Ctrl-C ends it.")]
pub(crate) struct ServeArguments {
    /// The folder that holds the runs [that of --runs-dir]
    runs: Option<PathBuf>,

    /// Where to listen. Whoever can reach an address other than this machine's own can read the runs
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7973")]
    bind: SocketAddr,
}

/// What a page may load: the one script from here, and nothing from anywhere else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn serve(runs: &Path, arguments: &ServeArguments) -> Result<Exit, Failure> {
    let runs = arguments.runs.as_deref().unwrap_or(runs);
    let site = Site::new(runs).map_err(|error| {
        Failure::usage(format!("{}: cannot be served: {error}", runs.display()))
    })?;
    enough_for_serve()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::usage)?;
    let ended = runtime.block_on(listen(Arc::new(site), arguments.bind, runs));
    // A page that is being made is not waited for.
    runtime.shutdown_background();
    ended
}

async fn listen(site: Arc<Site>, bind: SocketAddr, runs: &Path) -> Result<Exit, Failure> {
    let wrong = |error| {
        Failure::usage(format!(
            "cannot listen on {bind}: {error}; --bind 127.0.0.1:0 takes any port that is free"
        ))
    };
    let listener = tokio::net::TcpListener::bind(bind).await.map_err(wrong)?;
    let address = listener.local_addr().map_err(wrong)?;
    if !address.ip().is_loopback() {
        tell(format_args!(
            "warning: whoever can reach {address} can read these runs"
        ));
    }
    let guardian = Guard {
        loopback: address.ip().is_loopback(),
    };
    let pages = Router::new()
        .route("/", get(index))
        .route("/runs/{id}", get(run))
        .route("/history/{suite}", get(history))
        .route("/live.js", get(script))
        .fallback(nothing)
        .with_state(site)
        .layer(from_fn_with_state(guardian, guarded));
    let runs = one_line(&runs.to_string_lossy());
    print_if_read(&format!("{runs} at http://{address}/\n"));
    tokio::select! {
        served = axum::serve(listener, pages) => served.map_err(wrong)?,
        // Browsers keep connections open: they are cut.
        () = stop::asked() => {}
    }
    Ok(Exit::Passed)
}

#[derive(Clone, Copy)]
struct Guard {
    loopback: bool,
}

/// Lets no page of another site read this one by a name of its own for this machine, and says what pages may do.
async fn guarded(State(guardian): State<Guard>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut response = match guardian.loopback && !is_this_machine(host) {
        true => page(
            StatusCode::FORBIDDEN,
            error_html(
                "Not here",
                "These pages are shown to this machine only, by its own name.",
            ),
        ),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

/// Whether a request was for this machine by its own name, with any port.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

async fn index(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    answer(headers, move || site.index()).await
}

async fn run(
    State(site): State<Arc<Site>>,
    Part(id): Part<String>,
    headers: HeaderMap,
) -> Response {
    answer(headers, move || site.run(&id)).await
}

async fn history(
    State(site): State<Arc<Site>>,
    Part(suite): Part<String>,
    headers: HeaderMap,
) -> Response {
    answer(headers, move || site.history(&suite)).await
}

async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, LIVE_SCRIPT).into_response()
}

async fn nothing() -> Response {
    page(
        StatusCode::NOT_FOUND,
        error_html("Nothing here", "There is no such page."),
    )
}

/// A page that is made from files; only what has changed since it was last asked for is sent.
async fn answer<F>(headers: HeaderMap, make: F) -> Response
where
    F: FnOnce() -> Result<Found, Missing> + Send + 'static,
{
    let made = tokio::task::spawn_blocking(make).await;
    match made {
        Ok(Ok(found)) => {
            let mark = format!("\"{:016x}\"", found.mark);
            let known = headers.get(header::IF_NONE_MATCH);
            if known.is_some_and(|known| known.as_bytes() == mark.as_bytes()) {
                return StatusCode::NOT_MODIFIED.into_response();
            }
            let mark = [(header::ETAG, mark)];
            (mark, page(StatusCode::OK, found.page)).into_response()
        }
        Ok(Err(Missing::NoSuchRun)) => page(
            StatusCode::NOT_FOUND,
            error_html("Nothing here", "There is no such run in this folder."),
        ),
        Ok(Err(Missing::Unreadable(message))) => page(
            StatusCode::INTERNAL_SERVER_ERROR,
            error_html("It cannot be read", &message),
        ),
        Err(_) => page(
            StatusCode::INTERNAL_SERVER_ERROR,
            error_html("It cannot be shown", "The page could not be made."),
        ),
    }
}

fn page(status: StatusCode, text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, kind, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for own in [
            "localhost",
            "localhost:80",
            "127.0.0.1:7973",
            "[::1]:1",
            "127.1.2.3",
        ] {
            assert!(is_this_machine(own), "{own}");
        }
        for other in [
            "",
            "example.org",
            "localhost.example.org:80",
            "10.0.0.1:80",
            "127.0.0.1.nip.io",
        ] {
            assert!(!is_this_machine(other), "{other}");
        }
    }
}
