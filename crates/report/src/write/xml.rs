//! Writes XML element by element: a report with millions of elements is never in memory as a whole.

use std::fmt::Display;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// Spaces per level.
const INDENT: usize = 4;

type Attributes<'a> = &'a [(&'a str, &'a dyn Display)];

/// A document being written.
pub(super) struct Xml<'a> {
    out: Writer<&'a mut dyn Write>,
    open: Vec<&'static str>,
}

impl<'a> Xml<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> io::Result<Self> {
        let mut out = Writer::new_with_indent(out, b' ', INDENT);
        out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let open = Vec::new();
        Ok(Xml { out, open })
    }

    /// Opens an element with children.
    pub(super) fn open(&mut self, name: &'static str, attributes: Attributes) -> io::Result<()> {
        self.open.push(name);
        self.out.write_event(Event::Start(tag(name, attributes)))
    }

    /// Writes an empty element.
    pub(super) fn empty(&mut self, name: &'static str, attributes: Attributes) -> io::Result<()> {
        self.out.write_event(Event::Empty(tag(name, attributes)))
    }

    /// Writes an element with text; empty if there is none.
    pub(super) fn text(
        &mut self,
        name: &'static str,
        attributes: Attributes,
        text: &str,
    ) -> io::Result<()> {
        if text.is_empty() {
            return self.empty(name, attributes);
        }
        let text = valid(text.to_owned());
        self.out.write_event(Event::Start(tag(name, attributes)))?;
        self.out.write_event(Event::Text(BytesText::new(&text)))?;
        self.out.write_event(Event::End(BytesEnd::new(name)))
    }

    /// Closes the element opened last. Nothing may follow the root element.
    pub(super) fn close(&mut self) -> io::Result<()> {
        let Some(name) = self.open.pop() else {
            return Ok(());
        };
        self.out.write_event(Event::End(BytesEnd::new(name)))?;
        match self.open.is_empty() {
            true => self.out.get_mut().write_all(b"\n"),
            false => Ok(()),
        }
    }
}

fn tag<'a>(name: &'a str, attributes: Attributes) -> BytesStart<'a> {
    let mut tag = BytesStart::new(name);
    for (name, value) in attributes {
        tag.push_attribute((*name, valid(value.to_string()).as_str()));
    }
    tag
}

/// The text without characters that are invalid in XML.
fn valid(mut text: String) -> String {
    text.retain(|c| matches!(c, '\n' | '\t' | ' '..='\u{fffd}' | '\u{10000}'..));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_values_cannot_break_out() {
        let mut text = Vec::new();
        let mut xml = Xml::new(&mut text).unwrap();
        xml.open("a", &[("x", &"<'&\">\u{ffff}\u{1b}ä")]).unwrap();
        xml.empty("b", &[("n", &1)]).unwrap();
        xml.close().unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <a x="&lt;&apos;&amp;&quot;&gt;ä">
            <b n="1"/>
        </a>
        "#);
    }
}
