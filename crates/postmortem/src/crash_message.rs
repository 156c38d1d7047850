//! Adds the failure message that a program printed to its crash and signature.

use crate::crash::{Crash, Kind as Death};
use crate::message::{Kind, Message, find};
use crate::signature::{add_message, is_about_to_say};

impl Crash {
    /// Finds the failure message at the end of standard error and adds it to the evidence and the
    /// signature.
    pub fn read_stderr(&mut self, stderr: &[u8]) {
        if self.kind == Death::Hang || self.message.is_some() {
            return;
        }
        let messages = find(stderr);
        let shows = |kind| match kind {
            // Most C libraries have no symbols for internal allocator functions, so the class
            // identifies the allocator by its caller.
            Kind::Malloc if self.class == "ABRT_MALLOC" => true,
            kind => is_about_to_say(kind, self),
        };
        match choose(&messages, shows) {
            Ok(None) => {}
            Ok(Some(message)) => self.set_message(message),
            Err(()) => self.notes.push(
                "standard error has several messages of this kind, so none is assigned to this crash"
                    .into(),
            ),
        }
    }

    pub(crate) fn set_message(&mut self, message: &Message) {
        // The stack explains a memory fault. A message only says what the program was doing at the
        // time.
        let is_fault =
            self.class.starts_with("SEGV") || matches!(&*self.class, "SIGSEGV" | "SIGBUS");
        if !is_fault {
            self.signature = add_message(&self.signature, &message.key());
        }
        self.message = Some(message.text.clone());
    }
}

/// The message whose kind the stack confirms: `Ok(None)` if there is none, `Err` if several qualify
/// and the right one is unknown.
fn choose(messages: &[Message], shows: impl Fn(Kind) -> bool) -> Result<Option<&Message>, ()> {
    let mut fitting = messages.iter().filter(|m| shows(m.kind));
    let Some(last) = fitting.next_back() else {
        return Ok(None);
    };
    let sure = last.kind.is_survivable() || fitting.all(|m| m.key() == last.key());
    if sure { Ok(Some(last)) } else { Err(()) }
}
