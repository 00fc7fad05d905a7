//! What a command of the operator is given, and what is said of its end.

use std::path::Path;
use std::time::Duration;

use super::super::{Command, Failed};

const LONG: Duration = Duration::from_secs(60);

async fn run(text: &str, dir: &Path) -> Result<String, Failed> {
    Command::new(text, LONG).run(dir).await
}

#[tokio::test]
async fn runs_in_the_folder_of_the_archives_by_a_shell() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mlog-1.zip"), "x").unwrap();
    let said = run(
        "cat; for f in *.zip; do echo \"$f\"; done; echo done >&2",
        dir.path(),
    );
    assert_eq!(said.await.unwrap(), "mlog-1.zip\ndone");
}

#[tokio::test]
async fn tells_the_status_of_a_failure_and_the_end_of_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let failed = run("echo no room >&2; exit 3", dir.path())
        .await
        .unwrap_err();
    assert!(matches!(&failed, Failed::Status { status, .. } if status.code() == Some(3)));
    assert_eq!(failed.output(), "no room");
    // That is for the operator's own log: it may hold anything.
    assert!(!failed.to_string().contains("no room"), "{failed}");
    let failed = run("kill -TERM $$", dir.path()).await.unwrap_err();
    assert!(failed.to_string().contains("signal: 15"), "{failed}");
}

#[tokio::test]
async fn keeps_only_the_end_of_long_output() {
    let dir = tempfile::tempdir().unwrap();
    let said = run(
        "for i in {1..20000}; do echo line $i; done; echo last",
        dir.path(),
    );
    let said = said.await.unwrap();
    assert!(said.starts_with('…') && said.ends_with("last"));
    assert!(said.len() < 5000, "{}", said.len());
}

#[tokio::test]
async fn ends_a_command_that_takes_too_long_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let text = "sleep 1000 & echo $! > child; echo begun; wait";
    let failed = Command::new(text, Duration::from_secs(2))
        .run(dir.path())
        .await;
    let Err(Failed::Late { output, .. }) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(output, "begun");
    let child = std::fs::read_to_string(dir.path().join("child")).unwrap();
    // It was killed; on a busy machine it takes a moment until it is gone.
    let gone = async {
        while runs(child.trim()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), gone).await;
    assert!(waited.is_ok(), "{child}");
}

#[tokio::test]
async fn ends_a_command_that_nobody_waits_for_any_more_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let child = dir.path().join("child");
    let text = "sleep 1000 & echo $! > part; mv part child; wait";
    let command = Command::new(text, LONG);
    let begun = async {
        while !child.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        ended = command.run(dir.path()) => panic!("{ended:?}"),
        () = begun => {}
    }
    let child = std::fs::read_to_string(child).unwrap();
    let gone = async {
        while runs(child.trim()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), gone).await;
    assert!(waited.is_ok(), "{child}");
}

/// Neither gone nor waiting to be collected by the system's first process.
fn runs(process: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn does_not_wait_for_what_a_command_left_running() {
    let dir = tempfile::tempdir().unwrap();
    let said = run("sleep 1000 & echo $! > child; echo done", dir.path());
    assert_eq!(said.await.unwrap(), "done");
    let child = std::fs::read_to_string(dir.path().join("child")).unwrap();
    std::process::Command::new("kill")
        .arg(child.trim())
        .status()
        .unwrap();
}

#[tokio::test]
async fn a_command_that_cannot_be_run_is_an_error() {
    let missing = Path::new("/nonexistent/archive");
    let failed = run("true", missing).await.unwrap_err();
    assert!(matches!(failed, Failed::Run(_)), "{failed:?}");
}
