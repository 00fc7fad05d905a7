//! Module headers, lengths, and words that have no place.

/// Lines of a file before it is looked at for the second noun.
const LINES_MAX: usize = 600;

/// Files that are longer, with the reason. One that has become shorter must go from this list.
const LONG: [(&str, &str); 8] = [
    (
        "gateway/xml/src/document.rs",
        "one arena and its builder; taking them apart would bare its fields",
    ),
    (
        "gateway/xml/src/reader.rs",
        "one state machine over one buffer",
    ),
    (
        "gateway/store/src/segment/tests.rs",
        "one case after the other of what a disk can lose",
    ),
    (
        "gateway/net/tests/it/peer.rs",
        "one peer that misbehaves in every way",
    ),
    (
        "gateway/proto/src/soap/tests.rs",
        "one case per check, in the order of the checks",
    ),
    (
        "gateway/registry/src/command/tests.rs",
        "one case per command and refusal",
    ),
    (
        "certs/x509/src/ocsp/tests.rs",
        "one case per field that a responder may get wrong",
    ),
    (
        "certs/x509/src/timestamp/tests.rs",
        "one case per field that an authority may get wrong",
    ),
];

/// Texts that no file of ours holds, with the reason.
fn forbidden_in_rust() -> [(&'static str, &'static str); 2] {
    [
        (concat!("todo", "!("), "what is not there is not offered"),
        (
            concat!("unimplemented", "!("),
            "what is not there is not offered",
        ),
    ]
}

/// Folders of the machines that people and programs work on.
const MACHINE_FOLDERS: [&str; 4] = ["work", "tmp", "root", "home"];

/// A module whose file does not say what it is.
pub fn headless(path: &str, text: &str) -> Option<String> {
    let is_module = path.ends_with(".rs") && path.contains("/src/");
    if !is_module || path.ends_with("/tests.rs") || text.starts_with("//!") {
        return None;
    }
    Some(format!(
        "{path} must open with `//!` and a sentence that says what the module is"
    ))
}

/// A file that is too long, or is listed as long and is not.
pub fn long(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    let listed = LONG.iter().any(|(long, _)| *long == path);
    match (path.ends_with(".rs") && lines > LINES_MAX, listed) {
        (true, false) => Some(format!(
            "{path} has {lines} lines, more than {LINES_MAX}: look for the second noun in it"
        )),
        (false, true) => Some(format!(
            "{path} has {lines} lines: take it off the list in conformance/tidy/src/source.rs"
        )),
        (true, true) | (false, false) => None,
    }
}

/// Files on the list of long ones that are no more.
pub fn gone(paths: &[&str]) -> Vec<String> {
    let gone = LONG.iter().filter(|(path, _)| !paths.contains(path));
    gone.map(|(path, _)| format!("{path} is on the list of long files and does not exist"))
        .collect()
}

/// Words that have no place in the code.
pub fn words(path: &str, text: &str) -> Vec<String> {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        for (word, why) in forbidden_in_rust() {
            if line.contains(word) {
                complaints.push(format!("{path}:{number}: `{word}`: {why}"));
            }
        }
        if is_unsafe(line) {
            complaints.push(format!("{path}:{number}: everything here is safe code"));
        }
    }
    complaints
}

/// The keyword before a block or an item.
fn is_unsafe(line: &str) -> bool {
    let keyword = concat!("uns", "afe ");
    let items = ["{", "fn ", "impl", "trait ", "extern "];
    line.match_indices(keyword).any(|(at, _)| {
        let rest = line
            .get(at..)
            .and_then(|rest| rest.strip_prefix(keyword))
            .unwrap_or_default();
        items.iter().any(|item| rest.trim_start().starts_with(item))
    })
}

/// Paths that are right on one machine only.
pub fn machine_paths(path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        for folder in MACHINE_FOLDERS {
            let needle = format!("/{folder}/");
            let mut found = line.match_indices(&needle);
            // Within a longer path it is just a name.
            let begins = |at: usize| {
                let before = line.get(..at).and_then(|before| before.chars().next_back());
                before.is_none_or(|c| !c.is_alphanumeric() && !"._-}*>~".contains(c))
            };
            if found.any(|(at, _)| begins(at)) {
                complaints.push(format!(
                    "{path}:{number}: `{needle}…` is a path of one machine"
                ));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wants_a_header_in_every_module() {
        assert_eq!(headless("a/src/b.rs", "//! What it is.\n"), None);
        assert_eq!(headless("a/src/b/tests.rs", "use super::*;"), None);
        assert_eq!(headless("a/tests/it/b.rs", "use super::*;"), None);
        assert!(headless("a/src/b.rs", "use super::*;").is_some());
        assert!(headless("a/src/b.rs", "").is_some());
    }

    #[test]
    fn wants_files_that_can_be_read_in_one_go() {
        assert_eq!(long("a/src/b.rs", &"x\n".repeat(600)), None);
        assert_eq!(long("a/b.md", &"x\n".repeat(700)), None);
        assert!(long("a/src/b.rs", &"x\n".repeat(601)).is_some());
        let (listed, reason) = LONG[0];
        assert!(!reason.is_empty());
        assert_eq!(long(listed, &"x\n".repeat(601)), None);
        assert!(long(listed, "x\n").is_some_and(|complaint| complaint.contains("off the list")));
        assert_eq!(gone(&[]).len(), LONG.len());
    }

    #[test]
    fn finds_words_that_have_no_place() {
        let check = |text: &str, expected: usize| {
            assert_eq!(words("a/src/b.rs", text).len(), expected, "{text}");
        };
        check(concat!("fn a() { todo", "!() }\n"), 1);
        check(concat!("x\nuns", "afe { x }\nuns", "afe fn x() {}"), 2);
        check("unsafe_code = \"forbid\" // nothing unsafe", 0);
        assert_eq!(words("a.md", concat!("todo", "!(x)")), [""; 0]);
    }

    #[test]
    fn finds_paths_of_a_machine() {
        let check = |text: &str, expected: usize| {
            assert_eq!(machine_paths("a", text).len(), expected, "{text}");
        };
        check(concat!("read \"/wo", "rk/x\"\n/tm", "p/y"), 2);
        check(
            concat!(
                "https://host.example/ro",
                "ot/x and a/tm",
                "p/b and $DIR}/tm",
                "p/c"
            ),
            0,
        );
    }
}
