//! Unwinds registers to a stack of addresses, and resolves addresses to functions.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use framehop::{FrameAddress, Module, Unwinder as _};

use super::arch::{Cache, Registers, SIGINFO, TRAMPOLINE, UnwindRegs, Unwinder};
use super::image::{Head, Image};
use super::images::Images;
use super::maps::{Mapping, Maps};
use super::memory::{Memory, Source};
use crate::crash::{Frame, Hex};
use crate::place::CodePlace;

/// The name of the code that a signal handler returns to.
const TRAMPOLINE_NAME: &str = "__restore_rt";

/// An address on a stack and the file that contains it.
#[derive(Clone)]
pub(super) struct RawFrame {
    address: u64,
    /// The address to look up: for a return address, the call before it.
    looked_up: u64,
    module: Option<InModule>,
    /// Whether this is the kernel's return path from a signal handler.
    is_trampoline: bool,
}

#[derive(Clone)]
struct InModule {
    name: Arc<str>,
    /// `None` if the mapped file could not be identified: then the function and the caller are
    /// unknown.
    image: Option<Arc<Image>>,
    build_id: Option<Arc<str>>,
    bias: u64,
}

/// A signal handler on a stack.
#[derive(Clone)]
pub(super) struct Interruption {
    /// The thread's registers when the signal arrived.
    pub(super) registers: Registers,
    /// The siginfo_t, if the handler asked for one.
    pub(super) siginfo: [u64; 3],
    /// Index of the first interrupted frame.
    pub(super) first: usize,
}

/// A stack of addresses.
#[derive(Clone, Default)]
pub(super) struct RawStack {
    pub(super) frames: Vec<RawFrame>,
    /// The signal handlers on the stack, innermost first.
    pub(super) interruptions: Vec<Interruption>,
    /// Whether unwinding reached the start of the stack.
    pub(super) complete: bool,
}

impl RawStack {
    /// The part of the stack below this signal handler.
    pub(super) fn interrupted(&self, by: &Interruption) -> RawStack {
        RawStack {
            frames: self.frames[by.first.min(self.frames.len())..].to_vec(),
            interruptions: (self.interruptions.iter())
                .filter(|other| other.first > by.first)
                .map(|other| Interruption {
                    first: other.first - by.first,
                    ..other.clone()
                })
                .collect(),
            complete: self.complete,
        }
    }

    /// The places of the innermost frames, at most `most`. Code that is in no file has none.
    pub(super) fn places(&self, most: usize) -> Vec<CodePlace> {
        let place = |frame: &RawFrame| {
            let module = frame.module.as_ref()?;
            let image = module.image.as_ref().filter(|_| !frame.is_trampoline)?;
            Some(CodePlace {
                module: module.name.to_string(),
                build: image.identity().clone(),
                offset: Hex(frame.address.wrapping_sub(module.bias)),
            })
        };
        let frames = self.frames.iter().take(most);
        frames.filter_map(place).collect()
    }

    /// Notes on the files on the stack that could not be identified.
    pub(super) fn notes(&self) -> BTreeSet<String> {
        let modules = self.frames.iter().filter_map(|frame| frame.module.as_ref());
        let unknown = modules.filter(|module| module.image.is_none());
        unknown
            .map(|InModule { name, build_id, .. }| match build_id {
                Some(_) => format!(
                    "{name}: the file with this build id was not found, so functions are unknown"
                ),
                None => format!(
                    "{name}: no file is known to be the one that ran, so functions are unknown; \
                     linked with `-Wl,--build-id` it can be recognised"
                ),
            })
            .collect()
    }

    /// The number of frames above the innermost signal handler.
    pub(super) fn innermost(&self) -> usize {
        let len = self.frames.len();
        (self.interruptions.first()).map_or(len, |by| by.first.min(len))
    }
}

