//! The fenced blocks of a README and the commands in them.

/// A fenced block of a README.
pub(super) struct Block {
    /// The line of the opening fence.
    pub(super) line: usize,
    pub(super) language: String,
    pub(super) text: String,
}

pub(super) fn blocks(readme: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = readme.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(language) = line.strip_prefix("```") else {
            continue;
        };
        let inside = lines
            .by_ref()
            .map(|(_, line)| line)
            .take_while(|line| *line != "```");
        blocks.push(Block {
            line: number + 1,
            language: language.to_owned(),
            text: inside.map(|line| format!("{line}\n")).collect(),
        });
    }
    blocks
}

impl Block {
    /// The commands in the block. A backslash at the end of a line continues the command.
    pub(super) fn commands(&self) -> Vec<String> {
        let text = self.text.replace("\\\n", "");
        let commands = text
            .lines()
            .filter_map(|line| match self.language.as_str() {
                "console" => line.strip_prefix("$ "),
                "sh" => Some(line).filter(|line| !line.is_empty() && !line.starts_with('#')),
                _ => None,
            });
        commands.map(str::to_owned).collect()
    }
}

/// The commands in inline code, each with its line.
pub(super) fn commands_in_text(readme: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_block = false;
    for (number, line) in (1..).zip(readme.lines()) {
        is_block ^= line.starts_with("```");
        let spans = line.split('`').skip(1).step_by(2);
        let commands = spans.filter(|span| !is_block && span.starts_with("crashrate "));
        found.extend(commands.map(|command| (number, command.to_owned())));
    }
    found
}
