//! The pages, made from the journals in one folder and from nothing outside it.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crashrate_report::{
    InShort, Place, RunLine, View, history_html, html, index_html, waiting_html,
};
use crashrate_supervisor::journal;

use crate::calibrating::{calibrating, sentence};
use crate::exit::Failure;
use crate::history::of_suite;
use crate::inspect::{Reading, earlier_among};

/// Pages that are kept: so many tabs look at runs at the same time.
const KEPT: usize = 16;

/// The runs of a folder.
pub(super) struct Site {
    runs: PathBuf,
    /// Also keeps pages from being made at the same time: a run that goes on shall not feel who looks.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    pages: HashMap<PathBuf, (Stamp, Found)>,
    /// By suite, of runs that looked like this.
    histories: HashMap<String, (Vec<(PathBuf, Stamp)>, Found)>,
    views: HashMap<PathBuf, (Stamp, Arc<View>)>,
    /// Of runs that go on: their journals may be long, and grow while somebody looks.
    readings: HashMap<PathBuf, Reading>,
    lines: HashMap<PathBuf, (Stamp, Option<InShort>)>,
}

/// What a journal looked like: the same stamp, the same page.
type Stamp = (bool, u64, Option<SystemTime>);

/// A page, and what it is known by.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) page: String,
    pub(super) mark: u64,
}

/// Why there is no page.
pub(super) enum Missing {
    NoSuchRun,
    Unreadable(String),
}

impl Site {
    /// The runs of that folder, which must be there.
    pub(super) fn new(runs: &Path) -> io::Result<Site> {
        Ok(Site {
            runs: runs.canonicalize()?,
            kept: Mutex::default(),
        })
    }

    /// The list of runs.
    pub(super) fn index(&self) -> Result<Found, Missing> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let folders = self.folders()?;
        kept.lines.retain(|folder, _| folders.contains(folder));
        let lines = folders.iter().map(|folder| {
            let stamp = stamp(folder);
            let known = match kept.lines.get(folder) {
                // The rounds of a calibration are in other journals.
                Some((of, Some(known))) if *of == stamp && !known.calibrating => {
                    Some(known.clone())
                }
                Some((of, None)) if *of == stamp && !stamp.0 => None,
                _ => (kept.view(folder, stamp).ok())
                    .map(|v| InShort::from(&*v))
                    .or_else(|| calibrating(folder)),
            };
            kept.lines.insert(folder.clone(), (stamp, known.clone()));
            RunLine {
                id: id(folder).into_owned(),
                known,
            }
        });
        Ok(found(index_html(&lines.collect::<Vec<_>>())))
    }

    /// The report of a run.
    pub(super) fn run(&self, name: &str) -> Result<Found, Missing> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let folders = self.folders()?;
        let folder = folders.iter().find(|folder| id(folder) == name);
        let folder = folder.ok_or(Missing::NoSuchRun)?;
        if let Some(short) = calibrating(folder) {
            let title = format!("Report N={}: {}", short.number, short.suite);
            return Ok(found(waiting_html(&title, &sentence(&short))));
        }
        let stamp = stamp(folder);
        if let Some((of, page)) = kept.pages.get(folder)
            && *of == stamp
        {
            return Ok(page.clone());
        }
        let view = kept.view(folder, stamp);
        let view = view.map_err(|error| Missing::Unreadable(error.message()))?;
        let mut earlier = earlier_among(&folders, &view);
        let previous = earlier.find_map(|folder| kept.view(folder, self::stamp(folder)).ok());
        let page = found(html(&view, previous.as_deref(), Place::Served));
        if kept.pages.len() >= KEPT {
            kept.pages.clear();
        }
        kept.pages.insert(folder.clone(), (stamp, page.clone()));
        Ok(page)
    }

    /// The history of a suite.
    pub(super) fn history(&self, suite: &str) -> Result<Found, Missing> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let folders = self.folders()?;
        let stamps: Vec<_> = folders.iter().map(|f| (f.clone(), stamp(f))).collect();
        if let Some((of, page)) = kept.histories.get(suite)
            && *of == stamps
        {
            return Ok(page.clone());
        }
        let history = of_suite(&folders, suite).ok_or(Missing::NoSuchRun)?;
        let page = found(history_html(&history, Place::Served));
        if kept.histories.len() >= KEPT {
            kept.histories.clear();
        }
        let known = (stamps, page.clone());
        kept.histories.insert(suite.to_owned(), known);
        Ok(page)
    }

    /// The run folders that really are in the runs folder: no link leads out of it.
    fn folders(&self) -> Result<Vec<PathBuf>, Missing> {
        let all =
            journal::list(&self.runs).map_err(|error| Missing::Unreadable(error.to_string()))?;
        let inside = |folder: &PathBuf| {
            let journal = fs::symlink_metadata(folder.join("journal.jsonl"));
            journal.is_ok_and(|journal| journal.is_file()) || calibrating(folder).is_some()
        };
        Ok(all.into_iter().filter(inside).collect())
    }
}

impl Kept {
    /// The view of a run that looks like this. Of one that goes on only what is new in its journal is read.
    fn view(&mut self, folder: &Path, stamp: Stamp) -> Result<Arc<View>, Failure> {
        if let Some((of, view)) = self.views.get(folder)
            && *of == stamp
        {
            return Ok(view.clone());
        }
        let (live, length, _) = stamp;
        let begun = self.readings.remove(folder);
        let begun = begun.filter(|reading| reading.bytes() <= length);
        let mut reading = begun.unwrap_or_else(|| Reading::new(folder));
        reading.go_on()?;
        if live {
            self.readings.insert(folder.to_owned(), reading.clone());
        }
        let view = Arc::new(reading.view(live)?);
        if self.views.len() >= KEPT {
            self.views.clear();
        }
        let known = (stamp, view.clone());
        self.views.insert(folder.to_owned(), known);
        Ok(view)
    }
}

fn id(folder: &Path) -> std::borrow::Cow<'_, str> {
    folder.file_name().unwrap_or_default().to_string_lossy()
}

/// Whether it is live is asked before its journal is looked at: a run that ends meanwhile is then seen whole.
fn stamp(folder: &Path) -> Stamp {
    let live = journal::is_live(folder);
    let file = fs::symlink_metadata(folder.join("journal.jsonl")).ok();
    let length = file.as_ref().map_or(0, fs::Metadata::len);
    (live, length, file.and_then(|file| file.modified().ok()))
}

fn found(page: String) -> Found {
    let mut hasher = DefaultHasher::new();
    page.hash(&mut hasher);
    Found {
        mark: hasher.finish(),
        page,
    }
}
