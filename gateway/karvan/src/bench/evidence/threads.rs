//! What the threads of a process have used, as the system counts it.

use std::fs;
use std::path::Path;

use super::measure::real;

/// CPU time of a process so far. Microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Used {
    /// Of all threads that are alive.
    pub(super) all_us: f64,
    /// Of those that commit, index and hash what is logged.
    pub(super) log_us: f64,
}

impl Used {
    /// `None`: the system does not say.
    pub(super) fn by(pid: Option<u32>) -> Option<Self> {
        Self::told(&Path::new("/proc").join(pid?.to_string()).join("task"))
    }

    fn told(tasks: &Path) -> Option<Self> {
        let mut used = Self::default();
        for task in fs::read_dir(tasks).ok()? {
            let task = task.ok()?.path();
            // A thread may end between the two.
            let Ok(name) = fs::read_to_string(task.join("comm")) else {
                continue;
            };
            let Ok(line) = fs::read_to_string(task.join("schedstat")) else {
                continue;
            };
            let nanoseconds: u64 = line.split_whitespace().next()?.parse().ok()?;
            let us = real(nanoseconds) / 1000.0;
            used.all_us += us;
            if name.starts_with(LOG) {
                used.log_us += us;
            }
        }
        Some(used)
    }

    /// What was used since.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            all_us: self.all_us - before.all_us,
            log_us: self.log_us - before.log_us,
        }
    }
}

/// How the names of the log's threads begin.
const LOG: &str = "log-";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Used;

    #[test]
    fn threads_of_the_log_are_told_from_the_others() {
        let folder = tempfile::tempdir().unwrap();
        for (id, name, stat) in [
            ("1", "karvan\n", "5000000 1 2\n"),
            ("2", "log-committer\n", "2000000 1 2\n"),
            ("3", "log-tree\n", "1000000 1 2\n"),
        ] {
            let task = folder.path().join(id);
            std::fs::create_dir(&task).unwrap();
            std::fs::write(task.join("comm"), name).unwrap();
            std::fs::write(task.join("schedstat"), stat).unwrap();
        }
        // One that has ended.
        std::fs::create_dir(folder.path().join("4")).unwrap();
        let used = Used::told(folder.path()).unwrap();
        assert!((used.all_us - 8000.0).abs() < 1e-6, "{used:?}");
        assert!((used.log_us - 3000.0).abs() < 1e-6, "{used:?}");
        let later = Used {
            all_us: 9000.0,
            log_us: 3500.0,
        };
        let since = later.since(used);
        assert!((since.all_us - 1000.0).abs() < 1e-6, "{since:?}");
        assert!((since.log_us - 500.0).abs() < 1e-6, "{since:?}");
        assert_eq!(Used::told(Path::new("/nowhere/at/all")), None);
        assert_eq!(Used::by(None), None);
    }
}
