//! Updates of live pages by server-sent events: the parts of a page that changed, at most once a
//! second.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use crashrate_report::PageParts;
use futures_util::stream;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::site::{Missing, Site, What};

/// Time between two looks at a run. Its journal may grow many times in between.
const EVERY: Duration = Duration::from_secs(1);

/// What a browser is told.
#[derive(Serialize)]
struct Update<'a> {
    /// The title of the tab.
    title: &'a str,
    /// The ids of all parts, in order.
    order: Vec<&'a str>,
    /// The parts that changed.
    parts: Vec<(&'a str, String)>,
    /// Whether there may be more.
    live: bool,
}

/// A browser that listens, and the parts that it has.
struct Listener {
    site: Arc<Site>,
    what: What,
    known: HashMap<String, u64>,
    next: Instant,
    is_live: bool,
}

/// Sends updates until the page is no longer live, or the browser is gone.
pub(super) fn updates(site: Arc<Site>, what: What) -> impl IntoResponse {
    let listener = Listener {
        site,
        what,
        known: HashMap::new(),
        next: Instant::now(),
        is_live: true,
    };
    let stream = stream::unfold(listener, |mut listener| async move {
        let event = listener.next_event().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

impl Listener {
    /// The next update; nothing after the last one.
    async fn next_event(&mut self) -> Option<Event> {
        while self.is_live {
            sleep_until(self.next).await;
            self.next = Instant::now() + EVERY;
            let (site, what) = (self.site.clone(), self.what.clone());
            let page = tokio::task::spawn_blocking(move || site.page(&what)).await;
            match page {
                Ok(Ok(page)) => {
                    if let Some(event) = self.update(&page) {
                        return Some(event);
                    }
                }
                // It may be readable again in a moment.
                Ok(Err(Missing::Unreadable(message))) => {
                    return Some(Event::default().event("trouble").data(message));
                }
                Ok(Err(Missing::NoSuchRun)) => {
                    self.is_live = false;
                    return Some(Event::default().event("gone").data(""));
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// The parts that changed; nothing if none did.
    fn update(&mut self, page: &PageParts) -> Option<Event> {
        let all: Vec<(&str, String)> = page.parts().collect();
        let order = all.iter().map(|(id, _)| *id).collect();
        let mut now = HashMap::new();
        let parts: Vec<_> = all
            .into_iter()
            .filter(|(id, text)| {
                let mut hasher = DefaultHasher::new();
                text.hash(&mut hasher);
                let hash = hasher.finish();
                now.insert((*id).to_owned(), hash);
                self.known.get(*id) != Some(&hash)
            })
            .collect();
        let is_unchanged = parts.is_empty() && now.len() == self.known.len();
        self.known = now;
        let live = page.is_live();
        let has_ended = std::mem::replace(&mut self.is_live, live) && !live;
        if is_unchanged && !has_ended {
            return None;
        }
        let update = Update {
            title: page.tab(),
            order,
            parts,
            live,
        };
        let text = serde_json::to_string(&update).ok()?;
        Some(Event::default().data(text))
    }
}
