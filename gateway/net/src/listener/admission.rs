//! How many connections are open, and from where.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::Limits;

/// Counts the open connections of a listener.
#[derive(Debug)]
pub(super) struct Admission {
    connections_max: usize,
    connections_per_ip_max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_source: HashMap<IpAddr, usize>,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            connections_max: limits.connections_max,
            connections_per_ip_max: limits.connections_per_ip_max,
            open: Mutex::default(),
        })
    }

    /// Room for a connection from this address, given back when the ticket is dropped.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Ticket> {
        let source = source_of(address);
        let mut open = self.lock();
        let from_there = open.by_source.get(&source).copied().unwrap_or(0);
        if open.all >= self.connections_max || from_there >= self.connections_per_ip_max {
            return None;
        }
        open.all = open.all.saturating_add(1);
        open.by_source.insert(source, from_there.saturating_add(1));
        Some(Ticket {
            admission: Arc::clone(self),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Ticket {
    admission: Arc<Admission>,
    source: IpAddr,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.admission.lock();
        open.all = open.all.saturating_sub(1);
        match open.by_source.get(&self.source).copied() {
            Some(count) if count > 1 => {
                open.by_source.insert(self.source, count.saturating_sub(1));
            }
            _ => {
                open.by_source.remove(&self.source);
            }
        }
    }
}

/// One subscriber has a whole IPv6 /64, so its addresses count as one.
fn source_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::Admission;
    use crate::Limits;

    fn admission(all: usize, each: usize) -> std::sync::Arc<Admission> {
        Admission::new(&Limits {
            connections_max: all,
            connections_per_ip_max: each,
            ..Limits::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn admits_no_more_from_one_source_than_allowed() {
        let admission = admission(10, 2);
        let first = admission.admit(address("192.0.2.1")).unwrap();
        let _second = admission.admit(address("::ffff:192.0.2.1")).unwrap();
        assert!(admission.admit(address("192.0.2.1")).is_none());
        assert!(admission.admit(address("192.0.2.2")).is_some());
        drop(first);
        assert!(admission.admit(address("192.0.2.1")).is_some());
    }

    #[test]
    fn admits_no_more_in_all_than_allowed() {
        let admission = admission(2, 2);
        let _first = admission.admit(address("192.0.2.1")).unwrap();
        let second = admission.admit(address("192.0.2.2")).unwrap();
        assert!(admission.admit(address("192.0.2.3")).is_none());
        drop(second);
        assert!(admission.admit(address("192.0.2.3")).is_some());
    }

    #[test]
    fn counts_an_ipv6_network_as_one_source() {
        let admission = admission(10, 1);
        let _first = admission.admit(address("2001:db8:0:1::1")).unwrap();
        assert!(admission.admit(address("2001:db8:0:1:ffff::2")).is_none());
        assert!(admission.admit(address("2001:db8:0:2::1")).is_some());
    }

    #[test]
    fn forgets_sources_that_are_gone() {
        let admission = admission(10, 1);
        drop(admission.admit(address("192.0.2.1")));
        assert!(admission.lock().by_source.is_empty());
    }
}
