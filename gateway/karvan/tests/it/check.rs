//! `--check`: what is wrong with a file, where, and what to do; compared as text.

use std::path::Path;

use crate::country::{Country, Running, Service, karvan};

/// Changes a file's first line that begins with `line`, checks it, compares what is said.
#[track_caller]
fn check(country: &Country, service: Service, line: &str, instead: &str, expected: &str) {
    let path = country.config(service);
    let text = std::fs::read_to_string(&path).unwrap();
    let at = text
        .lines()
        .position(|one| one.starts_with(line))
        .expect("the line is there");
    let changed: String = text
        .lines()
        .enumerate()
        .map(|(number, one)| format!("{}\n", if number == at { instead } else { one }))
        .collect();
    let bad = path.with_file_name("bad.toml");
    std::fs::write(&bad, changed).unwrap();
    let (code, said) = checked(service, &bad);
    std::fs::remove_file(&bad).unwrap();
    let expected = expected.replace("{line}", &(at + 1).to_string());
    let pad = " ".repeat((at + 1).to_string().len());
    let expected = expected.replace("{pad}", &pad);
    assert_eq!((code, said.as_str()), (Some(2), expected.as_str()));
}

/// Exit code, and what is said with the folder taken out of it.
fn checked(service: Service, path: &Path) -> (Option<i32>, String) {
    let command = match service {
        Service::Certs => "certs",
        Service::Registry => "registry",
        Service::Adapter(_) => "adapter",
        Service::Node(_) => "node",
    };
    let output = karvan()
        .args([command, "--check", "--config"])
        .arg(path)
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let folder = format!("{}/", path.parent().unwrap().display());
    (output.status.code(), said.replace(&folder, ""))
}

#[test]
fn finds_mistakes_and_names_line_and_remedy() {
    let Some(running) = Running::shared() else {
        return;
    };
    let country = &running.country;
    for service in [
        Service::Node("din"),
        Service::Node("iria"),
        Service::Adapter("iamas"),
        Service::Registry,
        Service::Certs,
    ] {
        assert_eq!(
            checked(service, &country.config(service)),
            (Some(0), String::new())
        );
    }
    let din = Service::Node("din");
    check(
        country,
        din,
        "health = ",
        "helth = \"127.0.0.1:7120\"",
        "karvan: bad.toml: TOML parse error at line {line}, column 1\n\
         {pad} |\n\
         {line} | helth = \"127.0.0.1:7120\"\n\
         {pad} | ^^^^^\n\
         unknown field `helth`, expected one of `clients_http`, `clients_https`, `messages`, `ocsp`, `health`, `transparency`\n",
    );
    check(
        country,
        din,
        "messages = ",
        "messages = \"nowhere\"",
        "karvan: bad.toml: TOML parse error at line {line}, column 12\n\
         {pad} |\n\
         {line} | messages = \"nowhere\"\n\
         {pad} |            ^^^^^^^^^\n\
         invalid socket address syntax\n",
    );
    check(
        country,
        din,
        "type = \"soap\"",
        "type = \"soup\"",
        "karvan: bad.toml: TOML parse error at line {line}, column 8\n\
         {pad} |\n\
         {line} | type = \"soup\"\n\
         {pad} |        ^^^^^^\n\
         unknown variant `soup`, expected `soap` or `rest`\n",
    );
    check(
        country,
        Service::Registry,
        "publish_seconds = ",
        "publish_seconds = -1",
        "karvan: bad.toml: TOML parse error at line {line}, column 19\n\
         {pad} |\n\
         {line} | publish_seconds = -1\n\
         {pad} |                   ^^\n\
         invalid value: integer `-1`, expected u64\n",
    );
    check(
        country,
        Service::Certs,
        "listen = ",
        "liste = \"127.0.0.1:1\"",
        "karvan: bad.toml: TOML parse error at line {line}, column 1\n\
         {pad} |\n\
         {line} | liste = \"127.0.0.1:1\"\n\
         {pad} | ^^^^^\n\
         unknown field `liste`, expected one of `state`, `pin_file`, `listen`\n",
    );
    let missing = "karvan: none cannot be read: No such file or directory (os error 2)\n";
    for service in [Service::Registry, Service::Certs] {
        check(
            country,
            service,
            "pin_file = ",
            "pin_file = \"none\"",
            missing,
        );
    }
    check(
        country,
        Service::Adapter("iamas"),
        "kind = ",
        "kind = \"qury\"",
        "karvan: bad.toml:{line}:8: unknown variant `qury`, expected `query` or `command`\n  \
         hint: see the reference of the adapter file: every key there has its type and default\n",
    );
}

