//! Containers and archives of them.

use std::io::Read;

use bytes::Bytes;
use gateway_asic::make::{self, Signed, Stamped};
use gateway_asic::names::{self, Direction};
use gateway_asic::zip::{Options, Writer};

use super::{now, sealed_messages, signature_documents};

/// Containers with single and batch signatures and time stamps, and an archive of them.
pub fn containers() -> Vec<Vec<u8>> {
    let signature = Bytes::from(signature_documents().remove(0));
    let token = Bytes::from_static(b"token");
    let batch = Stamped::Batch {
        token: token.clone(),
        result: Bytes::from_static(b"<result/>"),
        chain: Bytes::from_static(b"<chain/>"),
    };
    let mut made = Vec::new();
    for stamp in [Stamped::Single { token }, batch] {
        for (_, chain) in sealed_messages() {
            let signed = Signed {
                message: Bytes::from_static(b"<message/>"),
                signature: signature.clone(),
                chain: chain.clone(),
                stamp: stamp.clone(),
                time: now(),
            };
            let attachment: Box<dyn Read> = Box::new(&b"an attachment, an attachment"[..]);
            let mut out = Vec::new();
            make::write(&signed, &mut std::iter::once((28, attachment)), &mut out)
                .expect("a container");
            made.push(out);
        }
    }
    let mut archive = Writer::new(Vec::new(), Options::archive());
    for (ordinal, container) in (0..).zip(&made) {
        let name = names::container("id", Direction::Request, ordinal);
        archive.file(&name, now(), container).expect("an entry");
    }
    made.push(archive.finish().expect("an archive").0);
    made
}
