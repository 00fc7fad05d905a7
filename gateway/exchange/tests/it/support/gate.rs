//! A signing key whose first signature waits until it is let through.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use certs_keys::{Digest, Error, PublicKey, Signature, SignatureAlgorithm, SigningKey};

pub(crate) struct Gate {
    key: Arc<dyn SigningKey>,
    reached: AtomicBool,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(crate) fn before(key: Arc<dyn SigningKey>) -> Arc<Self> {
        Arc::new(Self {
            key,
            reached: AtomicBool::new(false),
            open: Mutex::new(false),
            opened: Condvar::new(),
        })
    }

    /// A signature is waiting.
    pub(crate) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

impl SigningKey for Gate {
    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, algorithm: SignatureAlgorithm, digest: &Digest) -> Result<Signature, Error> {
        self.reached.store(true, Ordering::SeqCst);
        let open = self.open.lock().unwrap();
        let open = self.opened.wait_while(open, |open| !*open).unwrap();
        drop(open);
        self.key.sign(algorithm, digest)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}
