//! `karvan archive`: keys that a node and GnuPG take, and files that are decrypted whole or not at all.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use gateway_evidence::archive::openpgp::{self, Passphrase, PublicKey, SecretKey};
use jiff::Timestamp;
use serde_json::Value;
use toml::Table;

use crate::country::{Running, Service, karvan, text};

/// A folder with keys in folders of their names.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes a key; its passphrase is its name, if it is to have one.
    fn key(&self, name: &str, protected: bool) -> Value {
        let mut arguments = vec![
            "--json".into(),
            "--name".into(),
            name.into(),
            "--out".into(),
        ];
        arguments.push(self.path(name).into_os_string());
        if protected {
            fs::write(self.path("pin"), format!("{name}\n")).unwrap();
            arguments.extend(["--pin-file".into(), self.path("pin").into_os_string()]);
        }
        let made = archive("key", &arguments);
        assert_eq!(made.status.code(), Some(0), "{}", text(&made));
        serde_json::from_slice(&made.stdout).unwrap()
    }

    fn secret(&self, name: &str) -> PathBuf {
        self.path(name).join("archive.secret.asc")
    }

    fn public(&self, name: &str) -> PathBuf {
        self.path(name).join("archive.public.asc")
    }

    /// An archive of these octets, signed by one and encrypted for another.
    fn sealed(&self, file: &str, plain: &[u8], signer: &str, reader: &str) -> PathBuf {
        let path = self.path(file);
        let signer = read_secret(&self.secret(signer), signer);
        let reader = PublicKey::read(&fs::read(self.public(reader)).unwrap()).unwrap();
        let out = fs::File::create(&path).unwrap();
        openpgp::encrypt(plain, out, &[reader], &signer, Timestamp::now()).unwrap();
        path
    }

    fn decrypt(&self, files: &[&Path], key: &str, signers: &[&str], more: &[&str]) -> Output {
        let mut command = karvan();
        command.args(["archive", "decrypt"]).args(files);
        command.arg("--key").arg(self.secret(key));
        for signer in signers {
            command.arg("--signer").arg(self.public(signer));
        }
        command.args(more).output().unwrap()
    }

    /// What is in a folder, whatever its name.
    fn names(&self, folder: &str) -> BTreeSet<String> {
        fs::read_dir(self.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

fn read_secret(path: &Path, passphrase: &str) -> SecretKey {
    let passphrase = Passphrase::new(passphrase.to_owned());
    SecretKey::read(&fs::read(path).unwrap(), Some(passphrase)).unwrap()
}

fn archive(command: &str, arguments: &[std::ffi::OsString]) -> Output {
    karvan()
        .args(["archive", command])
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)))
}

/// Used wrongly: nothing is done and nothing printed, and the reason is told.
#[track_caller]
fn misused(output: &Output, reason: &str) {
    assert_eq!(output.status.code(), Some(2), "{}", text(output));
    assert!(output.stdout.is_empty(), "{}", text(output));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(reason), "no {reason} in {said}");
}

#[test]
fn makes_a_key_that_is_its_owners_alone_and_touches_no_file_that_is_there() {
    let place = Place::new();
    let out = place.path("new/keys");
    fs::write(place.path("pin"), "1234\r\n").unwrap();
    let arguments: Vec<std::ffi::OsString> = vec![
        "--name".into(),
        "Node <node@example.org>".into(),
        "--out".into(),
        out.clone().into(),
        "--pin-file".into(),
        place.path("pin").into(),
    ];
    let made = archive("key", &arguments);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    let secret = out.join("archive.secret.asc");
    let public = out.join("archive.public.asc");
    assert_eq!(
        place.names("new/keys").into_iter().collect::<Vec<_>>(),
        ["archive.public.asc", "archive.secret.asc"]
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&out), mode(&secret)), (0o700, 0o600));

    // Under that passphrase and no other; both halves are of one key.
    let key = read_secret(&secret, "1234");
    let bytes = fs::read(&secret).unwrap();
    SecretKey::read(&bytes, None).unwrap_err();
    SecretKey::read(&bytes, Some(Passphrase::new("12345".to_owned()))).unwrap_err();
    let other = PublicKey::read(&fs::read(&public).unwrap()).unwrap();
    assert_eq!(other.fingerprint(), key.fingerprint());
    let said = stdout(&made);
    for line in [
        &format!("fingerprint  {}", key.fingerprint()),
        &format!("secret key   {} (under the passphrase)", secret.display()),
        &format!("public key   {}", public.display()),
        &format!("signing_key_file = \"{}\"", secret.display()),
        &format!("default_recipients = [\"{}\"]", public.display()),
    ] {
        assert!(said.lines().any(|one| one == line), "no {line} in {said}");
    }

    // Neither a second time, nor beside one half, nor through a link that leads nowhere.
    let before = (bytes, fs::read(&public).unwrap());
    misused(&archive("key", &arguments), "exists; it is left as it is");
    assert_eq!(
        (fs::read(&secret).unwrap(), fs::read(&public).unwrap()),
        before
    );
    fs::remove_file(&secret).unwrap();
    misused(&archive("key", &arguments), "archive.public.asc exists");
    assert_eq!(fs::read(&public).unwrap(), before.1);
    assert_eq!(place.names("new/keys").len(), 1);
    fs::remove_file(&public).unwrap();
    std::os::unix::fs::symlink(place.path("nowhere"), &secret).unwrap();
    misused(&archive("key", &arguments), "archive.secret.asc exists");
    assert!(!place.path("nowhere").exists() && !public.exists());
}

