//! From registers to a stack of addresses, and from addresses to functions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use framehop::{FrameAddress, Module, Unwinder as _};

use super::arch::{Cache, Registers, UnwindRegs, Unwinder};
use super::image::{Image, Part};
use super::images::Images;
use super::maps::{Mapping, Maps};
use super::memory::Memory;
use crate::crash::{Frame, Hex};

/// An address of a stack, and the file that it lies in.
#[derive(Clone)]
pub(super) struct RawFrame {
    address: u64,
    /// What to look for: the call is in front of the address that it returns to.
    looked_up: u64,
    module: Option<InModule>,
}

#[derive(Clone)]
struct InModule {
    name: Arc<str>,
    image: Arc<Image>,
    bias: u64,
}

/// A stack of addresses.
#[derive(Clone, Default)]
pub(super) struct RawStack {
    pub(super) frames: Vec<RawFrame>,
    /// Whether it was followed to its beginning.
    pub(super) complete: bool,
}

/// What is needed to follow the stacks of a stopped process.
pub(super) struct Walker<'a> {
    pid: i32,
    maps: &'a Maps,
    images: &'a Images,
    memory: Memory,
    unwinder: Unwinder<Part>,
    cache: Cache,
    /// By where the executable pages begin. Only those that a stack went through.
    modules: HashMap<u64, Option<InModule>>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(pid: i32, maps: &'a Maps, images: &'a Images) -> Self {
        Walker {
            pid,
            maps,
            images,
            memory: Memory::of(pid),
            unwinder: Unwinder::new(),
            cache: Cache::new(),
            modules: HashMap::new(),
        }
    }

    /// The stack of a thread with these registers, at most `cap` frames of it.
    pub(super) fn walk(&mut self, registers: &Registers, cap: usize) -> RawStack {
        let mut stack = RawStack::default();
        let mut regs = registers.unwind();
        let mut address = FrameAddress::from_instruction_pointer(registers.pc());
        if !self.is_code(registers.pc()) {
            stack.frames.push(self.frame(address));
            let mut word = |at| self.memory.word(at);
            match registers.caller(&mut word) {
                Some((back, caller)) if self.is_code(back) => {
                    regs = caller;
                    match FrameAddress::from_return_address(back) {
                        Some(caller) => address = caller,
                        None => return stack,
                    }
                }
                _ => return stack,
            }
        }
        while stack.frames.len() < cap {
            stack.frames.push(self.frame(address));
            match self.step(address, &mut regs) {
                Ok(Some(caller)) => address = caller,
                Ok(None) => {
                    stack.complete = true;
                    break;
                }
                Err(framehop::Error::ReturnAddressIsNull) => {
                    stack.complete = true;
                    break;
                }
                Err(_) => break,
            }
        }
        stack
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
        let image = self.images.of(self.pid, mapping, &self.memory)?;
        let bias = image.bias(mapping.offset, mapping.start)?;
        let name: Arc<str> = mapping.name().into();
        self.unwinder.add_module(Module::new(
            name.to_string(),
            mapping.start..mapping.end,
            bias.wrapping_add(image.base()),
            image.sections(),
        ));
        Some(InModule { name, image, bias })
    }
}

/// The frames of stacks with their functions; each file's symbols are passed over once. With the build ids of the files.
pub(super) fn resolve(stacks: &[&RawStack]) -> (Vec<Vec<Frame>>, HashMap<String, String>) {
    let mut by_image: HashMap<*const Image, (Arc<Image>, HashSet<u64>)> = HashMap::new();
    let mut builds = HashMap::new();
    let all = stacks.iter().flat_map(|stack| &stack.frames);
    for (frame, module) in all.filter_map(|frame| Some((frame, frame.module.as_ref()?))) {
        let entry = by_image.entry(Arc::as_ptr(&module.image));
        let (_, addresses) = entry.or_insert_with(|| (module.image.clone(), HashSet::new()));
        addresses.insert(frame.looked_up.wrapping_sub(module.bias));
        if let Some(id) = module.image.build_id() {
            builds.insert(module.name.to_string(), id.to_owned());
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
            let names = names.get(&Arc::as_ptr(&m.image))?;
            names.get(&raw.looked_up.wrapping_sub(m.bias))?.clone()
        });
        Frame {
            address: Hex(raw.address),
            module: module.map(|m| m.name.to_string()),
            offset: module.map(|m| Hex(raw.address.wrapping_sub(m.bias))),
            function: function.map(|name| name.to_string()),
        }
    };
    let frames = stacks
        .iter()
        .map(|stack| stack.frames.iter().map(named).collect())
        .collect();
    (frames, builds)
}
