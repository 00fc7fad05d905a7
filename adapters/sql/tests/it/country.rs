//! The adapters of `examples/country`: every description holds, every statement prepares, and the
//! services answer.

use std::path::{Path, PathBuf};

use adapters_sql::Service;
use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::support::json_request;

const ADAPTERS: [&str; 9] = [
    "iamas", "emas", "vemtas", "pensiya", "muavinet", "vva", "ehdr", "dogum", "diplom",
];

fn country() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/country")
}

/// All adapters over fresh databases, in the order of [`ADAPTERS`].
fn open(folder: &Path) -> Vec<Service> {
    for entry in std::fs::read_dir(country()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    }
    let open = |name: &&str| {
        let text = std::fs::read_to_string(country().join(format!("{name}.toml"))).unwrap();
        Service::from_toml(&format!("{name}.toml"), &text, folder).unwrap_or_else(|e| panic!("{e}"))
    };
    ADAPTERS.iter().map(open).collect()
}

async fn call(service: &Service, request: Request<Bytes>) -> serde_json::Value {
    let response = service.handle(request).await;
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert_eq!(response.status(), 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn get(service: &Service, target: &str) -> serde_json::Value {
    call(service, Request::get(target).body(Bytes::new()).unwrap()).await
}

#[test]
fn every_adapter_of_the_folder_is_tested() {
    let mut found: Vec<String> = std::fs::read_dir(country())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    let mut known = ADAPTERS.to_vec();
    known.sort_unstable();
    assert_eq!(found, known);
}

#[tokio::test]
async fn every_statement_prepares() {
    let folder = tempfile::tempdir().unwrap();
    for service in open(folder.path()) {
        let probed = service.probe().await;
        probed.unwrap_or_else(|error| panic!("{}: {error}", service.adapter().title));
    }
}

#[tokio::test]
async fn opens_again_with_the_data_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let dogum = &open(folder.path())[7];
    let body = json!({ "mother_fin": "0TEST08", "birth_date": "2026-04-01", "child_sex": "F", "weight_grams": 3000 });
    let born = call(
        dogum,
        json_request("POST", "/births", "m", body.to_string()),
    )
    .await;
    let again = &open(folder.path())[7];
    let record = born["medical_record"].as_str().unwrap();
    assert_eq!(
        get(again, &format!("/births/{record}")).await["mother_fin"],
        "0TEST08"
    );
}

#[tokio::test]
async fn a_family_has_papers_in_every_register() {
    let folder = tempfile::tempdir().unwrap();
    let [iamas, emas, vemtas, pensiya, _, _, ehdr, _, diplom] = &open(folder.path())[..] else {
        panic!("nine adapters")
    };
    let members = get(vemtas, "/applications/VM-2026-000001/members").await;
    let members = members["member"].as_array().unwrap();
    assert_eq!(members.len(), 4);
    for member in members {
        let fin = member["fin"].as_str().unwrap();
        assert_eq!(get(iamas, &format!("/persons/{fin}")).await["fin"], fin);
        get(emas, &format!("/persons/{fin}/contracts")).await["contract"]
            .as_array()
            .unwrap();
        get(pensiya, &format!("/persons/{fin}/pensions")).await["pension"]
            .as_array()
            .unwrap();
        get(diplom, &format!("/persons/{fin}/diplomas")).await["diploma"]
            .as_array()
            .unwrap();
    }
    let children = get(ehdr, "/persons/0TEST02/birth-records").await;
    assert_eq!(children["record"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_birth_goes_from_the_clinic_to_the_fund() {
    let folder = tempfile::tempdir().unwrap();
    let [_, _, _, _, muavinet, vva, ehdr, dogum, _] = &open(folder.path())[..] else {
        panic!("nine adapters")
    };
    let notice = get(dogum, "/births/TX-2026-0501").await;
    let body = json!({
        "mother_fin": notice["mother_fin"], "medical_record": notice["medical_record"],
        "clinic_voen": "0000000541", "birth_date": notice["birth_date"], "child_sex": notice["child_sex"],
    });
    let act = call(
        vva,
        json_request("POST", "/births", "m-1", body.to_string()),
    )
    .await;
    let act_number = act["act_number"].as_str().unwrap();

    let body = json!({ "mother_fin": notice["mother_fin"], "act_number": act_number, "birth_date": notice["birth_date"] });
    let allowance = call(
        muavinet,
        json_request("POST", "/births", "m-2", body.to_string()),
    )
    .await;
    assert_eq!(allowance["amount"], "500.00");
    let again = call(
        muavinet,
        json_request("POST", "/births", "m-2", body.to_string()),
    )
    .await;
    assert_eq!(again, allowance, "paid twice");

    let name = format!("/births/{act_number}/name");
    let named = call(
        vva,
        json_request(
            "PUT",
            &name,
            "m-3",
            json!({ "child_name": "Çiçək" }).to_string(),
        ),
    )
    .await;
    assert_eq!(named, json!({ "affected": 1 }));
    let record = get(ehdr, &format!("/birth-records/{act_number}")).await;
    assert_eq!(
        (&record["child_name"], &record["mother_fin"]),
        (&json!("Çiçək"), &notice["mother_fin"])
    );
}
