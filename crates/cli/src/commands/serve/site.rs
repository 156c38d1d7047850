//! The pages, made from the journals of one runs folder and from nothing outside it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crashrate_report::{
    InShort, PageHost, PageParts, RoundRange, RunLine, RunPages, RunState, View, history_parts,
    index_parts, report_parts, waiting_parts,
};
use crashrate_supervisor::journal::JOURNAL;
use crashrate_supervisor::safe_file;

use crate::environment::lock;
use crate::error::Failure;
use crate::fault::{calibrating, sentence};
use crate::run_folder::{
    JournalReader, add_page_details, earlier_among, histories_among, id, list, state,
};

/// Bytes of a file that are sent. Kept outputs are smaller.
const MAX_FILE: u64 = 64 << 20;
/// Pages and views in the cache: enough for the open tabs of a user.
const CACHED: usize = 16;

/// The runs of a folder.
pub(super) struct Site {
    runs: PathBuf,
    /// Its lock also lets one page at a time be made, so that viewers do not slow down a running
    /// run.
    cache: Mutex<Cache>,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// The list of runs.
    Index,
    /// The report of a run, with a square for each of these rounds.
    Run(String, Option<RoundRange>),
    /// The history of a suite.
    History(String),
}

#[derive(Default)]
struct Cache {
    /// With the stamps of the runs that they are made of.
    pages: HashMap<What, (Vec<Stamp>, Arc<PageParts>)>,
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

    pub(super) fn page(&self, what: &What) -> Result<Arc<PageParts>, Missing> {
        match what {
            What::Index => self.index().map(Arc::new),
            What::Run(name, zoom) => self.run(name, zoom.as_ref()),
            What::History(suite) => self.history(suite),
        }
    }

    /// The list of runs.
    fn index(&self) -> Result<PageParts, Missing> {
        let mut cache = lock(&self.cache);
        let folders = self.folders()?;
        let known: HashSet<&PathBuf> = folders.iter().collect();
        cache.lines.retain(|folder, _| known.contains(folder));
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
        Ok(index_parts(&lines.collect::<Vec<_>>()))
    }

    /// The report of a run.
    fn run(&self, name: &str, zoom: Option<&RoundRange>) -> Result<Arc<PageParts>, Missing> {
        let mut cache = lock(&self.cache);
        let folder = self.folder(name)?;
        if let Some(short) = calibrating(&folder) {
            let title = format!("calibrating · {} · run {}", short.suite, short.number);
            return Ok(Arc::new(waiting_parts(&title, &sentence(&short))));
        }
        let stamp = stamp(&folder);
        let what = What::Run(name.to_owned(), zoom.cloned());
        cache.page(what, vec![stamp], |cache| {
            let view = cache.view(&folder, stamp);
            let view = view.map_err(|error| Missing::Unreadable(error.message))?;
            let mut view = View::clone(&view);
            view.zoom = zoom.cloned();
            add_page_details(&folder, &mut view);
            let folders = self.folders()?;
            let mut earlier = earlier_among(&folders, &view);
            let previous = earlier.find_map(|folder| cache.view(folder, self::stamp(folder)).ok());
            Ok(report_parts(&view, previous.as_deref(), PageHost::Served))
        })
    }

    /// The history of a suite.
    fn history(&self, suite: &str) -> Result<Arc<PageParts>, Missing> {
        let mut cache = lock(&self.cache);
        let folders = self.folders()?;
        let stamps = folders.iter().map(|folder| stamp(folder)).collect();
        cache.page(What::History(suite.to_owned()), stamps, |_| {
            let histories = histories_among(&folders, suite);
            if histories.is_empty() {
                return Err(Missing::NoSuchRun);
            }
            Ok(history_parts(&histories, &RunPages::Served))
        })
    }

    /// A file that a run kept: of a crash, or of an output.
    pub(super) fn file(&self, run: &str, kind: &str, name: &str) -> Result<Vec<u8>, Missing> {
        let is_plain = !name.starts_with('.') && !name.contains(['/', '\0']);
        if !["crashes", "output"].contains(&kind) || !is_plain {
            return Err(Missing::NoSuchRun);
        }
        let folder = self.folder(run)?;
        let file = safe_file::open(&folder, &format!("{kind}/{name}"));
        let file = file.map_err(|_| Missing::NoSuchRun)?;
        let mut bytes = Vec::new();
        match file.take(MAX_FILE).read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(Missing::Unreadable(error.to_string())),
        }
    }

    /// The folder of the run with this id.
    fn folder(&self, name: &str) -> Result<PathBuf, Missing> {
        let folders = self.folders()?;
        let mut folders = folders.into_iter();
        let found = folders.find(|folder| id(folder) == name);
        found.ok_or(Missing::NoSuchRun)
    }

    /// The run folders. A journal that is a link is left out: it could lead out of the runs folder.
    fn folders(&self) -> Result<Vec<PathBuf>, Missing> {
        let all = list(&self.runs).map_err(|error| Missing::Unreadable(error.message))?;
        let inside = |folder: &PathBuf| {
            let journal = fs::symlink_metadata(folder.join(JOURNAL));
            journal.is_ok_and(|journal| journal.is_file()) || calibrating(folder).is_some()
        };
        Ok(all.into_iter().filter(inside).collect())
    }
}

impl Cache {
    /// The page, made again if a stamp has changed.
    fn page(
        &mut self,
        what: What,
        stamps: Vec<Stamp>,
        make: impl FnOnce(&mut Cache) -> Result<PageParts, Missing>,
    ) -> Result<Arc<PageParts>, Missing> {
        if let Some((of, page)) = self.pages.get(&what)
            && *of == stamps
        {
            return Ok(page.clone());
        }
        let page = Arc::new(make(self)?);
        if self.pages.len() >= CACHED {
            self.pages.clear();
        }
        self.pages.insert(what, (stamps, page.clone()));
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
    let file = fs::symlink_metadata(folder.join(JOURNAL)).ok();
    let length = file.as_ref().map_or(0, fs::Metadata::len);
    (state, length, file.and_then(|file| file.modified().ok()))
}
