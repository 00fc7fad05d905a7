//! A full disk: exchanges are refused, nothing acknowledged is lost, and it is over by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_store::segment::Scan;

use crate::country::eventually;
use crate::evidence::country;
use crate::faults::audited;
use crate::load::check_log;
use crate::transparency::copy;
use crate::wire;

/// A small file system in memory; it goes with its owner.
struct Disk(PathBuf);

impl Disk {
    /// Puts a folder with all that is in it on one. `None`, and a word about it, without the right.
    fn under(folder: &Path) -> Option<Self> {
        let beside = folder.with_extension("beside");
        std::fs::rename(folder, &beside).unwrap();
        std::fs::create_dir(folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"])
            .arg(folder)
            .output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        copy(&beside, folder);
        std::fs::remove_dir_all(beside).unwrap();
        if !is_mounted {
            println!("not run: only root can mount a small disk");
        }
        is_mounted.then(|| Self(folder.to_owned()))
    }

    /// Leaves no room on it.
    fn fill(&self) {
        let file = std::fs::File::create(self.filler()).unwrap();
        for bytes in [1 << 20, 4096, 1] {
            let block = vec![b'x'; bytes];
            while std::io::Write::write_all(&mut &file, &block).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Also when somebody still uses it: it goes with the last.
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What callers saw.
#[derive(Default)]
struct Seen {
    acknowledged: Mutex<Vec<String>>,
    faults: Mutex<BTreeMap<String, usize>>,
}

impl Seen {
    fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    fn faults(&self, code: &str) -> usize {
        self.faults
            .lock()
            .unwrap()
            .get(code)
            .copied()
            .unwrap_or_default()
    }
}

struct Ended<'d>(&'d AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_full_disk_refuses_exchanges_loses_none_and_is_over_once_there_is_room() {
    let Some(country) = country(1) else {
        return;
    };
    let nodes = [
        ("din", "server.serverproxy.logging_failed"),
        ("iria", "server.clientproxy.logging_failed"),
    ];
    let disks: Option<Vec<Disk>> = nodes
        .iter()
        .map(|(node, _)| Disk::under(&country.data(node)))
        .collect();
    let Some(disks) = disks else { return };
    let running = country.start_with(&["din", "iria"], &["iamas"]);
    // Gone before the country's folder is.
    let disks = disks;
    let (seen, done) = (Seen::default(), AtomicBool::new(false));

    std::thread::scope(|scope| {
        // A panic in here must not leave the callers calling.
        let _ended = Ended(&done);
        let portal = running.country.addresses();
        for caller in 0..4 {
            let (seen, done) = (&seen, &done);
            scope.spawn(move || {
                for number in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let id = format!("full-{caller}-{number}");
                    let answer = portal.person("0TEST01", &id).unwrap();
                    match answer.fault() {
                        None if answer.status == 200 => seen.acknowledged.lock().unwrap().push(id),
                        fault => {
                            let code = fault.unwrap_or_else(|| answer.head.clone());
                            *seen.faults.lock().unwrap().entry(code).or_default() += 1;
                        }
                    }
                }
            });
        }
        for (disk, (full, code)) in disks.iter().zip(nodes) {
            let before = seen.acknowledged();
            eventually("exchanges", || seen.acknowledged() >= before + 20);
            disk.fill();
            eventually("a clear fault", || seen.faults(code) >= 20);
            for (node, _) in nodes {
                let alive = wire::get(running.country.health(node), "/healthz", &[]);
                assert_eq!(alive.status, 200);
            }
            let ready = || wire::get(running.country.health(full), "/readyz", &[]).text();
            let said = ready();
            assert!(said.contains("degraded: exchanges are refused"), "{said}");
            disk.free();
            let before = seen.acknowledged();
            eventually("it goes on", || seen.acknowledged() >= before + 20);
            let said = ready();
            assert!(!said.contains("exchanges are refused"), "{said}");
        }
    });
    let codes: BTreeSet<String> = seen.faults.lock().unwrap().keys().cloned().collect();
    assert_eq!(
        codes,
        nodes.iter().map(|(_, code)| (*code).to_owned()).collect()
    );

    for (node, _) in nodes {
        let place = running.country.transparency(node);
        let segments = running.country.data(node).join("log/segments");
        let records = Scan::open(&segments).unwrap().count();
        eventually("the tree has all records", || {
            let checkpoint = wire::get(place, "/checkpoint", &[]).text();
            let size = checkpoint.lines().nth(1).and_then(|size| size.parse().ok());
            // Stamps go on being logged.
            size.is_some_and(|size: usize| size >= records)
        });
        let ready = || wire::get(running.country.health(node), "/readyz", &[]);
        eventually("all is stamped", || !ready().text().contains("time stamp"));
        let ready = ready();
        assert!(
            ready.status == 200 && !ready.text().contains("does not grow"),
            "{}",
            ready.text()
        );
    }
    let country = running.stop();
    let acknowledged = seen.acknowledged.into_inner().unwrap();
    for (node, side) in [("din", "provider"), ("iria", "consumer")] {
        let messages = check_log(&country.data(node));
        for id in &acknowledged {
            for direction in ["request", "response"] {
                let wanted = (side.to_owned(), direction.to_owned(), id.clone());
                assert!(
                    messages.contains(&wanted),
                    "{node} has lost the {direction} of {id}"
                );
            }
        }
        assert_eq!(audited(&country.data(node)), Vec::<String>::new());
    }
    drop(disks);
}
