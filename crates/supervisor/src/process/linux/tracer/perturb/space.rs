//! The breakpoints in the memory of one process.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

use crashrate_postmortem::CrashPlaces;
use crashrate_postmortem::linux::LoadedCode;

use super::super::IMAGES;
use super::pace::{Pace, Random};
use super::trap::{Code, TRAP};

/// The most ambushes in a process at a time.
const MAX_SET: usize = 64;
/// The probability that one of the places that are not learned is a function of the libraries.
const LIBRARY: f64 = 0.6;
/// The probability that such a function is one that the program calls itself.
const CALLED: f64 = 0.85;
/// The probability that an ambush at a function's entry is moved to its return.
const AT_RETURN: f64 = 0.4;
/// The key of a program's entry in the auxiliary vector.
const AT_ENTRY: u64 = 9;

/// What happens to the thread that reaches a breakpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The libraries are loaded now: places can be chosen.
    Entry,
    /// The thread is held.
    Ambush,
    /// The thread that it called the function for is held when the function returns.
    Return,
    /// The thread that ends the process is delayed.
    Exit,
}

impl Purpose {
    fn is_ambush(self) -> bool {
        match self {
            Purpose::Ambush | Purpose::Return => true,
            Purpose::Entry | Purpose::Exit => false,
        }
    }
}

/// The memory of a process from one exec to the next.
pub(super) struct Space {
    memory: File,
    /// The breakpoints that are set.
    set: BTreeMap<u64, Purpose>,
    /// The code at every address that ever had a breakpoint. A thread may have run into one that
    /// was removed meanwhile.
    known: HashMap<u64, Code>,
    /// The places where breakpoints can be set, once the libraries are loaded.
    candidates: Option<Candidates>,
    /// Processes that share this memory until they execute a program.
    sharers: HashSet<i32>,
}

struct Candidates {
    code: LoadedCode,
    /// By what they were in the crashes; without the empty ones.
    learned: Vec<Vec<u64>>,
    meeting_points: Vec<u64>,
    called: Vec<u64>,
    own: Vec<u64>,
}

impl Space {
    /// Of a process in its exec stop.
    pub(super) fn new(pid: i32) -> io::Result<Space> {
        Ok(Space {
            memory: memory(pid)?,
            set: BTreeMap::new(),
            known: HashMap::new(),
            candidates: None,
            sharers: HashSet::new(),
        })
    }

    /// Sets a breakpoint at the program's first instruction, which runs when the loader is done.
    pub(super) fn set_at_entry(&mut self, pid: i32) -> io::Result<()> {
        let vector = std::fs::read(format!("/proc/{pid}/auxv"))?;
        let (words, _) = vector.as_chunks::<8>();
        let (pairs, _) = words.as_chunks::<2>();
        let entry = pairs
            .iter()
            .find(|[key, _]| u64::from_ne_bytes(*key) == AT_ENTRY);
        if let Some([_, entry]) = entry {
            self.insert(u64::from_ne_bytes(*entry), Purpose::Entry)?;
        }
        Ok(())
    }

    /// Reads which code is loaded. Returns how many of the learned places are in it.
    pub(super) fn load(&mut self, pid: i32, places: &CrashPlaces) -> io::Result<usize> {
        let code = LoadedCode::of(pid, &IMAGES)?;
        let mut learned = places
            .groups()
            .map(|group| code.addresses_of(group))
            .to_vec();
        learned.retain(|group| !group.is_empty());
        let count = learned.iter().map(Vec::len).sum();
        self.candidates = Some(Candidates {
            learned,
            meeting_points: code.meeting_points(),
            called: code.called_meeting_points(),
            own: code.own_functions(),
            code,
        });
        Ok(count)
    }

    /// Whether code was loaded or unloaded since the last [`Space::load`].
    pub(super) fn has_changed(&self, pid: i32) -> bool {
        let candidates = self.candidates.as_ref();
        candidates.is_some_and(|candidates| candidates.code.has_changed(pid))
    }

    pub(super) fn is_loaded(&self) -> bool {
        self.candidates.is_some()
    }

    /// Sets a breakpoint at a place of the seed's choice: often at a learned one.
    pub(super) fn arm(&mut self, pace: &Pace, random: &mut Random) {
        let Some(candidates) = &self.candidates else {
            return;
        };
        let of_library = random.happens(LIBRARY);
        let is_called = random.happens(CALLED);
        let purpose = match random.happens(AT_RETURN) {
            true => Purpose::Return,
            false => Purpose::Ambush,
        };
        let (from, purpose) = if let Some(learned) = pace.learned(&candidates.learned, random) {
            // Not an entry, so there is no return address to be found.
            (learned, Purpose::Ambush)
        } else if of_library && is_called && !candidates.called.is_empty() {
            (&candidates.called, purpose)
        } else if of_library || candidates.own.is_empty() {
            (&candidates.meeting_points, purpose)
        } else {
            (&candidates.own, purpose)
        };
        if let Some(address) = random.one_of(from).copied() {
            self.make_room(random);
            self.insert_in_code(address, purpose);
        }
    }

