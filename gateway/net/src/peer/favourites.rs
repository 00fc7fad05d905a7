//! Which of several candidates connected first, for a while.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;
use tokio::time::Instant;

use super::Candidate;

/// Remembers the chosen candidate of each set (PR-MESSTRANSP; sets of one need no memory).
#[derive(Debug)]
pub(super) struct Favourites {
    lifetime: Duration,
    chosen: Mutex<LruCache<Vec<Candidate>, (Candidate, Instant)>>,
}

impl Favourites {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            chosen: Mutex::new(LruCache::new(SETS_MAX)),
        }
    }

    /// `set` in order, without repetition.
    pub(super) fn get(&self, set: &[Candidate]) -> Option<Candidate> {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let (candidate, since) = chosen.get(set)?;
        if since.elapsed() >= self.lifetime {
            chosen.pop(set);
            return None;
        }
        Some(candidate.clone())
    }

    pub(super) fn put(&self, set: &[Candidate], candidate: &Candidate) {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        chosen.put(set.to_vec(), (candidate.clone(), Instant::now()));
    }

    pub(super) fn forget(&self, set: &[Candidate]) {
        self.chosen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop(set);
    }
}

const SETS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_023);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Candidate, Favourites};

    fn candidate(host: &str) -> Candidate {
        Candidate {
            host: host.to_owned(),
            port: 5500,
            ocsp_port: 5577,
        }
    }

    #[test]
    fn remembers_by_set() {
        let favourites = Favourites::new(Duration::from_secs(60));
        let both = [candidate("a"), candidate("b")];
        assert_eq!(favourites.get(&both), None);
        favourites.put(&both, &both[1]);
        assert_eq!(favourites.get(&both), Some(candidate("b")));
        assert_eq!(favourites.get(&both[..1]), None);
        favourites.forget(&both);
        assert_eq!(favourites.get(&both), None);
    }

    #[test]
    fn without_a_lifetime_nothing_is_remembered() {
        let favourites = Favourites::new(Duration::ZERO);
        let both = [candidate("a"), candidate("b")];
        favourites.put(&both, &both[0]);
        assert_eq!(favourites.get(&both), None);
    }
}