#[test]
fn says_it_when_a_key_is_under_no_passphrase_and_refuses_what_is_no_name_or_passphrase() {
    let place = Place::new();
    let arguments = |name: &str, more: &[&Path]| {
        let mut all: Vec<std::ffi::OsString> = vec![
            "--name".into(),
            name.into(),
            "--out".into(),
            place.path("keys").into(),
        ];
        all.extend(more.iter().map(|path| path.into()));
        all
    };
    fs::write(place.path("empty"), "\n").unwrap();
    fs::write(place.path("binary"), b"\xff\xfe").unwrap();
    let pin_file = Path::new("--pin-file");
    for (name, more, reason) in [
        ("  ", vec![], "--name says whose key it is"),
        ("a\nb", vec![], "--name says whose key it is"),
        (
            "a",
            vec![pin_file, &place.path("empty")],
            "the file is empty",
        ),
        (
            "a",
            vec![pin_file, &place.path("binary")],
            "this is no text",
        ),
        (
            "a",
            vec![pin_file, &place.path("none")],
            "none cannot be read",
        ),
    ] {
        misused(&archive("key", &arguments(name, &more)), reason);
        assert!(!place.path("keys").exists());
    }
    let made = archive("key", &arguments("a", &[]));
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    assert!(stdout(&made).contains("NOT under a passphrase"));
}

#[test]
fn a_node_takes_the_lines_that_are_printed() {
    let Some(running) = Running::shared() else {
        return;
    };
    let folder = running.country.node_folder("iria");
    // A name that TOML has to quote.
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("node's \"keys\" \\ 1");
    let made = archive(
        "key",
        &[
            "--json".into(),
            "--name=node".into(),
            "--out".into(),
            out.into(),
            "--pin-file".into(),
            folder.join("pin").into(),
        ],
    );
    let made = document(&made);
    assert_eq!(made["protected"], true);
    let lines = ["signing", "recipients"].map(|one| made["configuration"][one].as_str().unwrap());
    let encryption: Table = lines.join("\n").parse().unwrap();
    let config = fs::read_to_string(running.country.config(Service::Node("iria"))).unwrap();
    let mut config: Table = config.parse().unwrap();
    let archive = config["archive"].as_table_mut().unwrap();
    archive.insert("encryption".to_owned(), encryption.into());
    let file = tempfile::Builder::new()
        .suffix(".toml")
        .tempfile_in(&folder)
        .unwrap();
    let check = |config: &Table| {
        fs::write(file.path(), config.to_string()).unwrap();
        let mut command = karvan();
        command
            .args(["node", "--check", "--config"])
            .arg(file.path());
        command.output().unwrap()
    };
    let taken = check(&config);
    assert_eq!(taken.status.code(), Some(0), "{}", text(&taken));
    // The check does open the key.
    let secret = made["secret_key_file"].as_str().unwrap();
    fs::copy(made["public_key_file"].as_str().unwrap(), secret).unwrap();
    let refused = check(&config);
    assert_eq!(refused.status.code(), Some(2), "{}", text(&refused));
}

