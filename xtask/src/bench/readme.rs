//! The README's section that is an output of the benchmark.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

const BEGIN: &str = "<!-- cargo xtask bench -->";
const END: &str = "<!-- end -->";
/// What the section stands before where it is new.
const NEXT: &str = "## The code\n";

/// Puts the section into the README, in place of the one from before.
pub(super) fn put(workspace: &Workspace, section: &str) -> Result<()> {
    let path = workspace.root().join("README.md");
    let old = fs::read_to_string(&path).context("README.md cannot be read")?;
    fs::write(&path, replaced(&old, section)?).context("README.md cannot be written")
}

fn replaced(readme: &str, section: &str) -> Result<String> {
    let section = format!("{BEGIN}\n{}\n{END}", section.trim());
    if let Some((before, rest)) = readme.split_once(BEGIN) {
        let Some((_, after)) = rest.split_once(END) else {
            bail!(
                "README.md has `{BEGIN}` and no `{END}` after it\n\
                 what to do: remove the first, or add the second"
            );
        };
        return Ok(format!("{before}{section}{after}"));
    }
    let Some(place) = readme.find(&format!("\n{NEXT}")) else {
        bail!("README.md has neither `{BEGIN}` nor `{}`", NEXT.trim());
    };
    let (before, after) = readme.split_at(place + 1);
    Ok(format!("{before}{section}\n\n{after}"))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn the_section_is_put_in_once_and_replaced_from_then_on() {
        let first = replaced("# x\n\ntext\n\n## The code\n\nmore\n", "## Speed\n\n1\n");
        let first = first.expect("there is a place for it");
        assert_eq!(
            first,
            "# x\n\ntext\n\n<!-- cargo xtask bench -->\n## Speed\n\n1\n<!-- end -->\n\n## The code\n\nmore\n"
        );
        let second = replaced(&first, "## Speed\n\n2").expect("there are markers");
        assert_eq!(second, first.replace('1', "2"));
    }

    #[test]
    fn a_readme_without_a_place_is_an_error() {
        replaced("# x\n", "y").expect_err("no place");
        replaced("<!-- cargo xtask bench -->\n## The code\n", "y").expect_err("no end");
    }
}
