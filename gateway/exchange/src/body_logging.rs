//! Whether the bodies of an exchange are kept in the log.

use std::collections::HashSet;

use gateway_messagelog::Side;
use gateway_proto::id::{ClientId, ServiceId};

/// Which bodies are kept. Where they are not, a record holds the reduced message and the digests of
/// what was signed; that a message was exchanged can still be proved, what it said cannot.
#[derive(Clone, Debug)]
pub struct BodyLogging {
    /// They are kept, but for the exceptions; `false`: they are not, but for the exceptions.
    pub kept: bool,
    /// Exceptions by the subsystem whose service is asked, where this node answers.
    pub except_local: HashSet<ClientId>,
    /// The same where this node asks.
    pub except_remote: HashSet<ClientId>,
}

impl BodyLogging {
    /// Whether requests to this service and their responses are kept whole.
    #[must_use]
    pub fn keeps(&self, side: Side, service: &ServiceId) -> bool {
        let exceptions = match side {
            Side::Consumer => &self.except_remote,
            Side::Provider => &self.except_local,
        };
        self.kept != exceptions.contains(service.provider())
    }
}

impl Default for BodyLogging {
    fn default() -> Self {
        Self {
            kept: true,
            except_local: HashSet::new(),
            except_remote: HashSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use gateway_proto::id::MemberId;

    use super::*;

    fn subsystem(code: &str) -> ClientId {
        ClientId::new(MemberId::new("AZ", "GOV", "1").unwrap(), Some(code)).unwrap()
    }

    #[test]
    fn an_exception_inverts_the_switch_on_its_own_side_only() {
        let service = |code| ServiceId::new(subsystem(code), "s", None).unwrap();
        for kept in [true, false] {
            let logging = BodyLogging {
                kept,
                except_local: HashSet::from([subsystem("here")]),
                except_remote: HashSet::from([subsystem("there")]),
            };
            assert_eq!(logging.keeps(Side::Provider, &service("here")), !kept);
            assert_eq!(logging.keeps(Side::Consumer, &service("here")), kept);
            assert_eq!(logging.keeps(Side::Consumer, &service("there")), !kept);
            assert_eq!(logging.keeps(Side::Provider, &service("there")), kept);
            assert_eq!(logging.keeps(Side::Provider, &service("other")), kept);
        }
    }
}
