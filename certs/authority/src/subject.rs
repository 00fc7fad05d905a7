//! Subjects of certificate requests, by certificate profile: which attributes, in which order
//! (RFC 4514 keywords in the comments; the order is that of the encoding).
//!
//! The pairs go to [`certs_x509::request::make`] as they are.

use certs_x509::Name;
use certs_x509::profile::{MemberName, Profile};

use crate::Error;

/// Attribute identifiers and values, in the order of the encoding.
pub type Attributes = Vec<(&'static str, String)>;

/// C, O, CN = instance, member class, member code.
pub fn ejbca_sign(member: &MemberName) -> Attributes {
    vec![
        (COUNTRY, member.instance.clone()),
        (ORGANIZATION, member.member_class.clone()),
        (COMMON_NAME, member.member_code.clone()),
    ]
}

/// C, CN = instance, server code.
pub fn ejbca_auth(instance: &str, server_code: &str) -> Attributes {
    vec![
        (COUNTRY, instance.to_owned()),
        (COMMON_NAME, server_code.to_owned()),
    ]
}

/// C=`FI`, O = name of the member, serialNumber = `instance/server code/member class`, CN = member
/// code.
pub fn fi_vrk_sign(member: &MemberName, server_code: &str, organization: &str) -> Attributes {
    vec![
        (COUNTRY, FINLAND.to_owned()),
        (ORGANIZATION, organization.to_owned()),
        (
            SERIAL_NUMBER,
            fi_vrk_serial(&member.instance, server_code, &member.member_class),
        ),
        (COMMON_NAME, member.member_code.clone()),
    ]
}

/// C=`FI`, O = name of the owner, serialNumber = `instance/server code/member class`, CN = DNS name
/// of the server.
pub fn fi_vrk_auth(
    instance: &str,
    member_class: &str,
    server_code: &str,
    organization: &str,
    dns_name: &str,
) -> Attributes {
    vec![
        (COUNTRY, FINLAND.to_owned()),
        (ORGANIZATION, organization.to_owned()),
        (
            SERIAL_NUMBER,
            fi_vrk_serial(instance, server_code, member_class),
        ),
        (COMMON_NAME, dns_name.to_owned()),
    ]
}

/// The pairs as [`certs_x509::request::make`] takes them.
pub fn borrowed(attributes: &Attributes) -> Vec<(&str, &str)> {
    attributes
        .iter()
        .map(|(oid, value)| (*oid, value.as_str()))
        .collect()
}

/// Whether a server's authentication certificate may have this subject. Nobody reads a server's
/// identifier out of it, so only what the profile's requests always hold is demanded.
pub(crate) fn check_auth(profile: Profile, subject: &Name) -> Result<(), Error> {
    let demand = |oid: &str, reason| match subject.values(oid).iter().any(|v| !v.is_empty()) {
        true => Ok(()),
        false => Err(Error::UnfitSubject { profile, reason }),
    };
    demand(COMMON_NAME, "no common name")?;
    match profile {
        Profile::Ejbca | Profile::Fo => demand(COUNTRY, "no country"),
        Profile::Is => demand(SERIAL_NUMBER, "no serial number"),
        Profile::FiVrk => {
            if subject.values(COUNTRY) != [FINLAND] {
                return Err(Error::UnfitSubject {
                    profile,
                    reason: "country is not FI",
                });
            }
            demand(ORGANIZATION, "no organization")?;
            let serials = subject.values(SERIAL_NUMBER);
            let parts = serials.first().map(|serial| serial.split('/'));
            match parts.is_some_and(|mut parts| {
                parts.clone().count() == 3 && parts.all(|part| !part.is_empty())
            }) {
                true => Ok(()),
                false => Err(Error::UnfitSubject {
                    profile,
                    reason: "serial number is not instance/server/class",
                }),
            }
        }
        Profile::Basic | Profile::BasicAcme => demand(SERIAL_NUMBER, "no serial number"),
        Profile::SkKlass3 | Profile::SkEsteId => Ok(()),
    }
}

fn fi_vrk_serial(instance: &str, server_code: &str, member_class: &str) -> String {
    format!("{instance}/{server_code}/{member_class}")
}

/// countryName.
pub const COUNTRY: &str = "2.5.4.6";
/// organizationName.
pub const ORGANIZATION: &str = "2.5.4.10";
/// commonName.
pub const COMMON_NAME: &str = "2.5.4.3";
/// serialNumber.
pub const SERIAL_NUMBER: &str = "2.5.4.5";

const FINLAND: &str = "FI";
