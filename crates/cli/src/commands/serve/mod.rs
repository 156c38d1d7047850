//! `crashrate serve`: the runs in a browser. Read-only, and by default for this machine only.

mod events;
mod site;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path as Part, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;
use crashrate_report::{LIVE_SCRIPT, SERVED_POLICY, error_html, one_line};
use serde::Deserialize;
use tokio::task::JoinError;

use crate::environment::{enough_threads, tokio_runtime};
use crate::error::{Exit, Failure};
use crate::output::{note, print};
use crate::signals;
use events::updates;
use site::{Missing, Site, What};

#[derive(Args, Debug)]
#[command(after_help = "\
The pages are made from the journals; nothing is written. The page of a running run updates \
itself. Ctrl-C ends the server.

Examples:
  crashrate serve
  crashrate serve --bind 127.0.0.1:0          any free port")]
pub(crate) struct ServeArguments {
    /// The runs folder [--runs-dir]
    runs: Option<PathBuf>,

    /// Address to listen on. Anyone who can reach it can read the runs
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7973")]
    bind: SocketAddr,
}

pub(crate) fn serve(runs: &Path, arguments: &ServeArguments) -> Result<Exit, Failure> {
    let runs = arguments.runs.as_deref().unwrap_or(runs);
    let site = Site::new(runs).map_err(|error| {
        Failure::usage(format!("{}: cannot be served: {error}", runs.display()))
    })?;
    // The writer of standard error, one for the address, and one for pages.
    enough_threads(3)?;
    let runtime = tokio_runtime().map_err(Failure::usage)?;
    let ended = runtime.block_on(listen(Arc::new(site), arguments.bind, runs));
    // Do not wait for pages that are being made.
    runtime.shutdown_background();
    ended
}

async fn listen(site: Arc<Site>, bind: SocketAddr, runs: &Path) -> Result<Exit, Failure> {
    let failure = |error| {
        Failure::usage(format!(
            "cannot listen on {bind}: {error}; --bind 127.0.0.1:0 takes any free port"
        ))
    };
    let listener = tokio::net::TcpListener::bind(bind).await.map_err(failure)?;
    let address = listener.local_addr().map_err(failure)?;
    let local_only = address.ip().is_loopback();
    if !local_only {
        note(format_args!(
            "warning: anyone who can reach {address} can read these runs"
        ));
    }
    let pages = Router::new()
        .route("/", get(index))
        .route("/events", get(index_events))
        .route("/runs/{id}", get(run))
        .route("/runs/{id}/events", get(run_events))
        .route("/runs/{id}/{kind}/{file}", get(file))
        .route("/history/{suite}", get(history))
        .route("/history/{suite}/events", get(history_events))
        .route("/live.js", get(script))
        .fallback(no_such_page)
        .with_state(site)
        .layer(from_fn_with_state(local_only, protect));
    let runs = one_line(&runs.to_string_lossy());
    // In a thread: a terminal that does not read must not delay the pages.
    let _ =
        std::thread::Builder::new().spawn(move || print(&format!("{runs} at http://{address}/\n")));
    tokio::select! {
        served = axum::serve(listener, pages) => served.map_err(failure)?,
        // Open connections of browsers are cut.
        () = signals::ended_by_user() => {}
    }
    Ok(Exit::Passed)
}

/// Refuses requests under a foreign host name (DNS rebinding), and sets the security headers.
async fn protect(State(local_only): State<bool>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let mut response = if local_only && !is_this_machine(host) {
        error(
            StatusCode::FORBIDDEN,
            "Forbidden",
            "These pages are for this machine only: open them as localhost.",
        )
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, SERVED_POLICY.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

/// Whether a host name, with or without a port, is this machine's own.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A range of rounds: `?from=1&to=200`.
#[derive(Deserialize)]
struct Zoom {
    from: Option<u32>,
    to: Option<u32>,
}

impl Zoom {
    fn is_range(&self) -> bool {
        self.from.unwrap_or(1).max(1) <= self.to.unwrap_or(u32::MAX)
    }

    /// The report of a run with these rounds.
    fn of_run(&self, run: String) -> What {
        let rounds = self.from.unwrap_or(1).max(1)..=self.to.unwrap_or(u32::MAX);
        let is_given = self.from.is_some() || self.to.is_some();
        What::Run(run, Some(rounds).filter(|_| is_given))
    }
}

type Shared = State<Arc<Site>>;

async fn index(State(site): Shared) -> Response {
    answer(site, What::Index).await
}

async fn index_events(State(site): Shared) -> impl IntoResponse {
    updates(site, What::Index)
}

async fn run(
    State(site): Shared,
    Part(id): Part<String>,
    zoom: Result<Query<Zoom>, QueryRejection>,
) -> Response {
    match zoom {
        Ok(Query(zoom)) if zoom.is_range() => answer(site, zoom.of_run(id)).await,
        _ => error(
            StatusCode::BAD_REQUEST,
            "No such rounds",
            "`from` and `to` are the first and the last round to show, such as ?from=1&to=200.",
        ),
    }
}

async fn run_events(
    State(site): Shared,
    Part(id): Part<String>,
    Query(zoom): Query<Zoom>,
) -> impl IntoResponse {
    updates(site, zoom.of_run(id))
}

async fn history(State(site): Shared, Part(suite): Part<String>) -> Response {
    answer(site, What::History(suite)).await
}

async fn history_events(State(site): Shared, Part(suite): Part<String>) -> impl IntoResponse {
    updates(site, What::History(suite))
}

/// A file that a run kept, as plain text.
async fn file(
    State(site): Shared,
    Part((run, kind, name)): Part<(String, String, String)>,
) -> Response {
    let read = move || site.file(&run, &kind, &name);
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(bytes)) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (kind, bytes).into_response()
        }
        other => failed(other.map(|read| read.map(drop))),
    }
}

async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (kind, LIVE_SCRIPT).into_response()
}

async fn no_such_page() -> Response {
    not_found("There is no such page.")
}

/// Makes a page from files.
async fn answer(site: Arc<Site>, what: What) -> Response {
    match tokio::task::spawn_blocking(move || site.page(&what)).await {
        Ok(Ok(made)) => page(StatusCode::OK, made.page()),
        other => failed(other.map(|made| made.map(drop))),
    }
}

/// Why there is no answer.
fn failed(why: Result<Result<(), Missing>, JoinError>) -> Response {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    match why {
        Ok(Err(Missing::NoSuchRun)) => not_found("There is no such run or file in this folder."),
        Ok(Err(Missing::Unreadable(message))) => error(status, "The run cannot be read", &message),
        Ok(Ok(())) | Err(_) => error(status, "Internal error", "The page could not be made."),
    }
}

fn not_found(message: &str) -> Response {
    error(StatusCode::NOT_FOUND, "Not found", message)
}

fn error(status: StatusCode, title: &str, message: &str) -> Response {
    page(status, error_html(title, message))
}

fn page(status: StatusCode, text: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, kind, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_of_this_machine() {
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
