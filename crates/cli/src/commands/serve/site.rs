//! The pages, made from the journals of one runs folder and from nothing outside it.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crashrate_report::{
    InShort, PageHost, RunLine, RunState, View, history_html, html, index_html, waiting_html,
};

use crate::environment::lock;
use crate::error::Failure;
use crate::fault::{calibrating, sentence};
use crate::run_folder::{JournalReader, earlier_among, histories_among, id, list, state};

/// Pages and views in the cache: enough for the open tabs of a user.
const CACHED: usize = 16;

/// The runs of a folder.
pub(super) struct Site {
    runs: PathBuf,
    /// Its lock also lets one page at a time be made, so that viewers do not slow down a running
    /// run.
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    /// By path, with the stamps of the runs that they are made of.
    pages: HashMap<String, (Vec<Stamp>, String)>,
    views: HashMap<PathBuf, (Stamp, Arc<View>)>,
    /// Of running runs: only what is new in their journals is read.
    readers: HashMap<PathBuf, JournalReader>,
    lines: HashMap<PathBuf, (Stamp, Option<InShort>)>,
}

/// The state of the run, and the length and time of its journal. An equal stamp means an equal
/// page.
type Stamp = (RunState, u64, Option<SystemTime>);

/// Why there is no page.
pub(super) enum Missing {
    NoSuchRun,
    Unreadable(String),
}

impl Site {
    pub(super) fn new(runs: &Path) -> io::Result<Site> {
        Ok(Site {
            runs: runs.canonicalize()?,
            cache: Mutex::default(),
        })
    }

    /// The list of runs.
    pub(super) fn index(&self) -> Result<String, Missing> {
        let mut cache = lock(&self.cache);
        let folders = self.folders()?;
        cache.lines.retain(|folder, _| folders.contains(folder));
        let lines = folders.iter().map(|folder| {
            let stamp = stamp(folder);
            let known = match cache.lines.get(folder) {
                // A calibration's rounds are in other journals, which the stamp does not cover.
                Some((of, Some(known))) if *of == stamp && !known.calibrating => {
                    Some(known.clone())
                }
                Some((of, None)) if *of == stamp && !stamp.0.is_running() => None,
                _ => (cache.view(folder, stamp).ok())
                    .map(|v| InShort::from(&*v))
                    .or_else(|| calibrating(folder)),
            };
            cache.lines.insert(folder.clone(), (stamp, known.clone()));
            RunLine {
                id: id(folder),
                known,
            }
        });
        Ok(index_html(&lines.collect::<Vec<_>>()))
    }

    /// The report of a run.
    pub(super) fn run(&self, name: &str) -> Result<String, Missing> {
        let mut cache = lock(&self.cache);
        let folders = self.folders()?;
        let folder = folders.iter().find(|folder| id(folder) == name);
        let folder = folder.ok_or(Missing::NoSuchRun)?;
        if let Some(short) = calibrating(folder) {
            let title = format!("Report N={}: {}", short.number, short.suite);
            return Ok(waiting_html(&title, &sentence(&short)));
        }
        let stamp = stamp(folder);
        cache.page(format!("/runs/{name}"), vec![stamp], |cache| {
            let view = cache.view(folder, stamp);
            let view = view.map_err(|error| Missing::Unreadable(error.message))?;
            let mut earlier = earlier_among(&folders, &view);
            let previous = earlier.find_map(|folder| cache.view(folder, self::stamp(folder)).ok());
            Ok(html(&view, previous.as_deref(), PageHost::Served))
        })
    }

    /// The history of a suite.
    pub(super) fn history(&self, suite: &str) -> Result<String, Missing> {
        let mut cache = lock(&self.cache);
        let folders = self.folders()?;
        let stamps = folders.iter().map(|folder| stamp(folder)).collect();
        cache.page(format!("/history/{suite}"), stamps, |_| {
            let histories = histories_among(&folders, suite);
            if histories.is_empty() {
                return Err(Missing::NoSuchRun);
            }
            Ok(history_html(&histories, PageHost::Served))
        })
    }

    /// The run folders. A journal that is a link is left out: it could lead out of the runs folder.
    fn folders(&self) -> Result<Vec<PathBuf>, Missing> {
        let all = list(&self.runs).map_err(|error| Missing::Unreadable(error.message))?;
        let inside = |folder: &PathBuf| {
            let journal = fs::symlink_metadata(folder.join("journal.jsonl"));
            journal.is_ok_and(|journal| journal.is_file()) || calibrating(folder).is_some()
        };
        Ok(all.into_iter().filter(inside).collect())
    }
}

impl Cache {
    /// The page of this path, made again if a stamp has changed.
    fn page(
        &mut self,
        path: String,
        stamps: Vec<Stamp>,
        make: impl FnOnce(&mut Cache) -> Result<String, Missing>,
    ) -> Result<String, Missing> {
        if let Some((of, page)) = self.pages.get(&path)
            && *of == stamps
        {
            return Ok(page.clone());
        }
        let page = make(self)?;
        if self.pages.len() >= CACHED {
            self.pages.clear();
        }
        self.pages.insert(path, (stamps, page.clone()));
        Ok(page)
    }

    /// The view of a run with this stamp.
    fn view(&mut self, folder: &Path, stamp: Stamp) -> Result<Arc<View>, Failure> {
        if let Some((of, view)) = self.views.get(folder)
            && *of == stamp
        {
            return Ok(view.clone());
        }
        let (state, length, _) = stamp;
        let reader = self.readers.remove(folder);
        let reader = reader.filter(|reader| reader.bytes() <= length);
        let mut reader = reader.unwrap_or_else(|| JournalReader::new(folder));
        reader.read_new()?;
        if state.is_running() {
            self.readers.insert(folder.to_owned(), reader.clone());
        }
        let view = Arc::new(reader.view(state)?);
        if self.views.len() >= CACHED {
            self.views.clear();
        }
        let known = (stamp, view.clone());
        self.views.insert(folder.to_owned(), known);
        Ok(view)
    }
}

/// Determines the state first: a run that ends meanwhile is then read to its end.
fn stamp(folder: &Path) -> Stamp {
    let state = state(folder);
    let file = fs::symlink_metadata(folder.join("journal.jsonl")).ok();
    let length = file.as_ref().map_or(0, fs::Metadata::len);
    (state, length, file.and_then(|file| file.modified().ok()))
}
