//! Which user of the system is at the command line.

use std::os::unix::fs::MetadataExt as _;

/// The user's name, or `uid-` and the number when it has none.
pub(super) fn name() -> String {
    // The folder of a process belongs to its effective user.
    let Ok(process) = std::fs::metadata("/proc/self") else {
        return "unknown".to_owned();
    };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(&users, process.uid())
}

fn named(users: &str, uid: u32) -> String {
    let found = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid && !name.is_empty()).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| format!("uid-{uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_names_by_number() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\n# comment\naysel:x:1000:1000::/var/lib/aysel:\n";
        assert_eq!(named(users, 1000), "aysel");
        assert_eq!(named(users, 7), "uid-7");
    }
}
