//! Paths and patterns of access rights.

use gateway_policy::{PathPattern, ServicePath};

use crate::input::halves;

/// What is compared is plain: no dot segments, nothing empty, nothing hidden.
pub fn service_path(data: &[u8]) {
    let Ok(raw) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(path) = ServicePath::normalize(raw) else {
        return;
    };
    let text = path.as_str();
    assert!(!text.contains("..") && !text.contains("//") && !text.contains('\\'));
    assert!(!text.chars().any(char::is_control));
    assert!(!text.split('/').any(|segment| segment == "."));
    assert!(PathPattern::any().matches(text));
    if !text.contains('%') {
        assert_eq!(ServicePath::normalize(text).as_ref(), Ok(&path));
    }
}

/// An escaped text matches itself and, without stars, nothing else; stars only add. The input is a
/// pattern, a zero byte, a path.
pub fn path_pattern(data: &[u8]) {
    let (pattern, path) = halves(data);
    let (Ok(text), Ok(path)) = (std::str::from_utf8(pattern), std::str::from_utf8(path)) else {
        return;
    };
    // Pattern × path is the work: keep one run short.
    if text.len().saturating_mul(path.len()) > 200_000 {
        return;
    }
    let pattern = PathPattern::new(text);
    let matches = pattern.matches(path);
    if !text.contains(['*', '\\']) {
        assert_eq!(matches, text == path);
    }
    let escaped = path.replace('\\', r"\\").replace('*', r"\*");
    let exact = PathPattern::new(&escaped);
    assert!(exact.matches(path));
    assert_eq!(exact.matches(text), text == path);
    assert_eq!(PathPattern::new(&pattern.to_string()), pattern);
    if matches && !path.contains(['\n', '\r']) {
        assert!(PathPattern::new(&text.replace('*', "**")).matches(path) || text.contains('\\'));
    }
}
