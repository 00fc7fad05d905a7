//! The streaming reader: namespaces resolved, every event with its place in the source.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use quick_xml::events::Event as Token;

use crate::attributes::Attributes;
use crate::encoding;
use crate::escape;
use crate::name::{is_ncname, is_space, split_qualified};
use crate::namespace::{self, Binding, Scope};
use crate::{Error, Limits};

/// Streaming, namespace-resolved events with byte offsets into the source.
///
/// It checks well-formedness to the end of the document: only when [`Reader::next`] has returned
/// `None` is the document known to be one. After an error it returns that error for ever.
pub struct Reader<'a> {
    text: &'a str,
    /// What to add to an offset in `text` to get one in the source.
    mark_bytes: usize,
    tokens: quick_xml::Reader<&'a [u8]>,
    ahead: Option<(Token<'a>, Range<usize>)>,
    limits: Limits,
    nodes: usize,
    scope: Scope<'a>,
    root_seen: bool,
    tag: Tag<'a>,
    instruction: (&'a str, Cow<'a, str>),
    /// Of the last event, in `text`.
    range: Range<usize>,
    failed: Option<Error>,
}

/// What [`Reader::next`] found.
///
/// Names are resolved; text has references resolved and line ends normalised, CDATA merged as
/// text. Neighbouring text, references and CDATA sections are one event.
#[derive(Debug)]
pub enum Event<'r> {
    /// A start tag (an empty element gives `Start`, then `End`).
    Start(Element<'r>),
    /// The end of the innermost open element.
    End,
    /// Character data inside the root element; never empty.
    Text(Cow<'r, str>),
    /// A comment.
    Comment,
    /// A processing instruction; see [`Reader::instruction`].
    Instruction,
}

/// A start tag.
#[derive(Clone, Copy)]
pub struct Element<'r> {
    tag: &'r Tag<'r>,
    scope: &'r Scope<'r>,
}

/// An attribute, its name resolved. Namespace declarations are no attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'r> {
    /// "" for no namespace.
    pub namespace: &'r str,
    /// As written, "" for none.
    pub prefix: &'r str,
    /// The name without its prefix.
    pub local_name: &'r str,
    /// Normalised, references resolved.
    pub value: &'r str,
}

/// The last start tag, kept between calls so that its memory is used again.
#[derive(Debug, Default)]
struct Tag<'a> {
    prefix: &'a str,
    local_name: &'a str,
    binding: Option<usize>,
    attributes: Vec<Parsed<'a>>,
    /// All between the name and the closing `>` or `/>`.
    raw: &'a str,
    empty: bool,
}

#[derive(Debug)]
struct Parsed<'a> {
    prefix: &'a str,
    local_name: &'a str,
    binding: Option<usize>,
    value: Cow<'a, str>,
}

impl<'a> Reader<'a> {
    /// Bytes as received: a UTF-8 byte order mark is skipped, US-ASCII is read too.
    ///
    /// A document in ISO-8859-1 with other than ASCII characters cannot be read in place: use
    /// [`decode`](crate::decode) and [`Reader::from_text`].
    ///
    /// # Errors
    ///
    /// When the document is too long, in another encoding, or holds characters XML does not allow.
    pub fn new(bytes: &'a [u8], limits: Limits) -> Result<Self, Error> {
        check_length(bytes.len(), &limits)?;
        let decoded = encoding::decode(bytes)?;
        match decoded.text {
            Cow::Borrowed(text) => Self::start(text, decoded.mark_bytes, limits),
            Cow::Owned(_) => Err(Error::UnsupportedEncoding {
                name: "ISO-8859-1 in place".to_owned(),
            }),
        }
    }

    /// Text already decoded: the encoding that its XML declaration names does not matter. Offsets
    /// count bytes of this text.
    ///
    /// # Errors
    ///
    /// When the document is too long or holds characters that XML does not allow.
    pub fn from_text(text: &'a str, limits: Limits) -> Result<Self, Error> {
        check_length(text.len(), &limits)?;
        Self::start(text, 0, limits)
    }

