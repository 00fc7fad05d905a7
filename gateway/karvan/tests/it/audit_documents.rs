//! `karvan audit verify` on signed documents and archives.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Output;

use bytes::Bytes;
use certs_keys::DigestAlgorithm;
use gateway_asic::archive::Writer;
use gateway_asic::linking::Previous;
use gateway_asic::zip::{self, Archive, Limits, Names, Options};
use gateway_evidence::archive::openpgp::{self, Passphrase, PublicKey, SecretKey};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::country::{Country, Service, karvan, text};
use crate::wire;

pub(crate) const PORTAL: &str =
    "xRoadInstance=AZ&memberClass=GOV&memberCode=0000001181&subsystemCode=mygov";
pub(crate) const REGISTER: &str =
    "xRoadInstance=AZ&memberClass=GOV&memberCode=0000000131&subsystemCode=iamas";

pub(crate) type Files = BTreeMap<String, Bytes>;

pub(crate) fn audit(arguments: &[&str]) -> Output {
    karvan().arg("audit").args(arguments).output().unwrap()
}

/// Runs `karvan audit verify` for programs; the exit code has to be this one.
#[track_caller]
pub(crate) fn verified(code: i32, arguments: &[&str]) -> Value {
    let output = audit(&[&["verify", "--json"], arguments].concat());
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?} {}",
        text(&output)
    );
    if code == 2 {
        return Value::String(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["ok"], code == 0, "{document}");
    // People are told the same.
    let output = audit(&[&["verify"], arguments].concat());
    assert_eq!(output.status.code(), Some(code), "{}", text(&output));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.contains("FAIL"), code == 1, "{said}");
    document
}

/// It fails, and this is the only reason.
#[track_caller]
pub(crate) fn fails_by(reason: &str, arguments: &[&str]) {
    let document = verified(1, arguments);
    let failures = document["failures"].as_array().unwrap();
    let found = failures
        .iter()
        .filter(|one| one.as_str().unwrap().contains(reason));
    assert_eq!(
        (found.count(), failures.len()),
        (1, 1),
        "{reason}: {failures:#?}"
    );
}

