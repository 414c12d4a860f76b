//! How much of a file is taken, and why: a reader's memory depends on these numbers and never on the file's size.

/// Attributes of one tag. Real reports have at most about 15; each costs a comparison with every known name.
pub const ATTRIBUTES_PER_TAG: usize = 256;

/// Bytes of one tag with its attributes. A failure message sits in an attribute and may be long; a tag of this size is
/// a missing quote or an attack, and it must be in memory as a whole.
pub const TAG_BYTES: u64 = 1 << 20;

/// Bytes of a DOCTYPE that only names a grammar; the longest in use (XHTML's) has 120.
pub const DOCTYPE_BYTES: usize = 1_024;

/// Nested elements. The deepest real report has 9; every open element costs memory until it is closed.
pub const DEPTH: usize = 256;

/// Characters of an error's message, of notes, of a property: what fits a Jira comment's summary of a failure.
pub const MESSAGE_CHARS: usize = 8_192;

/// Characters of an error's details or of a document field: what fits a Jira description (32,767) as a whole.
pub const DETAILS_CHARS: usize = 32_768;

/// Characters of what a test printed. Output is the least read and the largest part of a report.
pub const OUTPUT_CHARS: usize = 8_192;

/// Characters of a name, a class or a file path: longer than any path a file system allows.
pub const NAME_CHARS: usize = 4_096;

/// Properties of one suite or test; a Maven suite carries about 60 system properties.
pub const PROPERTIES: usize = 256;

/// Attachments of one test.
pub const ATTACHMENTS: usize = 256;

/// Steps of one test; a Robot Framework test with loops can log thousands, of which nobody reads the last.
pub const STEPS: usize = 512;

/// Bytes of an attachment whose content stands in the report itself: a full-page screenshot has about 2 MB.
pub const EMBEDDED_BYTES: usize = 8 << 20;

/// Bytes of all contents that one test embeds.
pub const EMBEDDED_BYTES_PER_TEST: usize = 16 << 20;

/// Bytes of one JSON string: an embedded attachment in base64. What follows is dropped before it reaches memory.
pub const JSON_STRING_BYTES: usize = EMBEDDED_BYTES / 3 * 4 + 4;

/// Bytes of results that wait for the name of their suite, which a JSON report may write behind them.
pub const JSON_HELD_BYTES: usize = 24 << 20;

/// Bytes of scenarios that a Cucumber run defines and has not run: about 100,000 of them.
pub const DEFINED_BYTES: usize = 48 << 20;

/// Elements and attributes that one test's element may hold in memory as a tree; what follows is passed over.
pub const NODES_PER_ELEMENT: usize = 20_000;

/// Bytes of text that one test's element may hold in memory as a tree.
pub const TEXT_PER_ELEMENT: usize = 4 << 20;

/// Bytes kept of one running text before it is cleaned and cut: the largest text in the widest encoding, and as much
/// again for escape sequences that cleaning removes.
pub const RAW_TEXT_BYTES: usize = DETAILS_CHARS * 8;

/// Bytes of the results that wait for what their file says of them further down: about 40,000 of usual size.
pub const HELD_BYTES: usize = 40 << 20;

/// Problems of one file that are reported one by one; a person reads no more, and the rest is counted.
pub const PROBLEMS_PER_FILE: usize = 1_000;

/// Characters of a problem's message and of its subject.
pub const PROBLEM_CHARS: usize = 300;

/// Bytes of the beginning of a file by which its format is recognised.
pub const HEAD_BYTES: usize = 64 * 1024;

/// Bytes of one CSV row, embedded line breaks included. A quote that is never closed ends here.
pub const ROW_BYTES: usize = 1 << 20;

/// Columns of one CSV row.
pub const COLUMNS: usize = 256;

/// Stands at the end of a text that was cut.
pub const CUT_MARK: &str = "\n[... cut here]";
