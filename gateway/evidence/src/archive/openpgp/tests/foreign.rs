//! GnuPG reads what we write, and we read what it writes. Not run where it is not installed.

#![allow(clippy::print_stdout, reason = "test helpers")]

use std::path::Path;
use std::process::{Command, Output};

use super::{Error, Passphrase, PublicKey, SecretKey, generate, now, open, opened, pair, sealed};

/// A GnuPG with a home of its own, whose agent ends with it.
struct Gpg {
    home: tempfile::TempDir,
}

impl Gpg {
    fn new() -> Option<Self> {
        if !Path::new(GPG).exists() {
            println!("not run: there is no {GPG}");
            return None;
        }
        // The path of its sockets is bounded by the system: keep it short.
        let home = tempfile::Builder::new()
            .prefix("g")
            .tempdir_in("/tmp")
            .unwrap();
        Some(Self { home })
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(GPG)
            .env("GNUPGHOME", self.home.path())
            .args([
                "--batch",
                "--no-tty",
                "--yes",
                "--pinentry-mode",
                "loopback",
            ])
            .args([
                "--no-auto-key-locate",
                "--trust-model",
                "always",
                "--status-fd",
                "1",
            ])
            .args(arguments)
            .output()
            .unwrap()
    }

    fn done(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gpg {arguments:?}: {told}");
        output.stdout
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn import(&self, armored: &str) {
        let path = self.file("key.asc", armored.as_bytes());
        self.done(&["--import", &path]);
    }

    fn export(&self, arguments: &[&str]) -> Vec<u8> {
        let path = self.home.path().join("exported");
        let output = path.to_str().unwrap();
        self.done(&[&["--output", output][..], arguments].concat());
        std::fs::read(path).unwrap()
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        // Its own agent, named by its home; there is nobody to tell should it fail.
        let _ended = Command::new("gpgconf")
            .env("GNUPGHOME", self.home.path())
            .args(["--kill", "all"])
            .output();
    }
}

#[test]
fn gpg_decrypts_and_verifies_what_we_made() {
    let Some(gpg) = Gpg::new() else { return };
    let server = generate("server <archive@example.org>", Some("secret"), now()).unwrap();
    let auditor = generate("auditor", None, now()).unwrap();
    let (_, auditor_public) = open(&auditor);
    gpg.import(&server.public);
    gpg.import(&auditor.secret);
    let passphrase = Passphrase::new("secret".to_owned());
    let secret = SecretKey::read(server.secret.as_bytes(), Some(passphrase)).unwrap();
    for length in [0, 1000, 3 << 20] {
        let plain = vec![0x41; length];
        let message = gpg.file(
            "a.zip.gpg",
            &sealed(&plain, std::slice::from_ref(&auditor_public), &secret),
        );
        let out = gpg.home.path().join("a.zip");
        let status = gpg.done(&["--output", out.to_str().unwrap(), "--decrypt", &message]);
        assert!(std::fs::read(out).unwrap() == plain, "{length} octets");
        let status = String::from_utf8(status).unwrap();
        for wanted in [
            format!("VALIDSIG {}", server.fingerprint),
            "DECRYPTION_OKAY".to_owned(),
            "GOODMDC".to_owned(),
            // Cipher 9 is AES-256; 2: with MDC.
            "DECRYPTION_INFO 2 9".to_owned(),
        ] {
            assert!(status.contains(&wanted), "{wanted} not in {status}");
        }
    }
}

#[test]
fn gpg_takes_a_secret_key_that_we_made_under_a_passphrase() {
    let Some(gpg) = Gpg::new() else { return };
    let made = generate("auditor", Some("secret"), now()).unwrap();
    let (server, _) = pair("server");
    let public = PublicKey::read(made.public.as_bytes()).unwrap();
    let key = gpg.file("key.asc", made.secret.as_bytes());
    gpg.done(&["--passphrase", "secret", "--import", &key]);
    let message = gpg.file("a.gpg", &sealed(b"archive", &[public], &server));
    let out = gpg.home.path().join("a.zip");
    gpg.run(&[
        "--passphrase",
        "secret",
        "--output",
        out.to_str().unwrap(),
        "--decrypt",
        &message,
    ]);
    assert_eq!(std::fs::read(out).unwrap(), b"archive");
}

/// The options of a deployed server's archiver.
#[test]
fn we_read_what_gpg_made_with_keys_that_gpg_made() {
    let Some(gpg) = Gpg::new() else { return };
    for (name, kind, passphrases) in [
        ("curve", "future-default", &["", "secret"][..]),
        ("rsa", "rsa2048", &["secret"]),
    ] {
        for &passphrase in passphrases {
            let id = format!("{name}-{}", passphrase.len());
            gpg.done(&[
                "--passphrase",
                passphrase,
                "--quick-generate-key",
                &id,
                kind,
                "default",
                "never",
            ]);
            if kind != "future-default" {
                let status = gpg.done(&["--with-colons", "--list-keys", &id]);
                let status = String::from_utf8(status).unwrap();
                let line = status
                    .lines()
                    .find(|line| line.starts_with("fpr:"))
                    .unwrap();
                let fingerprint = line.split(':').nth(9).unwrap();
                gpg.done(&[
                    "--passphrase",
                    passphrase,
                    "--quick-add-key",
                    fingerprint,
                    kind,
                    "encr",
                    "never",
                ]);
            }
            let plain = gpg.file("a.zip", &vec![0x42; 100_000]);
            let message = gpg.export(&[
                "--passphrase",
                passphrase,
                "--encrypt",
                "--sign",
                "--compress-algo",
                "none",
                "--cipher-algo",
                "AES256",
                "--digest-algo",
                "SHA256",
                "--local-user",
                &id,
                "--recipient",
                &id,
                &plain,
            ]);
            let secret = gpg.export(&[
                "--passphrase",
                passphrase,
                "--armor",
                "--export-secret-keys",
                &id,
            ]);
            let public = gpg.export(&["--armor", "--export", &id]);
            let key = (!passphrase.is_empty()).then(|| Passphrase::new(passphrase.to_owned()));
            let secret = SecretKey::read(&secret, key).unwrap();
            let public = PublicKey::read(&public).unwrap();
            let (plain, said) = opened(&message, &secret, std::slice::from_ref(&public)).unwrap();
            assert_eq!(plain.len(), 100_000, "{id}");
            assert_eq!(said.signed_by, public.fingerprint());
            // And the other way round with the same keys.
            let at = said.signed_at;
            let mut ours = Vec::new();
            super::encrypt(&b"back"[..], &mut ours, &[public], &secret, at).unwrap();
            let ours = gpg.file("back.gpg", &ours);
            let back = gpg.export(&["--passphrase", passphrase, "--decrypt", &ours]);
            assert_eq!(back, b"back", "{id}");
        }
    }
}

#[test]
fn a_message_that_gpg_compressed_or_did_not_sign_is_refused() {
    let Some(gpg) = Gpg::new() else { return };
    let made = generate("auditor", None, now()).unwrap();
    let (secret, public) = open(&made);
    gpg.import(&made.secret);
    let plain = gpg.file("a.zip", &vec![0x42; 100_000]);
    let recipient = made.fingerprint.as_str();
    let compressed = gpg.export(&[
        "--encrypt",
        "--sign",
        "--compress-algo",
        "zlib",
        "--recipient",
        recipient,
        &plain,
    ]);
    let refused = opened(&compressed, &secret, std::slice::from_ref(&public))
        .map(drop)
        .unwrap_err();
    assert!(matches!(refused, Error::Compressed), "{refused:?}");
    let unsigned = gpg.export(&[
        "--encrypt",
        "--compress-algo",
        "none",
        "--recipient",
        recipient,
        &plain,
    ]);
    let refused = opened(&unsigned, &secret, std::slice::from_ref(&public)).unwrap_err();
    assert!(matches!(refused, Error::NotSigned), "{refused:?}");
    let signed = gpg.export(&["--sign", "--compress-algo", "none", &plain]);
    let refused = opened(&signed, &secret, &[public]).unwrap_err();
    assert!(matches!(refused, Error::NotEncrypted), "{refused:?}");
}

const GPG: &str = "/usr/bin/gpg";