#[test]
fn finds_a_key_that_does_not_fit_and_a_file_that_is_not_there() {
    let Some(running) = Running::shared() else {
        return;
    };
    let country = &running.country;
    let din = Service::Node("din");
    let path = country.config(din);
    let text = std::fs::read_to_string(&path).unwrap();
    let bad = path.with_file_name("other.toml");

    let changed = text.replacen("keys/auth.cert.pem", "keys/sign-0000000131.cert.pem", 1);
    std::fs::write(&bad, changed).unwrap();
    let expected = "karvan: certificate keys/sign-0000000131.cert.pem is for another key\n";
    assert_eq!(checked(din, &bad), (Some(2), expected.to_owned()));

    std::fs::write(&bad, text.replacen("keys/auth.key.pem", "keys/none.pem", 1)).unwrap();
    let expected = "karvan: keys/none.pem cannot be read: No such file or directory (os error 2)\n";
    assert_eq!(checked(din, &bad), (Some(2), expected.to_owned()));

    std::fs::write(
        &bad,
        text.replacen("\npin_file = \"pin\"", "\npin_file = \"none\"", 1),
    )
    .unwrap();
    let expected = "karvan: none cannot be read: No such file or directory (os error 2)\n";
    assert_eq!(checked(din, &bad), (Some(2), expected.to_owned()));
    std::fs::write(country.node_folder("din").join("wrong"), "0000").unwrap();
    std::fs::write(
        &bad,
        text.replacen("\npin_file = \"pin\"", "\npin_file = \"wrong\"", 1),
    )
    .unwrap();
    let (code, said) = checked(din, &bad);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("keys/auth.key.pem cannot be opened"),
        "{said}"
    );

    let expected = "karvan: gone.toml cannot be read: No such file or directory (os error 2)\n";
    let gone = path.with_file_name("gone.toml");
    assert_eq!(checked(din, &gone), (Some(2), expected.to_owned()));
}

#[test]
fn finds_an_encryption_key_that_others_may_read() {
    use std::os::unix::fs::PermissionsExt as _;

    let Some(running) = Running::shared() else {
        return;
    };
    let country = &running.country;
    let din = Service::Node("din");
    let path = country.config(din);
    let text = std::fs::read_to_string(&path).unwrap();
    let (none, key) = (
        "\nencryption_key = []\n",
        "\nencryption_key = [{ id = \"2027\", file = \"log.key\" }]\n",
    );
    assert!(text.contains(none), "{text}");
    let with_key = path.with_file_name("with-key.toml");
    std::fs::write(&with_key, text.replacen(none, key, 1)).unwrap();
    let file = path.with_file_name("log.key");
    std::fs::write(&file, "0f".repeat(32)).unwrap();

    let allow = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode));
    allow(0o640).unwrap();
    let expected = "karvan: with-key.toml: log.encryption_key.file: log.key: \
                    its group or all others may read or write it; make it mode 0600\n";
    assert_eq!(checked(din, &with_key), (Some(2), expected.to_owned()));
    allow(0o600).unwrap();
    assert_eq!(checked(din, &with_key), (Some(0), String::new()));
}