    fn start(text: &'a str, mark_bytes: usize, limits: Limits) -> Result<Self, Error> {
        if let Some(at) = encoding::find_invalid_character(text) {
            return Err(Error::InvalidCharacter {
                offset: at.saturating_add(mark_bytes),
            });
        }
        // The tokenizer would skip a second mark and count its offsets from behind it.
        if text.starts_with('\u{FEFF}') {
            return Err(Error::NotWellFormed {
                reason: "a second byte order mark",
                offset: mark_bytes,
            });
        }
        let mut tokens = quick_xml::Reader::from_str(text);
        tokens.config_mut().check_end_names = true;
        Ok(Self {
            text,
            mark_bytes,
            tokens,
            ahead: None,
            limits,
            nodes: 0,
            scope: Scope::new(),
            root_seen: false,
            tag: Tag::default(),
            instruction: ("", Cow::Borrowed("")),
            range: 0..0,
            failed: None,
        })
    }

    /// The next event; `None` at the end of a well-formed document.
    ///
    /// # Errors
    ///
    /// When the document is not well-formed or exceeds a limit.
    #[expect(
        clippy::should_implement_trait,
        reason = "its items borrow from the reader"
    )]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.advance() {
            Ok(Step::Start) => Ok(Some(Event::Start(Element {
                tag: &self.tag,
                scope: &self.scope,
            }))),
            Ok(Step::End) => Ok(Some(Event::End)),
            Ok(Step::Text(text)) => Ok(Some(Event::Text(text))),
            Ok(Step::Comment) => Ok(Some(Event::Comment)),
            Ok(Step::Instruction) => Ok(Some(Event::Instruction)),
            Ok(Step::Finished) => Ok(None),
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Byte range of the last event in the source. The `End` of an empty element is the empty
    /// range behind its tag.
    pub fn range(&self) -> Range<usize> {
        self.source(self.range.start)..self.source(self.range.end)
    }

    /// How many elements are open, the one just started included.
    pub fn depth(&self) -> usize {
        self.scope.depth()
    }

    /// Target and data of the last processing instruction.
    pub fn instruction(&self) -> (&str, &str) {
        (self.instruction.0, &self.instruction.1)
    }

    /// The text that is read, as offsets of [`Reader::from_text`] count it.
    pub(crate) const fn text(&self) -> &'a str {
        self.text
    }

    /// Where the last event stands in [`Reader::text`].
    pub(crate) fn text_range(&self) -> Range<usize> {
        self.range.clone()
    }

    const fn source(&self, offset: usize) -> usize {
        offset.saturating_add(self.mark_bytes)
    }

    fn advance(&mut self) -> Result<Step<'a>, Error> {
        if self.tag.empty {
            self.tag.empty = false;
            self.scope.leave();
            self.range = self.range.end..self.range.end;
            return Ok(Step::End);
        }
        loop {
            let (token, range) = self.token()?;
            self.range = range;
            let offset = self.source(self.range.start);
            match token {
                Token::Start(_) => return self.start_tag(offset, false),
                Token::Empty(_) => return self.start_tag(offset, true),
                Token::End(_) => {
                    self.scope.leave();
                    return Ok(Step::End);
                }
                Token::Text(_) | Token::CData(_) | Token::GeneralRef(_) => {
                    if let Some(text) = self.character_data(token, offset)? {
                        self.count_node()?;
                        return Ok(Step::Text(text));
                    }
                }
                Token::Comment(comment) => {
                    let comment = comment.into_inner();
                    if comment.contains("--") || comment.ends_with('-') {
                        return Err(not_well_formed("`--` in a comment", offset));
                    }
                    self.count_node()?;
                    return Ok(Step::Comment);
                }
                Token::PI(instruction) => {
                    self.count_node()?;
                    self.read_instruction(instruction.into_inner(), offset)?;
                    return Ok(Step::Instruction);
                }
                Token::Decl(_) => self.check_declaration(offset)?,
                Token::DocType(_) => return Err(Error::DocumentType { offset }),
                Token::Eof => return self.finish(),
            }
        }
    }

    fn finish(&self) -> Result<Step<'a>, Error> {
        let offset = self.source(self.text.len());
        if self.scope.depth() != 0 {
            return Err(not_well_formed(
                "the document ends inside an element",
                offset,
            ));
        }
        if !self.root_seen {
            return Err(not_well_formed("there is no root element", offset));
        }
        Ok(Step::Finished)
    }

    fn start_tag(&mut self, offset: usize, empty: bool) -> Result<Step<'a>, Error> {
        if self.scope.depth() == 0 && self.root_seen {
            return Err(not_well_formed("a second root element", offset));
        }
        self.root_seen = true;
        self.count_node()?;
        if self.scope.depth() >= self.limits.depth_max {
            return Err(Error::TooDeep {
                depth_max: self.limits.depth_max,
            });
        }
        self.scope.enter();

        let tag = self.text.get(self.range.clone()).unwrap_or_default();
        let inner = tag
            .strip_prefix('<')
            .and_then(|tag| tag.strip_suffix(if empty { "/>" } else { ">" }))
            .ok_or(not_well_formed("a tag that is none", offset))?;
        let name_bytes = inner.bytes().position(is_space).unwrap_or(inner.len());
        let (name, raw) = inner.split_at_checked(name_bytes).unwrap_or((inner, ""));
        let (prefix, local_name) = split_qualified(name).ok_or(not_well_formed(
            "the name of an element is not a name",
            offset,
        ))?;

        self.tag.prefix = prefix;
        self.tag.local_name = local_name;
        self.tag.raw = raw;
        self.tag.empty = empty;
        self.tag.attributes.clear();
        self.read_attributes(raw, offset)?;
        self.resolve_names(offset)?;
        Ok(Step::Start)
    }

    /// Declarations go into the scope, all else into the tag, names not yet resolved.
    fn read_attributes(&mut self, raw: &'a str, offset: usize) -> Result<(), Error> {
        let mut attributes = Attributes::new(raw, offset);
        let mut count = 0_usize;
        while let Some((name, raw_value)) = attributes.next()? {
            count = count.saturating_add(1);
            if count > self.limits.attributes_max {
                let attributes_max = self.limits.attributes_max;
                return Err(Error::TooManyAttributes { attributes_max });
            }
            let value = escape::attribute_value(raw_value, offset)?;
            let (prefix, local_name) = split_qualified(name).ok_or(not_well_formed(
                "the name of an attribute is not a name",
                offset,
            ))?;
            match (prefix, local_name) {
                ("", "xmlns") => self.scope.declare("", value, offset)?,
                ("xmlns", declared) => self.scope.declare(declared, value, offset)?,
                _ => {
                    self.tag.attributes.push(Parsed {
                        prefix,
                        local_name,
                        binding: None,
                        value,
                    });
                }
            }
        }
        Ok(())
    }

    fn resolve_names(&mut self, offset: usize) -> Result<(), Error> {
        self.tag.binding = self.scope.find(self.tag.prefix);
        if self.tag.binding.is_none() && !self.tag.prefix.is_empty() {
            return Err(Error::UndeclaredPrefix { offset });
        }
        for attribute in &mut self.tag.attributes {
            // The default namespace does not apply to attributes.
            if !attribute.prefix.is_empty() {
                let binding = self.scope.find(attribute.prefix);
                attribute.binding = Some(binding.ok_or(Error::UndeclaredPrefix { offset })?);
            }
        }
        let bindings = self.scope.bindings();
        let name = |attribute: &Parsed<'a>| (attribute.local_name, attribute.binding);
        for (index, attribute) in self.tag.attributes.iter().enumerate() {
            let (local_name, binding) = name(attribute);
            let repeated = self.tag.attributes.iter().take(index).any(|earlier| {
                earlier.local_name == local_name
                    && (earlier.binding == binding
                        || namespace::uri(bindings, earlier.binding)
                            == namespace::uri(bindings, binding))
            });
            if repeated {
                return Err(Error::DuplicateAttribute { offset });
            }
        }
        Ok(())
    }

    /// One run of text, references and CDATA sections; `None` for the white space around the root.
    fn character_data(
        &mut self,
        first: Token<'a>,
        offset: usize,
    ) -> Result<Option<Cow<'a, str>>, Error> {
        let outside = self.scope.depth() == 0;
        let mut text = Cow::Borrowed("");
        let mut token = first;
        loop {
            if outside && !matches!(token, Token::Text(_)) {
                return Err(not_well_formed("content outside the root element", offset));
            }
            let piece = match token {
                Token::Text(piece) => {
                    let piece = piece.into_inner();
                    if outside && !piece.bytes().all(is_space) {
                        return Err(not_well_formed("text outside the root element", offset));
                    }
                    if piece.as_bytes().contains(&b'>') && piece.contains("]]>") {
                        return Err(not_well_formed("`]]>` in text", offset));
                    }
                    normalize_lines(piece)
                }
                Token::CData(piece) => normalize_lines(piece.into_inner()),
                Token::GeneralRef(name) => {
                    let character = escape::reference(&name.into_inner(), offset)?;
                    text.to_mut().push(character);
                    Cow::Borrowed("")
                }
                _ => Cow::Borrowed(""),
            };
            match text.is_empty() {
                true => text = piece,
                false => text.to_mut().push_str(&piece),
            }

            let (next, range) = self.token()?;
            if !matches!(
                next,
                Token::Text(_) | Token::CData(_) | Token::GeneralRef(_)
            ) {
                self.ahead = Some((next, range));
                break;
            }
            self.range.end = range.end;
            token = next;
        }
        Ok((!outside && !text.is_empty()).then_some(text))
    }

    fn read_instruction(&mut self, content: Cow<'a, str>, offset: usize) -> Result<(), Error> {
        // Tokens of a slice always borrow from it.
        let Cow::Borrowed(content) = content else {
            return Ok(());
        };
        let target_bytes = content.bytes().position(is_space).unwrap_or(content.len());
        let (target, data) = content
            .split_at_checked(target_bytes)
            .unwrap_or((content, ""));
        if !is_ncname(target) || target.eq_ignore_ascii_case("xml") {
            return Err(not_well_formed(
                "the target of an instruction is not a name",
                offset,
            ));
        }
        let data = data.trim_start_matches([' ', '\t', '\n', '\r']);
        self.instruction = (target, escape::normalize_lines(data));
        Ok(())
    }

    /// `<?xml version="1.0" encoding="…" standalone="…"?>`, once, at the very start (XML 1.0,
    /// section 2.8). The encoding was looked at before.
    fn check_declaration(&self, offset: usize) -> Result<(), Error> {
        let wrong = not_well_formed("a wrong XML declaration", offset);
        if self.range.start != 0 {
            return Err(not_well_formed(
                "an XML declaration after the start",
                offset,
            ));
        }
        let tag = self.text.get(self.range.clone()).unwrap_or_default();
        let content = tag
            .strip_prefix("<?xml")
            .and_then(|tag| tag.strip_suffix("?>"));
        let mut attributes = Attributes::new(content.unwrap_or_default(), offset);
        let mut expected = ["version", "encoding", "standalone"].into_iter();
        let mut version = "";
        while let Some((name, value)) = attributes.next()? {
            if !expected.any(|known| known == name) {
                return Err(wrong);
            }
            let valid = match name {
                "version" => {
                    version = value;
                    value == "1.0"
                }
                "encoding" => is_encoding_name(value),
                _ => matches!(value, "yes" | "no"),
            };
            if !valid {
                return Err(wrong);
            }
        }
        if version.is_empty() {
            Err(wrong)
        } else {
            Ok(())
        }
    }

    fn count_node(&mut self) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > self.limits.nodes_max {
            return Err(Error::TooManyNodes {
                nodes_max: self.limits.nodes_max,
            });
        }
        Ok(())
    }

    fn token(&mut self) -> Result<(Token<'a>, Range<usize>), Error> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(ahead);
        }
        let start = self.position();
        match self.tokens.read_event() {
            Ok(token) => Ok((token, start..self.position())),
            Err(error) => Err(self.refusal(&error, start)),
        }
    }

    fn position(&self) -> usize {
        usize::try_from(self.tokens.buffer_position()).unwrap_or(usize::MAX)
    }

    fn refusal(&self, error: &quick_xml::Error, start: usize) -> Error {
        use quick_xml::errors::{IllFormedError, SyntaxError};
        let offset = self.source(start);
        let reason = match error {
            quick_xml::Error::Syntax(SyntaxError::UnclosedDoctype)
            | quick_xml::Error::IllFormed(IllFormedError::MissingDoctypeName) => {
                return Error::DocumentType { offset };
            }
            quick_xml::Error::Syntax(_) => "markup without an end",
            quick_xml::Error::IllFormed(IllFormedError::UnclosedReference) => {
                "a reference without an end"
            }
            quick_xml::Error::IllFormed(_) => "an end tag that does not match",
            _ => "markup that is none",
        };
        Error::NotWellFormed { reason, offset }
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the text: it may be personal.
        f.debug_struct("Reader")
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl<'r> Element<'r> {
    /// "" for no namespace.
    pub fn namespace(&self) -> &'r str {
        namespace::uri(self.scope.bindings(), self.tag.binding)
    }

    /// The name without its prefix.
    pub const fn local_name(&self) -> &'r str {
        self.tag.local_name
    }

    /// As written, "" for none.
    pub const fn prefix(&self) -> &'r str {
        self.tag.prefix
    }

    /// Whether this is its expanded name.
    pub fn is(&self, namespace: &str, local_name: &str) -> bool {
        self.local_name() == local_name && self.namespace() == namespace
    }

    /// By (namespace, local name); "" for no namespace.
    pub fn attribute(&self, namespace: &str, local_name: &str) -> Option<&'r str> {
        self.attributes()
            .find(|a| a.local_name == local_name && a.namespace == namespace)
            .map(|attribute| attribute.value)
    }

    /// In the order of the source.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'r>> + use<'r> {
        let bindings = self.scope.bindings();
        self.tag.attributes.iter().map(move |attribute| Attribute {
            namespace: namespace::uri(bindings, attribute.binding),
            prefix: attribute.prefix,
            local_name: attribute.local_name,
            value: &attribute.value,
        })
    }

    /// The namespace declarations of this tag as (prefix, URI); "" is the default namespace.
    pub fn declarations(&self) -> impl Iterator<Item = (&'r str, &'r str)> + use<'r> {
        self.scope
            .own()
            .iter()
            .map(|Binding { prefix, uri }| (*prefix, &**uri))
    }

    /// What a prefix stands for here, e.g. in `xsi:type`; "" asks for the default namespace.
    pub fn resolve(&self, prefix: &str) -> Option<&'r str> {
        let binding = self.scope.find(prefix)?;
        self.scope
            .bindings()
            .get(binding)
            .map(|binding| &*binding.uri)
    }

    /// Raw bytes of the tag's attributes, declarations included, as in the source: all between
    /// the name and the closing `>` or `/>`.
    pub const fn raw_attributes(&self) -> &'r [u8] {
        self.tag.raw.as_bytes()
    }

    /// Written as `<a/>`.
    pub const fn is_empty_tag(&self) -> bool {
        self.tag.empty
    }

    pub(crate) fn bindings(&self) -> &'r [Binding<'r>] {
        self.scope.bindings()
    }

    /// Which of the bindings gives its namespace.
    pub(crate) const fn binding(&self) -> Option<usize> {
        self.tag.binding
    }

    /// The same for each attribute.
    pub(crate) fn attribute_bindings(&self) -> impl Iterator<Item = Option<usize>> + use<'r> {
        self.tag
            .attributes
            .iter()
            .map(|attribute| attribute.binding)
    }
}

impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element")
            .field("namespace", &self.namespace())
            .field("local_name", &self.local_name())
            .finish_non_exhaustive()
    }
}

/// An event before it borrows from the reader.
enum Step<'a> {
    Start,
    End,
    Text(Cow<'a, str>),
    Comment,
    Instruction,
    Finished,
}

const fn check_length(bytes: usize, limits: &Limits) -> Result<(), Error> {
    if bytes > limits.bytes_max {
        return Err(Error::TooLong {
            bytes,
            bytes_max: limits.bytes_max,
        });
    }
    Ok(())
}

const fn not_well_formed(reason: &'static str, offset: usize) -> Error {
    Error::NotWellFormed { reason, offset }
}

fn is_encoding_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

fn normalize_lines(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => escape::normalize_lines(text),
        Cow::Owned(text) => Cow::Owned(escape::normalize_lines(&text).into_owned()),
    }
}

#[cfg(test)]
mod tests;
