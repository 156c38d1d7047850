//! Links from a history to the pages of its runs.

use std::collections::HashMap;

/// Where the pages of runs are, as a page of several runs links to them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RunPages {
    /// Nowhere: nothing is linked.
    #[default]
    None,
    /// On the same server, at `/runs/ID`.
    Served,
    /// In files: the path of each run's page by the run's id, absolute or relative to the page that
    /// links to it. Runs without a page are left out.
    Files(HashMap<String, String>),
}

impl RunPages {
    /// The address of a run's page.
    pub(crate) fn link(&self, id: &str) -> Option<String> {
        match self {
            RunPages::None => None,
            RunPages::Served => Some(format!("/runs/{}", segment(id))),
            RunPages::Files(paths) => {
                let parts: Vec<_> = paths.get(id)?.split('/').map(segment).collect();
                Some(parts.join("/"))
            }
        }
    }
}

/// A name as one segment of a URL's path.
pub(crate) fn segment(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    let part = |b: u8| match plain(b) {
        true => char::from(b).to_string(),
        false => format!("%{b:02X}"),
    };
    name.bytes().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_percent_encoded() {
        assert_eq!(RunPages::None.link("1-a"), None);
        assert_eq!(
            RunPages::Served.link("1-a/<b"),
            Some("/runs/1-a%2F%3Cb".into())
        );
        let path = "my runs/1-a/report.html";
        let files = RunPages::Files(HashMap::from([("1-a".into(), path.into())]));
        assert_eq!(files.link("1-a"), Some("my%20runs/1-a/report.html".into()));
        assert_eq!(files.link("2-a"), None);
    }
}
