//! Finding elements in a SOAP body, in one pass for all places.

use gateway_xml::{Element, Event, Limits, Reader};

use super::place::Step;
use super::{Unreadable, Value, rest};

/// What stands in each of these places of the body, in the order of the paths.
pub(super) fn find(envelope: &[u8], paths: &[&[Step]]) -> Result<Vec<Vec<Value>>, Unreadable> {
    let decoded = gateway_xml::decode(envelope).map_err(|_| Unreadable)?;
    let limits = Limits {
        // It was received within the bounds of messages.
        bytes_max: decoded.text.len(),
        nodes_max: usize::MAX,
        ..Limits::default()
    };
    let mut reader = Reader::from_text(&decoded.text, limits).map_err(|_| Unreadable)?;
    let mut scan = Scan {
        depth: 0,
        namespace: String::new(),
        bodies: 0,
        in_body: false,
        tracks: paths.iter().map(|path| Track::new(path)).collect(),
    };
    while let Some(event) = reader.next().map_err(|_| Unreadable)? {
        match event {
            Event::Start(element) => scan.start(element)?,
            Event::End => scan.end(),
            Event::Text(text) => scan
                .captures()
                .for_each(|capture| capture.text.push_str(&text)),
            // One reader sees the text around it, another what stands before it, a third itself.
            Event::Comment | Event::Instruction => {
                scan.captures().for_each(|capture| capture.other = true);
            }
        }
    }
    match scan.bodies {
        _ if scan.tracks.iter().any(|track| track.is_doubtful) => Err(Unreadable),
        1 => Ok(scan.tracks.into_iter().map(|track| track.found).collect()),
        _ => Err(Unreadable),
    }
}

struct Scan<'p> {
    /// Open elements.
    depth: usize,
    /// Of the envelope.
    namespace: String,
    bodies: usize,
    in_body: bool,
    tracks: Vec<Track<'p>>,
}

/// One path on its way down.
struct Track<'p> {
    path: &'p [Step],
    /// So many steps are open elements now.
    reached: usize,
    capture: Option<Capture>,
    found: Vec<Value>,
    /// An element differs from a step by case or namespace only.
    is_doubtful: bool,
}

/// The content of an element at the end of a path.
struct Capture {
    text: String,
    /// It holds what is no single text.
    other: bool,
}

impl Scan<'_> {
    fn start(&mut self, element: Element<'_>) -> Result<(), Unreadable> {
        self.depth = self.depth.saturating_add(1);
        match self.depth {
            1 => {
                if element.local_name() != "Envelope" {
                    return Err(Unreadable);
                }
                element.namespace().clone_into(&mut self.namespace);
            }
            2 => {
                self.in_body = element.is(&self.namespace, "Body");
                if self.in_body {
                    self.bodies = self.bodies.saturating_add(1);
                }
            }
            _ if self.in_body => {
                let level = self.depth.saturating_sub(ABOVE_BODY_CHILD);
                self.tracks
                    .iter_mut()
                    .for_each(|track| track.start(level, element));
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self) {
        if self.in_body {
            let level = self.depth.saturating_sub(ABOVE_BODY_CHILD);
            self.tracks.iter_mut().for_each(|track| track.end(level));
        }
        self.depth = self.depth.saturating_sub(1);
        if self.depth < ABOVE_BODY_CHILD {
            self.in_body = false;
        }
    }

    fn captures(&mut self) -> impl Iterator<Item = &mut Capture> {
        self.tracks
            .iter_mut()
            .filter_map(|track| track.capture.as_mut())
    }
}

impl<'p> Track<'p> {
    fn new(path: &'p [Step]) -> Self {
        Self {
            path,
            reached: 0,
            capture: None,
            found: Vec::new(),
            is_doubtful: false,
        }
    }

    /// An element starts that many levels deep, 1 being the child of the body.
    fn start(&mut self, level: usize, element: Element<'_>) {
        if let Some(capture) = &mut self.capture {
            capture.other = true;
            return;
        }
        let above = level.saturating_sub(1);
        let Some(step) = self.path.get(above).filter(|_| self.reached == above) else {
            return;
        };
        if step.is(element) {
            self.reached = level;
            if level == self.path.len() {
                self.capture = Some(Capture {
                    // In SOAP encoding the text stands elsewhere (SOAP 1.1, section 5.4.1).
                    other: element.attribute("", "href").is_some(),
                    text: String::new(),
                });
            }
        } else if rest::is_like(element.local_name(), &step.name) {
            self.is_doubtful = true;
        }
    }

    fn end(&mut self, level: usize) {
        if level == 0 || self.reached != level {
            return;
        }
        self.reached = level.saturating_sub(1);
        self.found.extend(self.capture.take().map(Capture::value));
    }
}

impl Capture {
    fn value(self) -> Value {
        match self.other {
            true => Value::Other,
            false => Value::of(self.text),
        }
    }
}

impl Step {
    fn is(&self, element: Element<'_>) -> bool {
        let namespace = self.namespace.as_deref();
        element.local_name() == self.name
            && namespace.is_none_or(|namespace| namespace == element.namespace())
    }
}

/// Envelope and body.
const ABOVE_BODY_CHILD: usize = 2;