#[track_caller]
pub(crate) fn failures(arguments: &[&str]) -> Vec<String> {
    let output = audit(&[&["verify", "--json"], arguments].concat());
    assert_eq!(
        output.status.code(),
        Some(1),
        "{arguments:?} {}",
        text(&output)
    );
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failures = document["failures"].as_array().unwrap();
    failures
        .iter()
        .map(|one| one.as_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn text_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn unpacked(octets: &[u8], names: Names) -> Files {
    let limits = Limits {
        names,
        ..Limits::ARCHIVE
    };
    let archive = Archive::open(Bytes::copy_from_slice(octets), &limits).unwrap();
    let entries = archive.entries().iter();
    entries
        .map(|entry| (entry.name().to_owned(), archive.read(entry).unwrap()))
        .collect()
}

pub(crate) fn packed(files: &Files, names: Names) -> Vec<u8> {
    let options = Options {
        level: 6,
        names,
        comment: Bytes::new(),
    };
    let mut zip = zip::Writer::new(Vec::new(), options);
    for (name, content) in files {
        zip.file(name, Timestamp::UNIX_EPOCH, content).unwrap();
    }
    zip.finish().unwrap().0
}

fn vectors() -> Option<PathBuf> {
    let found = std::env::var_os("KARVAN_XROAD_VECTORS").map(PathBuf::from);
    if found.is_none() {
        println!("not run: KARVAN_XROAD_VECTORS is not set");
    }
    found.map(|folder| folder.join("asic"))
}

#[test]
fn judges_containers_of_others_as_their_own_verifier_does() {
    let Some(folder) = vectors() else {
        return;
    };
    let conf = folder.join("globalconf");
    let conf = ["--conf", text_of(&conf)];
    for (name, code, said) in [
        ("valid-signed-message", 0, ""),
        ("valid-signed-hashchain", 0, ""),
        ("valid-non-batch-rest", 0, ""),
        ("valid-batch-ts", 0, ""),
        ("invalid-not-signed-hashchain", 0, ""),
        ("invalid-digest", 1, "invalid_signature_value"),
        ("attachments", 1, "asic_message_not_found"),
    ] {
        let path = folder.join(format!("{name}.asice"));
        let document = verified(code, &[&[text_of(&path)], &conf[..]].concat());
        let item = &document["items"][0];
        assert_eq!(item["kind"], "container");
        assert_eq!(item["name"], format!("{name}.asice"));
        assert_eq!(document["configuration"]["from"], "given");
        match code {
            0 => {
                assert_eq!(
                    item["time_stamp"]["authority"]["subject"],
                    "CN=Test TSA,O=Test"
                );
                assert_eq!(item["covered"][0]["name"], "/message.xml", "{item}");
            }
            _ => assert_eq!(item["code"], said, "{item}"),
        }
    }
    // What nothing covers is told; what was signed and is not there as well.
    let path = folder.join("invalid-not-signed-hashchain.asice");
    let document = verified(0, &[&[text_of(&path)], &conf[..]].concat());
    let uncovered = document["items"][0]["not_covered"].as_array().unwrap();
    assert_eq!(uncovered.len(), 4, "{document}");
    let path = folder.join("valid-signed-hashchain.asice");
    let document = verified(0, &[&[text_of(&path)], &conf[..]].concat());
    assert_eq!(document["items"][0]["covered"][1]["name"], "/attachment1");
    assert_eq!(document["items"][0]["covered"][1]["verified"], false);

    // The whole folder; the anchor and the configuration in it are no evidence.
    let document = verified(1, &[&[text_of(&folder)], &conf[..]].concat());
    assert_eq!(
        document["documents"],
        serde_json::json!({ "hold": 5, "fail": 2 })
    );
    assert_eq!(document["skipped"], 2);
    let output = audit(&[&["verify", text_of(&folder)], &conf[..]].concat());
    let said = String::from_utf8_lossy(&output.stdout);
    let last = "7 documents: 5 hold, 2 fail; 2 of another kind skipped\n";
    assert!(said.ends_with(last), "{said}");
    assert!(said.contains("SUBSYSTEM:DEV/COM/4321/TestClient"), "{said}");

    // By a configuration of another instance they do not hold.
    let other = folder.join("../globalconf/globalconf_good_v6");
    let path = folder.join("valid-batch-ts.asice");
    let document = verified(1, &[text_of(&path), "--conf", text_of(&other)]);
    let code = document["items"][0]["code"].as_str().unwrap();
    assert!(code.starts_with("mlog."), "{document}");
}

#[test]
fn refuses_what_is_no_evidence_and_wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let none = verified(2, &[text_of(folder.path())]);
    assert!(none.as_str().unwrap().contains("nothing here"), "{none}");
    let note = file("note.txt", b"not evidence");
    fails_by("neither a container", &[text_of(&note)]);
    let empty = file("empty.zip", b"");
    fails_by("no ZIP file", &[text_of(&empty)]);
    let broken = file("broken.zip", b"PK\x03\x04 and nothing more");
    fails_by("broken.zip", &[text_of(&broken)]);
    let document = verified(1, &[text_of(folder.path())]);
    assert_eq!(
        (&document["skipped"], &document["unreadable"]),
        (&1.into(), &2.into())
    );

    // One of many that cannot be read keeps nobody from checking the others; what is not looked at is
    // named.
    let many = folder.path().join("many");
    fs::create_dir_all(many.join("below")).unwrap();
    std::os::unix::fs::symlink("nowhere", many.join("a.asice")).unwrap();
    fs::write(many.join("b.zip"), b"").unwrap();
    fs::write(many.join("note.txt"), b"no evidence").unwrap();
    let found = failures(&[text_of(&many)]);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0].contains("a.asice") && found[1].contains("b.zip"),
        "{found:#?}"
    );
    let document = verified(1, &[text_of(&many)]);
    let skipped = document["skipped_paths"].as_array().unwrap();
    let ends = |path: &Value, name: &str| path.as_str().unwrap().ends_with(name);
    assert!(
        ends(&skipped[0], "below") && ends(&skipped[1], "note.txt"),
        "{document}"
    );

    // A pipe would keep it waiting for who writes to it.
    let pipe = many.join("pipe.zip");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let document = verified(1, &[text_of(&many)]);
    let skipped = document["skipped_paths"].as_array().unwrap();
    assert!(ends(&skipped[2], "pipe.zip"), "{document}");
    assert_eq!(document["unreadable"], 2, "{document}");
    let said = verified(2, &[text_of(&pipe)]);
    assert!(said.as_str().unwrap().contains("read twice"), "{said}");

    // A container needs a configuration, an encrypted file a key.
    let container = file("x.asice", b"PK\x03\x04");
    let said = verified(2, &[text_of(&container)]);
    assert!(said.as_str().unwrap().contains("--conf"), "{said}");
    let sealed = file("x.zip.gpg", b"\x85\x01\x0c");
    let said = verified(2, &[text_of(&sealed)]);
    assert!(said.as_str().unwrap().contains("--pgp-key"), "{said}");
    let conf = verified(2, &[text_of(&container), "--conf", text_of(&note)]);
    assert!(conf.as_str().unwrap().contains("--conf"), "{conf}");
    for more in [
        &["--previous", "no hex"][..],
        &["--previous", "aa", "--first"],
        &["--pgp-signer", "x"],
        &["--key", "x"],
    ] {
        let output = audit(&[&["verify", text_of(&note)], more].concat());
        assert_eq!(output.status.code(), Some(2), "{more:?} {}", text(&output));
    }
}

