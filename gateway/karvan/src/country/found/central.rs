//! The configuration of the country's registry.

use super::{Error, client_id, failed, secret, toml_file};
use crate::config::Loaded;
use crate::config::registry::{Admin, Desk, Feed, Registry};
use crate::country::place::Place;

/// Writes `registry.toml`, with admin API and, in countries with rules, desk and feed.
pub(super) fn config(place: &Place, pin: &str) -> Result<Loaded<Registry>, Error> {
    let folder = place.registry_folder();
    gateway_store::file::create_dir(&folder).map_err(|error| failed("a folder", error))?;
    secret(&folder.join("pin"), pin.as_bytes())?;
    let values = Registry {
        data_dir: "data".into(),
        listen: place.registry(),
        address: place.registry().to_string(),
        pin_file: "pin".into(),
        publish_seconds: 60,
        admin: Some(Admin {
            listen: place.admin(),
            tls: None,
            request_bytes_max: 1024 * 1024,
        }),
        desk: desk(place)?,
        feed: place.plan().rules.map(|_| Feed {
            listen: place.feed(),
            waiting_max: 1_024,
        }),
    };
    toml_file(&folder.join("registry.toml"), &values)?;
    Ok(Loaded::new(values, &folder))
}

/// The consent desk, in countries with rules.
fn desk(place: &Place) -> Result<Option<Desk>, Error> {
    if place.plan().rules.is_none() {
        return Ok(None);
    }
    let supervisors = place.plan().supervisors.iter().map(|id| client_id(id));
    Ok(Some(Desk {
        listen: place.desk(),
        tls: None,
        certificates: Vec::new(),
        supervisors: supervisors.collect::<Result<_, _>>()?,
        retention_days: 3 * 365,
    }))
}
