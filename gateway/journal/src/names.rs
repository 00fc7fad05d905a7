//! The dictionary: identifiers, purposes, rules and articles repeat, so entries hold their numbers.

use std::collections::HashMap;

use gateway_proto::id::{ClientId, MemberId, ServiceId};
use gateway_store::tree::{ReadTx, WriteTx};

use crate::Error;
use crate::coding::{Reader, put_text, put_text_or_none};
use crate::trees::{NAMES, NEXT_NAME, NUMBERS, meta, set_meta};

/// The number of a name.
pub(crate) type Name = u64;

/// Numbers names, old and new.
#[derive(Debug)]
pub(crate) struct Numbering<'t> {
    tx: &'t ReadTx,
    known: HashMap<Vec<u8>, Name>,
    new: Vec<(Vec<u8>, Name)>,
    next: Name,
}

/// Names that were given numbers, to be written.
#[derive(Debug)]
pub(crate) struct NewNames {
    new: Vec<(Vec<u8>, Name)>,
    next: Name,
}

impl<'t> Numbering<'t> {
    pub(crate) fn new(tx: &'t ReadTx) -> Result<Self, Error> {
        Ok(Self {
            tx,
            known: HashMap::new(),
            new: Vec::new(),
            next: meta(tx, NEXT_NAME)?,
        })
    }

    pub(crate) fn client(&mut self, client: &ClientId) -> Result<Name, Error> {
        self.number(client_name(client))
    }

    pub(crate) fn service(&mut self, service: &ServiceId) -> Result<Name, Error> {
        self.number(service_name(service))
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<Name, Error> {
        let mut name = vec![TEXT];
        put_text(&mut name, text);
        self.number(name)
    }

    fn number(&mut self, name: Vec<u8>) -> Result<Name, Error> {
        if let Some(number) = self.known.get(&name) {
            return Ok(*number);
        }
        let number = match self.tx.get(NUMBERS, &name)? {
            Some(number) => crate::trees::number(&number)?,
            None => {
                let number = self.next;
                self.next = number.checked_add(1).ok_or(Error::Damaged)?;
                self.new.push((name.clone(), number));
                number
            }
        };
        self.known.insert(name, number);
        Ok(number)
    }

    pub(crate) fn finish(self) -> NewNames {
        NewNames {
            new: self.new,
            next: self.next,
        }
    }
}

impl NewNames {
    pub(crate) fn write(&self, tx: &WriteTx<'_>) -> Result<(), Error> {
        if self.new.is_empty() {
            return Ok(());
        }
        let named = self.new.iter();
        tx.put_all(
            NUMBERS,
            named.map(|(name, number)| (name, number.to_be_bytes())),
        )?;
        let named = self.new.iter();
        tx.put_all(
            NAMES,
            named.map(|(name, number)| (number.to_be_bytes(), name)),
        )?;
        set_meta(tx, NEXT_NAME, self.next)
    }
}

/// The number of a client, if it has one.
pub(crate) fn number_of_client(tx: &ReadTx, client: &ClientId) -> Result<Option<Name>, Error> {
    let number = tx.get(NUMBERS, client_name(client))?;
    number
        .map(|number| crate::trees::number(&number))
        .transpose()
}

/// Reads names again, each once.
#[derive(Debug)]
pub(crate) struct Names<'t> {
    tx: &'t ReadTx,
    known: HashMap<Name, Vec<u8>>,
}

impl<'t> Names<'t> {
    pub(crate) fn new(tx: &'t ReadTx) -> Self {
        Self {
            tx,
            known: HashMap::new(),
        }
    }

    pub(crate) fn client(&mut self, name: Name) -> Result<ClientId, Error> {
        self.read(name, CLIENT, read_client)
    }

    pub(crate) fn service(&mut self, name: Name) -> Result<ServiceId, Error> {
        self.read(name, SERVICE, |reader| {
            let provider = read_client(reader)?;
            let (code, version) = (reader.text()?, reader.text_or_none()?);
            ServiceId::new(provider, &code, version.as_deref()).map_err(|_| Error::Damaged)
        })
    }

    pub(crate) fn text(&mut self, name: Name) -> Result<String, Error> {
        self.read(name, TEXT, |reader| reader.text())
    }

    fn read<T>(
        &mut self,
        name: Name,
        kind: u8,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if !self.known.contains_key(&name) {
            let bytes = self.tx.get(NAMES, name.to_be_bytes())?;
            self.known.insert(name, bytes.ok_or(Error::Damaged)?);
        }
        let bytes = self.known.get(&name).ok_or(Error::Damaged)?;
        let mut reader = Reader::new(bytes);
        match reader.octet()? == kind {
            true => read(&mut reader),
            false => Err(Error::Damaged),
        }
    }
}

fn client_name(client: &ClientId) -> Vec<u8> {
    let mut name = vec![CLIENT];
    put_client(&mut name, client);
    name
}

fn service_name(service: &ServiceId) -> Vec<u8> {
    let mut name = vec![SERVICE];
    put_client(&mut name, service.provider());
    put_text(&mut name, service.code());
    put_text_or_none(&mut name, service.version());
    name
}

fn put_client(name: &mut Vec<u8>, client: &ClientId) {
    let member = client.member();
    put_text(name, member.instance());
    put_text(name, member.member_class());
    put_text(name, member.member_code());
    put_text_or_none(name, client.subsystem());
}

fn read_client(reader: &mut Reader<'_>) -> Result<ClientId, Error> {
    let (instance, class, code) = (reader.text()?, reader.text()?, reader.text()?);
    let subsystem = reader.text_or_none()?;
    let member = MemberId::new(&instance, &class, &code).map_err(|_| Error::Damaged)?;
    ClientId::new(member, subsystem.as_deref()).map_err(|_| Error::Damaged)
}

const CLIENT: u8 = 1;
const SERVICE: u8 = 2;
const TEXT: u8 = 3;
