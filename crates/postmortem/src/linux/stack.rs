//! From registers to a stack of addresses, and from addresses to functions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use framehop::{FrameAddress, Module, Unwinder as _};

use super::arch::{Cache, Registers, SIGINFO, TRAMPOLINE, TRAMPOLINE_NAME, UnwindRegs, Unwinder};
use super::head::Head;
use super::image::{Image, Part};
use super::images::Images;
use super::maps::{Mapping, Maps};
use super::memory::{Memory, Source};
use crate::crash::{Frame, Hex};

/// An address of a stack, and the file that it lies in.
#[derive(Clone)]
pub(super) struct RawFrame {
    address: u64,
    /// What to look for: the call is in front of the address that it returns to.
    looked_up: u64,
    module: Option<InModule>,
    /// Whether this is the kernel's return from a signal handler.
    is_trampoline: bool,
}

#[derive(Clone)]
struct InModule {
    name: Arc<str>,
    /// `None` if the file that is mapped is not known for sure: then there is no function, and no way to the caller.
    image: Option<Arc<Image>>,
    build_id: Option<Arc<str>>,
    bias: u64,
}

/// A signal handler on a stack.
#[derive(Clone)]
pub(super) struct Interruption {
    /// The registers that the thread had when the signal came.
    pub(super) registers: Registers,
    /// Where the siginfo_t is, if the handler asked for one.
    pub(super) siginfo: [u64; 3],
    /// The first frame of what was interrupted.
    pub(super) first: usize,
}

/// A stack of addresses.
#[derive(Clone, Default)]
pub(super) struct RawStack {
    pub(super) frames: Vec<RawFrame>,
    /// The signal handlers on it, the innermost first.
    pub(super) interruptions: Vec<Interruption>,
    /// Whether it was followed to its beginning.
    pub(super) complete: bool,
}

impl RawStack {
    /// What the signal handler was called on top of.
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

    /// The files on the stack that are not known for sure, and whether they have a build id.
    pub(super) fn unknown_files(&self) -> BTreeMap<String, bool> {
        let modules = self.frames.iter().filter_map(|frame| frame.module.as_ref());
        modules
            .filter(|module| module.image.is_none())
            .map(|module| (module.name.to_string(), module.build_id.is_some()))
            .collect()
    }

    /// How many frames there are before the first signal handler was called.
    pub(super) fn innermost(&self) -> usize {
        let len = self.frames.len();
        (self.interruptions.first()).map_or(len, |by| by.first.min(len))
    }
}

/// What is needed to follow the stacks of a stopped process.
pub(super) struct Walker<'a> {
    maps: &'a Maps,
    images: &'a Images,
    memory: Memory,
    unwinder: Unwinder<Part>,
    cache: Cache,
    /// By where the executable pages begin. Only those that a stack went through.
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

    /// The stack of a thread with these registers, at most `cap` frames of it.
    pub(super) fn walk(&mut self, registers: &Registers, cap: usize) -> RawStack {
        let mut stack = RawStack::default();
        // The unwinder is of 64-bit programs.
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

    /// Where following the stack begins: at the program counter, or in its caller if there is no code.
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

    /// The last frame is the return from a signal handler: what the signal interrupted.
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
        // A core file has no code; the file that was mapped has.
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

    /// The frame at an address. Its module is known to the unwinder from now on.
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
                bias.wrapping_add(image.base()),
                image.sections(),
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

/// The frames of stacks with their functions; each file's symbols are passed over once. With the build ids of the files.
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
        .map(|(key, (image, addresses))| {
            let addresses: Vec<u64> = addresses.into_iter().collect();
            (key, image.functions(&addresses))
        })
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