#[test]
fn decrypts_what_is_signed_by_a_node_for_this_key() {
    let place = Place::new();
    place.key("auditor", true);
    let node = place.key("node", true);
    let fingerprint = node["fingerprint"].as_str().unwrap();
    let long = vec![0x5a; 3 << 20];
    let first = place.sealed("mlog-1.zip.gpg", b"PK first", "node", "auditor");
    let second = place.sealed("mlog-2.zip.gpg", &long, "node", "auditor");
    let pin = place.path("auditor.pin");
    fs::write(&pin, "auditor").unwrap();
    let pin = pin.to_str().unwrap();
    let out = place.path("plain/of/today");
    let more = ["--pin-file", pin, "--out", out.to_str().unwrap()];
    let done = place.decrypt(&[&first, &second], "auditor", &["auditor", "node"], &more);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let said = stdout(&done);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    for (line, name, bytes) in [
        (lines[0], "mlog-1.zip", 8),
        (lines[1], "mlog-2.zip", 3 << 20),
    ] {
        let begin = format!("{}: {bytes} octets, signed at 2", out.join(name).display());
        assert!(line.starts_with(&begin), "{line}");
        assert!(
            line.ends_with(&format!("by the OpenPGP key {fingerprint}")),
            "{line}"
        );
    }
    assert_eq!(fs::read(out.join("mlog-1.zip")).unwrap(), b"PK first");
    assert!(fs::read(out.join("mlog-2.zip")).unwrap() == long);
    assert_eq!(place.names("plain/of/today").len(), 2);
    let mode = fs::metadata(out.join("mlog-1.zip"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);

    // Without a folder: beside it; and as a program wants it.
    let done = place.decrypt(
        &[&first],
        "auditor",
        &["node"],
        &["--json", "--pin-file", pin],
    );
    assert_eq!(done.status.code(), Some(0), "{}", text(&done));
    let done = document(&done);
    assert_eq!(done["ok"], true);
    let file = &done["files"][0];
    assert_eq!(file["file"], first.to_str().unwrap());
    assert_eq!(
        file["decrypted"],
        place.path("mlog-1.zip").to_str().unwrap()
    );
    assert_eq!(
        (&file["bytes"], &file["signed_by"]),
        (&8.into(), &fingerprint.into())
    );
    assert!(
        file["signed_at"]
            .as_str()
            .unwrap()
            .parse::<Timestamp>()
            .is_ok()
    );
    assert_eq!(fs::read(place.path("mlog-1.zip")).unwrap(), b"PK first");
}

#[test]
fn each_file_that_cannot_be_decrypted_is_told_and_the_others_are_decrypted() {
    let place = Place::new();
    for name in ["auditor", "node", "stranger"] {
        place.key(name, false);
    }
    let plain = vec![7; 300_000];
    let good = place.sealed("good.zip.gpg", &plain, "node", "auditor");
    let forged = place.sealed("forged.zip.gpg", &plain, "stranger", "auditor");
    let foreign = place.sealed("foreign.zip.gpg", &plain, "node", "stranger");
    let taken = place.sealed("taken.zip.gpg", &plain, "node", "auditor");
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("taken.zip"), "something else").unwrap();
    let whole = fs::read(&good).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = place.path(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let cut = write("cut.zip.gpg", &whole[..whole.len() - 1]);
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    let changed = write("changed.zip.gpg", &bytes);
    let clear = write("clear.zip.gpg", b"PK\x03\x04");
    let named = write("named.zip", &whole);
    let missing = place.path("missing.zip.gpg");
    let files: [(&Path, &str); 9] = [
        (&forged, "not signed by the key that was expected"),
        (&foreign, "encrypted for other keys"),
        (&taken, "taken.zip exists; it is left as it is"),
        (&cut, "the OpenPGP message"),
        (&changed, "the OpenPGP message"),
        (&clear, "the OpenPGP message"),
        (&named, "its name does not end with .gpg"),
        (&missing, "cannot be read"),
        (&good, "300000 octets"),
    ];
    let paths: Vec<&Path> = files.iter().map(|(path, _)| *path).collect();
    let more = ["--out", out.to_str().unwrap()];
    let done = place.decrypt(&paths, "auditor", &["node"], &more);
    assert_eq!(done.status.code(), Some(1), "{}", text(&done));
    let said = stdout(&done);
    assert_eq!(said.lines().count(), files.len(), "{said}");
    for ((path, wanted), line) in files.iter().zip(said.lines()) {
        let fails = line.starts_with(&format!("{}: FAILS: ", path.display()));
        assert_eq!(fails, *path != good, "{line}");
        assert!(line.contains(wanted), "no {wanted} in {line}");
    }
    // Nothing of what failed, under no name.
    let names: Vec<_> = place.names("out").into_iter().collect();
    assert_eq!(names, ["good.zip", "taken.zip"]);
    assert!(fs::read(out.join("good.zip")).unwrap() == plain);
    assert_eq!(fs::read(out.join("taken.zip")).unwrap(), b"something else");

    let more = ["--json", "--out", out.to_str().unwrap()];
    let again = place.decrypt(&[&good, &cut], "auditor", &["node"], &more);
    assert_eq!(again.status.code(), Some(1), "{}", text(&again));
    let again = document(&again);
    assert_eq!(again["ok"], false);
    for (number, reason) in [(0, "exists"), (1, "OpenPGP")] {
        let file = &again["files"][number];
        assert_eq!(file["ok"], false);
        assert!(file["reason"].as_str().unwrap().contains(reason), "{file}");
    }
    assert!(fs::read(out.join("good.zip")).unwrap() == plain);
}

#[test]
fn a_key_that_is_none_or_does_not_open_is_wrong_use_and_nothing_is_written() {
    let place = Place::new();
    place.key("auditor", true);
    place.key("node", true);
    let file = place.sealed("a.zip.gpg", b"PK", "node", "auditor");
    let pin = |text: &str| {
        let path = place.path(&format!("pin-{text}"));
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (pin("auditor"), pin("other"));
    let does_not_open = "the passphrase does not open OpenPGP key";
    misused(
        &place.decrypt(&[&file], "auditor", &["node"], &[]),
        does_not_open,
    );
    let wrong = ["--pin-file", &wrong];
    misused(
        &place.decrypt(&[&file], "auditor", &["node"], &wrong),
        does_not_open,
    );
    let right = ["--pin-file", &right];
    misused(&place.decrypt(&[&file], "auditor", &[], &right), "--signer");
    misused(&place.decrypt(&[], "auditor", &["node"], &right), "FILE");
    fs::copy(place.public("auditor"), place.secret("auditor")).unwrap();
    misused(
        &place.decrypt(&[&file], "auditor", &["node"], &right),
        "this is no armored OpenPGP secret key",
    );
    fs::copy(place.secret("node"), place.public("node")).unwrap();
    place.key("reader", false);
    misused(
        &place.decrypt(&[&file], "reader", &["node"], &[]),
        "this is no armored OpenPGP public key",
    );
    assert!(!place.path("a.zip").exists());
}

#[test]
fn gpg_takes_the_keys_and_reads_what_is_encrypted_for_them() {
    let program = match Command::new("gpg").arg("--version").output() {
        Ok(_) => "gpg",
        Err(_) => {
            println!("not run: there is no gpg");
            return;
        }
    };
    let place = Place::new();
    let auditor = place.key("auditor", false);
    let node = place.key("node", true);
    let file = place.sealed("a.zip.gpg", b"PK for both", "node", "auditor");
    // The path of its sockets is bounded by the system: keep it short.
    let home = tempfile::Builder::new()
        .prefix("g")
        .tempdir_in("/tmp")
        .unwrap();
    let gpg = |arguments: &[&std::ffi::OsStr]| {
        Command::new(program)
            .env("GNUPGHOME", home.path())
            .args(["--batch", "--no-tty", "--pinentry-mode", "loopback"])
            .args([
                "--no-auto-key-locate",
                "--trust-model",
                "always",
                "--status-fd",
                "2",
            ])
            .args(arguments)
            .output()
            .unwrap()
    };
    for key in [place.secret("auditor"), place.public("node")] {
        let imported = gpg(&["--import".as_ref(), key.as_ref()]);
        assert!(imported.status.success(), "{}", text(&imported));
    }
    let listed = gpg(&["--with-colons".as_ref(), "--list-keys".as_ref()]);
    for key in [&auditor, &node] {
        let fingerprint = key["fingerprint"].as_str().unwrap();
        assert!(stdout(&listed).contains(fingerprint), "{}", text(&listed));
    }
    let opened = gpg(&["--decrypt".as_ref(), file.as_ref()]);
    assert!(opened.status.success(), "{}", text(&opened));
    assert_eq!(opened.stdout, b"PK for both");
    let status = String::from_utf8_lossy(&opened.stderr);
    let valid = format!("VALIDSIG {}", node["fingerprint"].as_str().unwrap());
    assert!(status.contains(&valid), "{status}");
    // Its own agent, named by its home; there is nobody to tell should it fail.
    let _ended = Command::new("gpgconf")
        .env("GNUPGHOME", home.path())
        .args(["--kill", "all"])
        .output();
}