    /// Removes one of the ambushes if there are too many: no thread may ever come to these.
    fn make_room(&mut self, random: &mut Random) {
        let ambushes = self.set.iter().filter(|(_, purpose)| purpose.is_ambush());
        let ambushes: Vec<u64> = ambushes.map(|(address, _)| *address).collect();
        if ambushes.len() >= MAX_SET
            && let Some(address) = random.one_of(&ambushes)
        {
            self.remove(*address);
        }
    }

    /// Sets breakpoints at the functions that end the process.
    pub(super) fn arm_exits(&mut self) {
        let candidates = self.candidates.as_ref();
        let exits = candidates.map(|candidates| candidates.code.exits());
        for address in exits.unwrap_or_default() {
            self.insert_in_code(address, Purpose::Exit);
        }
    }

    /// Sets a breakpoint at an address of loaded code, if that code is there unchanged.
    pub(super) fn insert_in_code(&mut self, address: u64, purpose: Purpose) {
        let candidates = self.candidates.as_ref();
        let expected = candidates.and_then(|it| it.code.bytes(address, TRAP.len()));
        let is_unchanged = self
            .read(address)
            .is_some_and(|code| Some(&code[..]) == expected);
        if is_unchanged && self.sharers.is_empty() {
            // It fails if the code was unmapped meanwhile.
            let _ = self.insert(address, purpose);
        }
    }

    fn insert(&mut self, address: u64, purpose: Purpose) -> io::Result<()> {
        let Some(code) = self.read(address).filter(|code| *code != TRAP) else {
            return Ok(());
        };
        // First: a thread may run into it at once.
        self.known.insert(address, code);
        self.memory.write_all_at(&TRAP, address)?;
        self.set.insert(address, purpose);
        Ok(())
    }

    /// Removes the breakpoint at this address. Returns what it was for, if it was still set.
    pub(super) fn remove(&mut self, address: u64) -> Option<Purpose> {
        let purpose = self.set.remove(&address);
        self.restore_in(&self.memory, address);
        purpose
    }

    /// Removes all breakpoints.
    pub(super) fn clear(&mut self) {
        for (address, _) in std::mem::take(&mut self.set) {
            self.restore_in(&self.memory, address);
        }
    }

    /// Whether there ever was a breakpoint at this address.
    pub(super) fn knows(&self, address: u64) -> bool {
        self.known.contains_key(&address)
    }

    /// Removes the breakpoints from the memory of a child that was forked from this process. If the
    /// child shares the memory, they are gone here as well, and no new one is set until
    /// [`Space::unshare`].
    pub(super) fn forked(&mut self, child: i32, is_vfork: bool) {
        let before = self.set.keys().next().copied();
        self.restore_all_in(child);
        let is_shared = match before {
            Some(address) => self.read(address) != Some(TRAP),
            None => is_vfork,
        };
        if is_shared {
            self.set.clear();
            self.sharers.insert(child);
        }
    }

    /// A process has ended or executed a program, and shares no memory any more.
    pub(super) fn unshare(&mut self, pid: i32) {
        self.sharers.remove(&pid);
    }

    /// Whether a process shares this memory.
    pub(super) fn is_shared_by(&self, pid: i32) -> bool {
        self.sharers.contains(&pid)
    }

    /// Removes the breakpoints from the memory of a process that was forked from this one.
    pub(super) fn restore_all_in(&self, pid: i32) {
        if let Ok(memory) = memory(pid) {
            for address in self.set.keys() {
                self.restore_in(&memory, *address);
            }
        }
    }

    /// Restores the code in the memory of a process that was forked from this one.
    pub(super) fn restore_in_process(&self, pid: i32, address: u64) {
        if let Ok(memory) = memory(pid) {
            self.restore_in(&memory, address);
        }
    }

    fn restore_in(&self, memory: &File, address: u64) {
        let mut code = TRAP;
        // The code may have been unmapped, and something else be there now.
        if let Some(original) = self.known.get(&address)
            && memory.read_exact_at(&mut code, address).is_ok()
            && code == TRAP
        {
            let _ = memory.write_all_at(original, address);
        }
    }

    fn read(&self, address: u64) -> Option<Code> {
        let mut code = TRAP;
        self.memory.read_exact_at(&mut code, address).ok()?;
        Some(code)
    }

    /// The word at an address.
    pub(super) fn word(&self, address: u64) -> Option<u64> {
        let mut word = [0; 8];
        self.memory.read_exact_at(&mut word, address).ok()?;
        Some(u64::from_ne_bytes(word))
    }
}

/// The memory of a process that this thread traces. It stays that of its current program.
fn memory(pid: i32) -> io::Result<File> {
    let path = format!("/proc/{pid}/mem");
    OpenOptions::new().read(true).write(true).open(path)
}