/// Unwinder for the threads of a stopped process.
pub(super) struct Walker<'a> {
    maps: &'a Maps,
    images: &'a Images,
    memory: Memory,
    unwinder: Unwinder<Bytes>,
    cache: Cache,
    /// Modules by the start of their executable pages; contains only those that a stack has passed
    /// through.
    modules: HashMap<u64, Option<InModule>>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(source: Source, maps: &'a Maps, images: &'a Images) -> Self {
        Walker {
            maps,
            images,
            memory: Memory::new(source),
            unwinder: Unwinder::new(),
            cache: Cache::new(),
            modules: HashMap::new(),
        }
    }

    /// Unwinds the stack of a thread with these registers, at most `cap` frames.
    pub(super) fn walk(&mut self, registers: &Registers, cap: usize) -> RawStack {
        let mut stack = RawStack::default();
        // The unwinder supports 64-bit programs only.
        let mut next = Some(*registers).filter(|registers| !registers.is_narrow());
        while let Some(registers) = next.take() {
            let Some((mut address, mut regs)) = self.begin(&registers, &mut stack) else {
                break;
            };
            while stack.frames.len() < cap {
                stack.frames.push(self.frame(address));
                if self.is_trampoline(address.address()) {
                    next = self.interrupted(regs.sp(), &mut stack);
                    break;
                }
                match self.step(address, &mut regs) {
                    Ok(Some(caller)) => address = caller,
                    Ok(None) | Err(framehop::Error::ReturnAddressIsNull) => {
                        stack.complete = true;
                        break;
                    }
                    Err(_) => break,
                }
            }
        }
        stack
    }

    /// The first frame: the program counter, or its caller if no code is mapped there.
    fn begin(
        &mut self,
        registers: &Registers,
        stack: &mut RawStack,
    ) -> Option<(FrameAddress, UnwindRegs)> {
        let address = FrameAddress::from_instruction_pointer(registers.pc());
        if self.is_code(registers.pc()) {
            return Some((address, registers.unwind()));
        }
        stack.frames.push(self.frame(address));
        let mut word = |at| self.memory.word(at);
        let (back, regs) = registers.caller(&mut word)?;
        let caller = FrameAddress::from_return_address(back).filter(|_| self.is_code(back))?;
        Some((caller, regs))
    }

    /// Marks the last frame as a signal trampoline and returns the interrupted registers.
    fn interrupted(&mut self, sp: u64, stack: &mut RawStack) -> Option<Registers> {
        if let Some(frame) = stack.frames.last_mut() {
            frame.is_trampoline = true;
        }
        let memory = &mut self.memory;
        let mut word = |at| memory.word(at);
        let registers = Registers::saved_at(sp, &mut word)?;
        let at = sp.checked_add(SIGINFO)?;
        stack.interruptions.push(Interruption {
            registers,
            siginfo: [
                word(at)?,
                word(at.checked_add(8)?)?,
                word(at.checked_add(16)?)?,
            ],
            first: stack.frames.len(),
        });
        Some(registers)
    }

    fn is_trampoline(&mut self, address: u64) -> bool {
        let mut code = [0; TRAMPOLINE.len()];
        if self.memory.read(address, &mut code).is_some() {
            return code == TRAMPOLINE;
        }
        // A core file contains no code, so it is read from the mapped file.
        let module = self.module(address);
        let image = module
            .as_ref()
            .and_then(|m| Some((m.image.as_ref()?, m.bias)));
        image.is_some_and(|(image, bias)| {
            image.code(address.wrapping_sub(bias), TRAMPOLINE.len()) == Some(TRAMPOLINE)
        })
    }

    fn step(
        &mut self,
        address: FrameAddress,
        regs: &mut UnwindRegs,
    ) -> Result<Option<FrameAddress>, framehop::Error> {
        let memory = &mut self.memory;
        let mut read = |at| memory.word(at).ok_or(());
        let back = self
            .unwinder
            .unwind_frame(address, regs, &mut self.cache, &mut read)?;
        Ok(back.and_then(FrameAddress::from_return_address))
    }

    fn is_code(&self, address: u64) -> bool {
        self.maps.at(address).is_some_and(Mapping::executable)
    }

    /// Creates the frame at an address and registers its module with the unwinder.
    fn frame(&mut self, address: FrameAddress) -> RawFrame {
        let looked_up = address.address_for_lookup();
        RawFrame {
            address: address.address(),
            looked_up,
            module: self.module(looked_up),
            is_trampoline: false,
        }
    }

    fn module(&mut self, address: u64) -> Option<InModule> {
        let mapping = self.maps.at(address).filter(|m| m.executable())?;
        if let Some(known) = self.modules.get(&mapping.start) {
            return known.clone();
        }
        let module = self.load(mapping);
        self.modules.insert(mapping.start, module.clone());
        module
    }

    fn load(&mut self, mapping: &Mapping) -> Option<InModule> {
        let head = Head::read(&self.memory, self.maps, mapping);
        let image = self.images.of(&self.memory, mapping, head.as_ref());
        let segments = match (&image, &head) {
            (Some(image), _) => image.segments(),
            (None, Some(head)) => &head.segments,
            (None, None) => return None,
        };
        let bias = segments.bias(mapping.offset, mapping.start)?;
        if let Some(image) = &image {
            self.unwinder.add_module(Module::new(
                mapping.name(),
                mapping.start..mapping.end,
                bias.wrapping_add(image.segments().base),
                &**image,
            ));
        }
        let of_image = image.as_ref().and_then(|image| image.build_id());
        let build_id = of_image.or(head.as_ref().and_then(|head| head.build_id.as_deref()));
        Some(InModule {
            name: mapping.name().into(),
            build_id: build_id.map(Arc::from),
            image,
            bias,
        })
    }
}

/// Resolves the functions of these stacks in one pass over each file's symbols. Also returns the
/// files' build IDs.
pub(super) fn resolve(stacks: &[&RawStack]) -> (Vec<Vec<Frame>>, HashMap<String, String>) {
    let mut by_image: HashMap<*const Image, (Arc<Image>, HashSet<u64>)> = HashMap::new();
    let mut builds = HashMap::new();
    let all = stacks.iter().flat_map(|stack| &stack.frames);
    for (frame, module) in all.filter_map(|frame| Some((frame, frame.module.as_ref()?))) {
        if let Some(id) = &module.build_id {
            builds.insert(module.name.to_string(), id.to_string());
        }
        if let Some(image) = &module.image {
            let entry = by_image.entry(Arc::as_ptr(image));
            let (_, addresses) = entry.or_insert_with(|| (image.clone(), HashSet::new()));
            addresses.insert(frame.looked_up.wrapping_sub(module.bias));
        }
    }
    let names: HashMap<_, _> = by_image
        .into_iter()
        .map(|(key, (image, addresses))| (key, image.functions(addresses)))
        .collect();
    let named = |raw: &RawFrame| {
        let module = raw.module.as_ref();
        let function = module.and_then(|m| {
            let names = names.get(&Arc::as_ptr(m.image.as_ref()?))?;
            names.get(&raw.looked_up.wrapping_sub(m.bias))?.clone()
        });
        Frame {
            address: Hex(raw.address),
            module: module.map(|m| m.name.to_string()),
            offset: module.map(|m| Hex(raw.address.wrapping_sub(m.bias))),
            function: match raw.is_trampoline {
                true => Some(TRAMPOLINE_NAME.to_owned()),
                false => function.map(|name| name.to_string()),
            },
        }
    };
    let frames = stacks
        .iter()
        .map(|stack| stack.frames.iter().map(named).collect())
        .collect();
    (frames, builds)
}
