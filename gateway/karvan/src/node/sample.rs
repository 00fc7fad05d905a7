//! A configuration of a node that says no more than it has to: sections are put behind it.

pub(super) const START: &str = r#"
server = "AZ/GOV/1/ss"
data_dir = "data"
[listen]
messages = "127.0.0.1:1"
ocsp = "127.0.0.1:2"
[registry]
anchor = "anchor.xml"
[token]
pin_file = "pin"
[token.authentication]
key = "key.pem"
certificate = "certificate.pem"
"#;