/// A country where exchanges were made, stamped and fetched; nothing of it runs any more.
pub(crate) struct Told {
    pub(crate) country: Country,
    /// Containers by name, as the portal's node handed them out; a download of two each.
    downloads: Vec<Files>,
    /// What a node hands out to verify them.
    pub(crate) conf: Vec<u8>,
    pub(crate) work: TempDir,
}

/// Lets nodes stamp every second.
pub(crate) fn stamping(country: &Country, nodes: &[&'static str], more: &str) {
    for &node in nodes {
        let path = country.config(Service::Node(node));
        let mut config: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        let stamping = config["timestamping"].as_table_mut().unwrap();
        stamping.insert("interval_seconds".to_owned(), 1.into());
        stamping.insert("retry_seconds".to_owned(), 1.into());
        let more: toml::Table = more.parse().unwrap();
        for (section, values) in more {
            let section = config
                .entry(section)
                .or_insert_with(|| toml::Table::new().into());
            section
                .as_table_mut()
                .unwrap()
                .extend(values.as_table().unwrap().clone());
        }
        fs::write(&path, config.to_string()).unwrap();
    }
}

/// Has the messages of an exchange stamped now, and hands out their containers.
#[track_caller]
pub(crate) fn stamped(country: &Country, node: &str, party: &str, id: &str) -> Files {
    let path = format!("/asic?{party}&queryId={id}&force");
    let answer = wire::get(country.clients(node), &path, &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    unpacked(&answer.body, Names::Flat)
}

impl Told {
    pub(crate) fn new(ids: &[&str]) -> Option<Self> {
        let country = Country::found()?;
        stamping(&country, &["din", "iria"], "");
        let running = country.start_with(&["din", "iria"], &["iamas"]);
        for id in ids {
            let answer = running.country.addresses().person("0TEST01", id).unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        let iria = running.country.clients("iria");
        let mut downloads = Vec::new();
        for id in ids {
            downloads.push(stamped(&running.country, "iria", PORTAL, id));
            stamped(&running.country, "din", REGISTER, id);
        }
        let conf = wire::get(iria, "/verificationconf", &[]).body.to_vec();
        Some(Self {
            country: running.stop(),
            downloads,
            conf,
            work: tempfile::tempdir().unwrap(),
        })
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.work.path().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn export(&self, node: &str, id: &str) -> PathBuf {
        let path = self.work.path().join(format!("{node}-{id}.zip"));
        let data = self.country.data(node);
        let output = audit(&["export", text_of(&data), id, "-o", text_of(&path)]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        path
    }
}

/// An archive file of these containers, which goes on from another.
fn archive(containers: &[(&String, &Bytes)], previous: Option<Previous>) -> (Vec<u8>, Previous) {
    let mut writer = Writer::new(Vec::new(), DigestAlgorithm::Sha512, previous);
    for (name, octets) in containers {
        let time = Timestamp::from_second(1_795_341_600).unwrap();
        writer.add(name, time, &mut Cursor::new(octets)).unwrap();
    }
    let finished = writer.finish().unwrap();
    let last = Previous {
        digest: finished.info.last_digest().to_owned(),
        file_name: finished.file_name(None),
    };
    (finished.out, last)
}

#[test]
fn verifies_downloads_and_chains_of_archives() {
    let Some(told) = Told::new(&["v-1", "v-2", "v-3"]) else {
        return;
    };
    let conf = told.file("verificationconf.zip", &told.conf);
    let conf = ["--conf", text_of(&conf)];
    let with = |arguments: &[&str]| -> Vec<String> {
        let all = [arguments, &conf[..]].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    macro_rules! with {
        ($($argument:expr),*) => {
            &with(&[$($argument),*]).iter().map(String::as_str).collect::<Vec<_>>()
        };
    }

    // A container; the configuration as file, and unpacked.
    let (name, octets) = told.downloads[0].first_key_value().unwrap();
    let container = told.file("one/container.asice", octets);
    let document = verified(0, with!(text_of(&container)));
    let item = &document["items"][0];
    assert!(name.contains("request"), "{name}");
    assert_eq!(item["direction"], "request");
    assert_eq!(item["client"], "SUBSYSTEM:AZ/GOV/0000001181/mygov");
    assert_eq!(item["message_id"], "v-1");
    assert_eq!(item["signer"]["id"], "SUBSYSTEM:AZ/GOV/0000001181/mygov");
    assert!(item["status"]["produced_at"].is_string(), "{item}");
    for (path, content) in unpacked(&told.conf, Names::Folders) {
        told.file(&format!("conf/{path}"), &content);
    }
    let folder = told.work.path().join("conf/verificationconf");
    verified(0, &[text_of(&container), "--conf", text_of(&folder)]);
    let above = told.work.path().join("conf");
    verified(0, &[text_of(&container), "--conf", text_of(&above)]);

    // One octet of the message changed.
    let mut files = unpacked(octets, Names::Container);
    let message = files["message.xml"].to_vec();
    let changed = String::from_utf8(message)
        .unwrap()
        .replace("0TEST01", "0TEST02");
    files.insert("message.xml".to_owned(), changed.into());
    let other = told.file("one/other.asice", &packed(&files, Names::Container));
    fails_by("invalid_signature_value", with!(text_of(&other)));
    let document = verified(1, with!(text_of(&told.work.path().join("one"))));
    assert_eq!(
        document["documents"],
        serde_json::json!({ "hold": 1, "fail": 1 })
    );

    // A download has no chain; who asks for one is refused.
    let download = packed(&told.downloads[0], Names::Flat);
    let download = told.file("download/v-1.zip", &download);
    let document = verified(0, with!(text_of(&download)));
    assert_eq!(document["documents"]["hold"], 2);
    fails_by(
        "no linking information",
        with!(text_of(&download), "--first"),
    );

    // Each document may be as large as is said, and no larger.
    let largest = told.downloads[0].values().map(Bytes::len).max().unwrap();
    let enough = largest.to_string();
    verified(0, with!(text_of(&download), "--unpack-max", &enough));
    let less = (largest - 1).to_string();
    fails_by(
        &format!("it is larger than {less} bytes when unpacked; --unpack-max allows more"),
        with!(text_of(&download), "--unpack-max", &less),
    );
    verified(2, with!(text_of(&download), "--unpack-max", "much"));

    // People are told why, also when there are only logs and nothing in them fails.
    let mut handed_out = unpacked(&told.conf, Names::Folders);
    let name = "verificationconf/AZ/shared-params.xml";
    let mut changed = handed_out[name].to_vec();
    changed.push(b'\n');
    handed_out.insert(name.to_owned(), changed.into());
    let refused = told.file("other-conf.zip", &packed(&handed_out, Names::Folders));
    let anchor = told.country.folder().join("anchor.xml");
    fails_by(
        "it is not what the registry signed",
        &[
            text_of(&told.country.data("iria")),
            "--conf",
            text_of(&refused),
            "--anchor",
            text_of(&anchor),
        ],
    );

    // Three archive files in a chain.
    let mut previous = None;
    let mut names = Vec::new();
    for download in &told.downloads {
        let (octets, last) = archive(&download.iter().collect::<Vec<_>>(), previous);
        told.file(&format!("archive/{}", last.file_name), &octets);
        names.push(last.clone());
        previous = Some(last);
    }
    let folder = told.work.path().join("archive");
    let at = |name: &str| folder.join(name);
    let all = text_of(&folder);
    // Their names say the same second: they are brought into the order of their chain.
    let document = verified(0, with!(all, "--first"));
    assert_eq!(
        document["archives"],
        serde_json::json!({ "hold": 3, "fail": 0 })
    );
    assert_eq!(document["documents"]["hold"], 6);
    assert_eq!(document["items"][2]["last_digest"], names[2].digest);
    verified(0, with!(all));
    let second = at(&names[1].file_name);
    verified(0, with!(text_of(&second), "--previous", &names[0].digest));
    verified(0, with!(text_of(&second)));
    fails_by("said to be the first", with!(text_of(&second), "--first"));
    fails_by(
        "that was given",
        with!(text_of(&second), "--previous", &names[1].digest),
    );
    fails_by(
        "said to go on",
        with!(text_of(&at(&names[0].file_name)), "--previous", "aa"),
    );

    // One in the middle is missing; one is exchanged; one has lost its chain.
    let middle = fs::read(&second).unwrap();
    fs::remove_file(&second).unwrap();
    fails_by("one between was removed", with!(all));
    let (octets, _) = archive(
        &told.downloads[0].iter().collect::<Vec<_>>(),
        Some(names[0].clone()),
    );
    fs::write(&second, octets).unwrap();
    fails_by("but the one that lies here ends with", with!(all));
    let mut files = unpacked(&middle, Names::Flat);
    files.remove("linkinginfo");
    fs::write(&second, packed(&files, Names::Flat)).unwrap();
    let found = failures(with!(all));
    assert!(
        found
            .iter()
            .any(|one| one.contains("no linking information")),
        "{found:?}"
    );
    let mut files = unpacked(&middle, Names::Flat);
    let link = files.remove("linkinginfo").unwrap();
    let (first, _) = files.pop_first().unwrap();
    files.insert("linkinginfo".to_owned(), link);
    fs::write(&second, packed(&files, Names::Flat)).unwrap();
    fails_by(
        &format!("{first:?}, which the linking"),
        with!(text_of(&second)),
    );
    fs::write(&second, &middle).unwrap();
    verified(0, with!(all, "--first"));

    // Encrypted for an auditor, signed by the server.
    let now = Timestamp::now();
    let server = openpgp::generate("server", None, now).unwrap();
    let auditor = openpgp::generate("auditor", Some("word"), now).unwrap();
    let signer = SecretKey::read(server.secret.as_bytes(), None).unwrap();
    let recipient = PublicKey::read(auditor.public.as_bytes()).unwrap();
    let opens = Passphrase::new("word".to_owned());
    SecretKey::read(auditor.secret.as_bytes(), Some(opens)).unwrap();
    for name in &names {
        let mut sealed = Vec::new();
        let plain = fs::read(at(&name.file_name)).unwrap();
        openpgp::encrypt(
            &plain[..],
            &mut sealed,
            std::slice::from_ref(&recipient),
            &signer,
            now,
        )
        .unwrap();
        told.file(&format!("sealed/{}.gpg", name.file_name), &sealed);
    }
    let sealed = told.work.path().join("sealed");
    let (key, pin) = (
        told.file("auditor.asc", auditor.secret.as_bytes()),
        told.file("auditor.pin", b"word\n"),
    );
    let server = told.file("server.asc", server.public.as_bytes());
    let stranger = told.file("stranger.asc", auditor.public.as_bytes());
    let opening = |signer: &Path| {
        let arguments = [
            text_of(&sealed),
            "--pgp-key",
            text_of(&key),
            "--pgp-pin-file",
            text_of(&pin),
            "--pgp-signer",
            text_of(signer),
            "--first",
        ];
        with(&arguments)
    };
    let arguments = opening(&server);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let document = verified(0, &arguments);
    assert_eq!(document["archives"]["hold"], 3, "{document}");
    let arguments = opening(&stranger);
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let found = failures(&arguments);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found.iter().all(|one| one.contains("does not decrypt")),
        "{found:?}"
    );
}
