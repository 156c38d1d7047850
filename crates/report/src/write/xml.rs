//! Writes XML element by element: a report with millions of elements is never in memory as a whole.

use std::fmt::Display;
use std::io::{self, Write};

/// Spaces per level.
const INDENT: usize = 4;

/// A document being written.
pub(super) struct Xml<'a> {
    out: &'a mut dyn Write,
    open: Vec<&'static str>,
    /// A buffer reused for each value.
    value: String,
}

impl<'a> Xml<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> io::Result<Self> {
        out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        Ok(Xml {
            out,
            open: Vec::new(),
            value: String::new(),
        })
    }

    /// Opens an element with children.
    pub(super) fn open(
        &mut self,
        name: &'static str,
        attributes: &[(&str, &dyn Display)],
    ) -> io::Result<()> {
        self.tag(name, attributes)?;
        self.open.push(name);
        self.out.write_all(b">")
    }

    /// Writes an empty element.
    pub(super) fn empty(
        &mut self,
        name: &'static str,
        attributes: &[(&str, &dyn Display)],
    ) -> io::Result<()> {
        self.tag(name, attributes)?;
        self.out.write_all(b"/>")
    }

    /// Writes an element with text; empty if there is none.
    pub(super) fn text(
        &mut self,
        name: &'static str,
        attributes: &[(&str, &dyn Display)],
        text: &str,
    ) -> io::Result<()> {
        if text.is_empty() {
            return self.empty(name, attributes);
        }
        self.tag(name, attributes)?;
        write!(self.out, ">{}</{name}>", escaped(text))
    }

    /// Closes the element opened last. Nothing may follow the root element.
    pub(super) fn close(&mut self) -> io::Result<()> {
        let Some(name) = self.open.pop() else {
            return Ok(());
        };
        self.new_line()?;
        write!(self.out, "</{name}>")?;
        match self.open.is_empty() {
            true => self.out.write_all(b"\n"),
            false => Ok(()),
        }
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &dyn Display)]) -> io::Result<()> {
        self.new_line()?;
        write!(self.out, "<{name}")?;
        for (name, value) in attributes {
            self.value.clear();
            let _ = std::fmt::Write::write_fmt(&mut self.value, format_args!("{value}"));
            write!(self.out, " {name}=\"")?;
            self.out.write_all(escaped(&self.value).as_bytes())?;
            self.out.write_all(b"\"")?;
        }
        Ok(())
    }

    fn new_line(&mut self) -> io::Result<()> {
        write!(self.out, "\n{:1$}", "", INDENT * self.open.len())
    }
}

/// An attribute value or text. Characters invalid in XML are left out.
fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    let plain = |c: char| {
        !matches!(c, '<' | '>' | '&' | '\'' | '"' | '\u{fffe}' | '\u{ffff}')
            && (c >= ' ' || matches!(c, '\n' | '\t'))
    };
    if text.chars().all(plain) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            c if plain(c) => out.push(c),
            _ => {}
        }
    }
    out.into()
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
