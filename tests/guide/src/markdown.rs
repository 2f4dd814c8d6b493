// The code blocks of a Markdown file. A fragment that the build script, the sample tests and the tests of the command
// include.

/// A code block.
#[derive(Debug)]
pub(crate) struct Block {
    /// The number of the line of the opening fence, from 1.
    pub(crate) line: usize,
    /// The info string, such as `rust,no_run`.
    pub(crate) info: String,
    /// The text of an HTML comment right before the block: settings of the fake org.
    pub(crate) settings: String,
    pub(crate) text: String,
}

impl Block {
    pub(crate) fn language(&self) -> &str {
        self.info.split(',').next().unwrap_or_default()
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.info.split(',').skip(1).any(|it| it == word)
    }

    /// The records per list that the comment sets, such as `getRoutingQueues=1200`; `calls=300` is the rate limit.
    pub(crate) fn lists(&self) -> Vec<(&str, u64)> {
        let words = self.settings.split_whitespace();
        let pairs = words.filter_map(|word| word.split_once('='));
        pairs.filter_map(|(name, count)| Some((name, count.parse().ok()?))).collect()
    }
}

/// Returns the fenced blocks in order.
pub(crate) fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut settings = String::new();
    for (index, line) in markdown.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, Some(info)) => {
                let settings = std::mem::take(&mut settings);
                open = Some(Block {
                    line: index + 1,
                    info: info.trim().to_owned(),
                    settings,
                    text: String::new(),
                });
            }
            (None, None) => {
                let comment = line.strip_prefix("<!--").and_then(|it| it.strip_suffix("-->"));
                settings = comment.unwrap_or_default().to_owned();
            }
        }
    }
    blocks
}
