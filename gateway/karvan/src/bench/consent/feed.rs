//! Taking up all revocations: what a node that knows none has to hear, and how long it is at it.

use std::time::Duration;

use gateway_policy::feed::{self, Entry, Event, Page, State};
use serde::Serialize;

use super::invented::{self, Invented, consent_id};
use crate::bench::Error;
use crate::bench::measure::micros;
use crate::bench::parts::part;
use crate::clock;
use crate::country::INSTANCE;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figures {
    pub(super) revoked: u64,
    /// In pages of so many entries, as the desk hands them out.
    pub(super) page_entries: usize,
    pub(super) pages: usize,
    /// Octets of all pages.
    pub(super) bytes: usize,
    /// To verify and obey all of them, on one core.
    pub(super) took_ms: f64,
    /// Of it, to verify.
    pub(super) verified_ms: f64,
    /// The bound: the chain hashes alone.
    pub(super) hashed_ms: f64,
}

pub(super) fn run(revoked: u64) -> Result<Figures, Error> {
    let invented = Invented::new(20)?;
    let pages = pages(&invented, 0, revoked)?;
    let bytes = pages.iter().map(Vec::len).fold(0, usize::saturating_add);
    let (state, verified, took) = taken(&invented, &pages)?;
    if state.held().0 != usize::try_from(revoked).unwrap_or(usize::MAX) {
        return Err(Error::Part("a revocation was not taken up".to_owned()));
    }
    Ok(Figures {
        revoked,
        page_entries: PAGE_ENTRIES,
        pages: pages.len(),
        bytes,
        took_ms: micros(took) / 1000.0,
        verified_ms: micros(verified) / 1000.0,
        hashed_ms: micros(hashed(&invented, revoked)?) / 1000.0,
    })
}

/// What a node holds that has heard of these revocations: of so many consents behind the first ones.
pub(super) fn state(invented: &Invented, first: u64, revoked: u64) -> Result<State, Error> {
    let pages = pages(invented, first, revoked)?;
    taken(invented, &pages).map(|(state, ..)| state)
}

/// The state behind the pages, and how long it took to verify, and to verify and obey them.
fn taken(invented: &Invented, pages: &[Vec<u8>]) -> Result<(State, Duration, Duration), Error> {
    let signer = invented::feed_signer()?;
    let mut state = State::new();
    let began = clock::instant();
    let mut verified = Duration::ZERO;
    for page in pages {
        let verifying = clock::instant();
        let page = Page::verify(page, signer.verifier(), INSTANCE, invented.now);
        let page = page.map_err(|error| part(&error))?;
        verified = verified.saturating_add(verifying.elapsed());
        state.apply(&page).map_err(|error| part(&error))?;
    }
    Ok((state, verified, began.elapsed()))
}

fn pages(invented: &Invented, first: u64, revoked: u64) -> Result<Vec<Vec<u8>>, Error> {
    let signer = invented::feed_signer()?;
    let mut hash = feed::chain_start();
    let mut pages = Vec::new();
    let mut lines = Vec::new();
    for number in 1..=revoked {
        let line = line(invented, first, number)?;
        hash = feed::chain_next(&hash, &line);
        lines.push(line);
        let is_last = number == revoked;
        if lines.len() == PAGE_ENTRIES || is_last {
            let page = feed::make_page(
                INSTANCE,
                number,
                &hash,
                is_last,
                &lines,
                &signer,
                invented.now,
            );
            pages.push(page.map_err(|error| part(&error))?);
            lines.clear();
        }
    }
    Ok(pages)
}

fn line(invented: &Invented, first: u64, number: u64) -> Result<Vec<u8>, Error> {
    let event = Event::Revoked {
        consent: consent_id(first.saturating_add(number)),
        ends: invented.ends(),
    };
    feed::line(&Entry { number, event }).map_err(|error| part(&error))
}

fn hashed(invented: &Invented, revoked: u64) -> Result<Duration, Error> {
    let lines = (1..=revoked).map(|number| line(invented, 0, number));
    let lines: Vec<Vec<u8>> = lines.collect::<Result<_, _>>()?;
    let began = clock::instant();
    let hash = lines.iter().fold(feed::chain_start(), |hash, line| {
        feed::chain_next(&hash, line)
    });
    let took = began.elapsed();
    match hash == feed::chain_start() {
        true => Err(Error::Part("nothing was hashed".to_owned())),
        false => Ok(took),
    }
}

/// As many as the desk puts into one.
const PAGE_ENTRIES: usize = 2000;

#[cfg(test)]
mod tests {
    use gateway_policy::feed::Standing;

    use super::{Invented, PAGE_ENTRIES, consent_id, run, state};

    #[test]
    fn all_pages_are_taken_up_and_nothing_else_is_revoked() {
        let invented = Invented::new(20).unwrap();
        let state = state(&invented, 10, 2).unwrap();
        let standings = [10, 11, 12, 13].map(|number| state.consent(consent_id(number)));
        let [holds, revoked] = [Standing::Holds, Standing::Revoked];
        assert_eq!(standings, [holds, revoked, revoked, holds]);
        let figures = run(u64::try_from(PAGE_ENTRIES).unwrap() + 1).unwrap();
        assert_eq!(figures.pages, 2);
    }
}
