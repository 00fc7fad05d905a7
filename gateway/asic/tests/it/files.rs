//! Containers taken apart and put together again, as somebody could who wants to deceive.

use bytes::Bytes;
use gateway_asic::zip::{Archive, Limits, Options, Writer};

use crate::country::NOW;

/// The files of a container by name, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) Vec<(String, Vec<u8>)>);

impl Files {
    pub(crate) fn of(container: &Bytes) -> Self {
        let archive = Archive::open(container.clone(), &Limits::CONTAINER).unwrap();
        let read = |entry| archive.read(entry).unwrap().to_vec();
        let entries = archive.entries().iter();
        Self(
            entries
                .map(|entry| (entry.name().to_owned(), read(entry)))
                .collect(),
        )
    }

    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> &[u8] {
        let found = self.0.iter().find(|(other, _)| other == name);
        &found.unwrap_or_else(|| panic!("{name}")).1
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.get(name).to_vec()).unwrap()
    }

    /// With this file, or with this one instead.
    pub(crate) fn with(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref().to_vec();
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = content,
            None => self.0.push((name.to_owned(), content)),
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        let before = self.0.len();
        self.0.retain(|(other, _)| other != name);
        assert_eq!(self.0.len() + 1, before, "{name}");
        self
    }

    /// With something else in a file.
    #[track_caller]
    pub(crate) fn replacing(self, name: &str, from: &str, to: &str) -> Self {
        let text = self.text(name);
        assert!(text.contains(from), "{from} not in {text}");
        let text = text.replacen(from, to, 1);
        self.with(name, text)
    }

    pub(crate) fn zip(&self) -> Bytes {
        let mut writer = Writer::new(Vec::new(), Options::container());
        for (name, content) in &self.0 {
            writer.file(name, NOW, content).unwrap();
        }
        writer.finish().unwrap().0.into()
    }
}
