//! An information system with nothing but a socket.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::country::Country;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The fault code, of SOAP or REST.
    pub(crate) fn fault(&self) -> Option<String> {
        let rest = self.header("x-road-error").map(str::to_owned);
        rest.or_else(|| {
            let text = self.text();
            let (_, rest) = text.split_once("<faultcode>")?;
            Some(rest.split_once("</faultcode>")?.0.to_owned())
        })
    }
}

/// Sends bytes on a connection of their own and reads until the other side closes or says no more.
pub(crate) fn raw(address: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = connect(address)?;
    // The other side may refuse before it has read everything.
    let _refused = stream.write_all(bytes);
    read(&mut stream)
}

pub(crate) fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(crate) fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // A refusal may end in a reset; what came before it counts.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(answer),
        Err(error) => Err(error),
        Ok(_) => Ok(answer),
    }
}

/// Reads an answer from its bytes.
pub(crate) fn parse(bytes: &[u8]) -> std::io::Result<Answer> {
    let broken = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or_else(|| broken("no head"))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut answer = Answer {
        status: status.ok_or_else(|| broken("no status"))?,
        head,
        body: bytes[end + 4..].to_vec(),
    };
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = unchunked(&answer.body).ok_or_else(|| broken("broken chunks"))?;
    } else if let Some(length) = answer.header("content-length") {
        let whole = length.parse() == Ok(answer.body.len());
        whole
            .then_some(())
            .ok_or_else(|| broken("a body of another length"))?;
    }
    Ok(answer)
}

fn unchunked(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        bytes = &bytes[end + 2..];
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(bytes.get(..length)?);
        bytes = bytes.get(length + 2..)?;
    }
}

/// A request with all it needs.
pub(crate) fn request(
    method: &str,
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        request.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    request.push_str("Connection: close\r\n\r\n");
    [request.as_bytes(), body].concat()
}

pub(crate) fn try_get(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> std::io::Result<Answer> {
    parse(&raw(address, &request("GET", address, path, headers, b""))?)
}

#[track_caller]
pub(crate) fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    try_get(address, path, headers).unwrap()
}

#[track_caller]
pub(crate) fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    parse(&raw(address, &request("POST", address, path, headers, body)).unwrap()).unwrap()
}

/// The portal asks for a person, by REST.
#[track_caller]
pub(crate) fn person(country: &Country, fin: &str) -> Answer {
    try_person(country, fin, &[]).unwrap()
}

pub(crate) fn try_person(
    country: &Country,
    fin: &str,
    more: &[(&str, &str)],
) -> std::io::Result<Answer> {
    person_at(country.clients("iria"), fin, more)
}

pub(crate) fn person_at(
    portal: SocketAddr,
    fin: &str,
    more: &[(&str, &str)],
) -> std::io::Result<Answer> {
    let path = format!("/r1/AZ/GOV/0000000131/iamas/persons/{fin}");
    let headers = [&[("X-Road-Client", PORTAL)], more].concat();
    try_get(portal, &path, &headers)
}

/// The portal asks for a person, by SOAP.
#[track_caller]
pub(crate) fn soap_person(country: &Country, id: &str, fin: &str) -> Answer {
    let headers = [
        ("Content-Type", "text/xml; charset=UTF-8"),
        ("SOAPAction", "\"\""),
    ];
    post(
        country.clients("iria"),
        "/",
        &headers,
        envelope(id, fin).as_bytes(),
    )
}

pub(crate) fn envelope(id: &str, fin: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:x="http://x-road.eu/xsd/xroad.xsd" xmlns:i="http://x-road.eu/xsd/identifiers">
  <e:Header>
    <x:client i:objectType="SUBSYSTEM"><i:xRoadInstance>AZ</i:xRoadInstance>
      <i:memberClass>GOV</i:memberClass><i:memberCode>0000001181</i:memberCode>
      <i:subsystemCode>mygov</i:subsystemCode></x:client>
    <x:service i:objectType="SERVICE"><i:xRoadInstance>AZ</i:xRoadInstance>
      <i:memberClass>GOV</i:memberClass><i:memberCode>0000000131</i:memberCode>
      <i:subsystemCode>iamas</i:subsystemCode><i:serviceCode>GetPersonByFin</i:serviceCode>
      <i:serviceVersion>v1</i:serviceVersion></x:service>
    <x:id>{id}</x:id>
    <x:protocolVersion>4.0</x:protocolVersion>
  </e:Header>
  <e:Body><p:GetPersonByFin xmlns:p="urn:az:iamas:1"><p:fin>{fin}</p:fin></p:GetPersonByFin></e:Body>
</e:Envelope>"#
    )
}

pub(crate) const PORTAL: &str = "AZ/GOV/0000001181/mygov";
const PATIENCE: Duration = Duration::from_secs(40);
