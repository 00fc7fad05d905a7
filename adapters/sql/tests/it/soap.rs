use bytes::Bytes;
use http::{Request, StatusCode};

use crate::support::{Register, between, envelope, soap_request};

const FIN: &str = "<p:fin>0TEST01</p:fin>";

#[tokio::test]
async fn gives_a_person_by_fin() {
    let register = Register::new();
    let answer = register.soap(envelope("GetPerson", "m-1", FIN)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.content_type, "text/xml; charset=utf-8");
    let body = between(answer.text(), "<e:Body>", "</e:Body>");
    let expected = "<GetPersonResponse xmlns=\"urn:test:letters\"><fin>0TEST01</fin>\
        <name>Əliyeva Şəhla, ğöüçıİ &lt;&amp;&gt;</name><born>1990-05-01</born><letters>2</letters>\
        <balance>10.50</balance><married>true</married></GetPersonResponse>";
    assert_eq!(body, expected);
}

#[tokio::test]
async fn gives_the_header_back_as_it_came() {
    let sent = envelope("GetPerson", "m-1", FIN);
    let answer = Register::new().soap(sent.clone()).await;
    let header = |text| between(text, "<e:Header>", "</e:Header>").to_owned();
    assert_eq!(header(answer.text()), header(&sent));
    assert!(header(answer.text()).contains("<o:extra xmlns:o=\"urn:other\">kept</o:extra>"));
    let parsed = gateway_proto::soap::parse(
        answer.response.body().clone(),
        &answer.content_type,
        &gateway_proto::Limits::default(),
    );
    let Ok(gateway_proto::soap::Parsed::Message(message)) = parsed else {
        panic!("a node would not take {}", answer.text());
    };
    assert_eq!(message.header().id, "m-1");
    assert_eq!(message.header().service.code(), "GetPerson");
}

#[tokio::test]
async fn leaves_out_what_is_not_recorded() {
    let answer = Register::new()
        .soap(envelope("GetPerson", "m", "<p:fin>0TEST02</p:fin>"))
        .await;
    assert!(answer.text().contains("<letters>0</letters>"));
    assert!(!answer.text().contains("<born"));
}

#[tokio::test]
async fn takes_envelopes_in_any_spelling() {
    let register = Register::new();
    let plain = envelope("GetPerson", "m-1", FIN);
    let check = async |text: Vec<u8>, content_type: &str| {
        let request = Request::post("http://provider-host:9000/any/path?x=y")
            .header("Content-Type", content_type)
            .body(Bytes::from(text.clone()))
            .unwrap();
        let answer = register.send(request).await;
        assert!(
            answer.text().contains("<fin>0TEST01</fin>"),
            "{}",
            answer.text()
        );
    };
    let utf8 = "text/xml; charset=utf-8";
    let without_declaration = plain.split_once('\n').unwrap().1.to_owned();
    check(without_declaration.clone().into_bytes(), utf8).await;
    check([b"\xef\xbb\xbf", plain.as_bytes()].concat(), utf8).await;
    check(
        plain
            .replace("e:", "SOAP-ENV:")
            .replace(":e=", ":SOAP-ENV=")
            .into_bytes(),
        "TEXT/XML",
    )
    .await;
    check(
        plain
            .replace("<e:", "<")
            .replace("</e:", "</")
            .replace("xmlns:e=", "xmlns=")
            .into_bytes(),
        utf8,
    )
    .await;
    check(
        plain
            .replace(FIN, "\n <!-- a --> <p:fin>\n 0TEST01 </p:fin>\n")
            .into_bytes(),
        utf8,
    )
    .await;
    check(
        plain
            .replace(FIN, "<p:fin><![CDATA[0TEST]]>0&#49;</p:fin>")
            .into_bytes(),
        utf8,
    )
    .await;
    check(
        plain.replace(FIN, "<fin>0test01</fin>").into_bytes(),
        "application/xop+xml",
    )
    .await;
    let latin = without_declaration
        .replace("AZ1234", "Çıraq")
        .replace('ı', "i");
    let latin: Vec<u8> = latin
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    let declared = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>";
    check([declared.as_slice(), latin.as_slice()].concat(), "text/xml").await;
}

#[tokio::test]
async fn takes_the_first_part_of_a_multipart_message() {
    let register = Register::new();
    let envelope = envelope("GetPerson", "m-1", FIN);
    let send = async |body: String| {
        let request = Request::post("/")
            .header(
                "Content-Type",
                "multipart/related; boundary=\"b\"; type=\"text/xml\"",
            )
            .body(Bytes::from(body))
            .unwrap();
        register.send(request).await
    };
    let part = format!("--b\r\nContent-Type: text/xml\r\n\r\n{envelope}\r\n");
    let attachment = "--b\r\nContent-Type: text/plain\r\nContent-ID: att1\r\n\r\n<x>\r\n";
    let answer = send(format!("{part}{attachment}--b--\r\n")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let broken = "--b\r\nno header line\r\n\r\n";
    let answer = send(format!("{part}{broken}--b--\r\n")).await;
    assert_eq!(answer.fault(), "Client.mime_parsing_failed");
    assert_eq!(
        send("--b--\r\n".to_owned()).await.fault(),
        "Client.missing_soap"
    );
    let untyped = part.replace("Content-Type: text/xml\r\n", "");
    assert_eq!(
        send(format!("{untyped}--b--\r\n")).await.fault(),
        "Client.InvalidContentType"
    );
}

#[tokio::test]
async fn lists_rows_and_an_empty_list() {
    let register = Register::new();
    let answer = register
        .soap(envelope("FindLetters", "m", "<p:subject>b</p:subject>"))
        .await;
    let row = "<FindLettersResponse xmlns=\"urn:test:letters\"><letter><number>2</number><subject>b</subject></letter></FindLettersResponse>";
    assert!(answer.text().contains(row), "{}", answer.text());
    let answer = register
        .soap(envelope(
            "FindLetters",
            "m",
            "<p:subject>z</p:subject><p:fin/>",
        ))
        .await;
    assert!(
        answer
            .text()
            .contains("<FindLettersResponse xmlns=\"urn:test:letters\"></FindLettersResponse>")
    );
}

#[tokio::test]
async fn takes_nil_for_nothing() {
    let register = Register::new();
    let nil = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"";
    let body = format!("<p:fin>0TEST02</p:fin><p:subject>x</p:subject><p:pages {nil}/>");
    let answer = register.soap(envelope("SendLetter", "m", &body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(
        register.count("SELECT count(*) FROM letter WHERE subject = 'x' AND pages IS NULL"),
        1
    );
    let body = format!("<p:fin {nil}/><p:subject>x</p:subject>");
    let answer = register.soap(envelope("SendLetter", "m", &body)).await;
    assert_eq!(answer.fault(), "Client.MissingParameter");
}

#[tokio::test]
async fn writes_who_sent_a_command() {
    let register = Register::new();
    let body = "<p:fin>0TEST02</p:fin><p:subject>ərizə</p:subject><p:urgent>1</p:urgent>";
    let answer = register.soap(envelope("SendLetter", "m-9", body)).await;
    assert!(
        answer.text().contains("<letters>1</letters>"),
        "{}",
        answer.text()
    );
    let found =
        "SELECT count(*) FROM letter WHERE subject = 'ərizə' AND urgent = 1 AND user_id = 'AZ1234'
        AND sender = 'AZ/GOV/0000001181/mygov' AND message_id = 'm-9'";
    assert_eq!(register.count(found), 1);
    let body = "<p:fin>0TEST02</p:fin><p:name>Yeni</p:name>";
    let answer = register.soap(envelope("Rename", "m", body)).await;
    assert!(
        answer.text().contains("<affected>1</affected>"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn refuses_wrong_bodies() {
    let register = Register::new();
    let check = async |service: &str, body: &str, code: &str| {
        let answer = register.soap(envelope(service, "m", body)).await;
        assert_eq!(answer.fault(), code, "{body}");
        assert!(!answer.text().contains("TEST"), "{body}");
    };
    for fin in [
        "", "0TEST0", "0TEST011", "0TESTI1", "0TESTİ1", "0TESTı1", "0ТEST01", "' OR 1=1",
    ] {
        check(
            "GetPerson",
            &format!("<p:fin>{fin}</p:fin>"),
            "Client.InvalidFin",
        )
        .await;
    }
    check("GetPerson", "", "Client.MissingParameter").await;
    check(
        "GetPerson",
        "<p:fin>0TEST01</p:fin><p:fin>0TEST02</p:fin>",
        "Client.RepeatedParameter",
    )
    .await;
    check(
        "GetPerson",
        "<p:fin>0TEST01</p:fin><p:name>a</p:name>",
        "Client.UnknownParameter",
    )
    .await;
    check(
        "GetPerson",
        "<q:fin xmlns:q=\"urn:q\">0TEST01</q:fin>",
        "Client.foreign_element",
    )
    .await;
    check(
        "GetPerson",
        "<p:fin><p:a/>0TEST01</p:fin>",
        "Client.nested_element",
    )
    .await;
    check("GetPerson", "0TEST01", "Client.stray_text").await;
    check("GetPerson", "<p:fin>0TEST99</p:fin>", "Client.NotFound").await;
    check(
        "SendLetter",
        "<p:fin>0TEST02</p:fin><p:subject>x</p:subject><p:sender>y</p:sender>",
        "Client.UnknownParameter",
    )
    .await;
    check(
        "SendLetter",
        "<p:fin>0TEST02</p:fin><p:subject>x</p:subject><p:pages>many</p:pages>",
        "Client.InvalidParameter",
    )
    .await;
    check(
        "SendLetter",
        "<p:fin>0TEST01</p:fin><p:subject>a</p:subject>",
        "Client.Conflict",
    )
    .await;
    assert_eq!(register.count("SELECT count(*) FROM letter"), 2);
}

#[tokio::test]
async fn refuses_what_is_no_request_to_it() {
    let register = Register::new();
    let good = envelope("GetPerson", "m", FIN);
    let check = async |text: String, code: &str| {
        let answer = register.soap(text.clone()).await;
        assert_eq!(answer.fault(), code, "{text}");
    };
    check(
        good.replace("serviceVersion>v1", "serviceVersion>v2"),
        "Client.UnknownService",
    )
    .await;
    check(
        good.replace("GetPerson", "GetNothing"),
        "Client.UnknownService",
    )
    .await;
    check(
        good.replace("<i:subsystemCode>letters", "<i:subsystemCode>other"),
        "Client.UnknownService",
    )
    .await;
    check(
        good.replace("urn:test:letters", "urn:test:other"),
        "Client.InvalidBody",
    )
    .await;
    check(
        good.replace("p:GetPerson", "p:GetPersonX"),
        "Client.InvalidBody",
    )
    .await;
    check(
        good.replace("<x:id>m</x:id>", ""),
        "Client.missing_header_field",
    )
    .await;
    check(
        good.replace("i:objectType", "objectType"),
        "Client.invalid_xml",
    )
    .await;
    check(good.replace("?>", "?><!DOCTYPE a>"), "Client.invalid_soap").await;
    check(good.replace("</e:Envelope>", ""), "Client.invalid_soap").await;
    check(
        good.replace(
            "http://schemas.xmlsoap.org/soap/envelope/",
            "http://www.w3.org/2003/05/soap-envelope",
        ),
        "Client.invalid_soap",
    )
    .await;
    check(String::new(), "Client.invalid_soap").await;
    check("<".repeat(3000), "Client.invalid_soap").await;
    check(good.replace(FIN, &"<a>".repeat(800)), "Client.invalid_soap").await;
}

#[tokio::test]
async fn takes_other_media_types_for_rest() {
    let register = Register::new();
    let mut request = soap_request(envelope("GetPerson", "m", FIN));
    request
        .headers_mut()
        .insert("content-type", "application/soap+xml".parse().unwrap());
    assert_eq!(register.send(request).await.problem(), "Client.NoEndpoint");
}

#[tokio::test]
async fn says_that_data_does_not_fit_rather_than_send_it() {
    let answer = Register::new()
        .soap(envelope("GetPerson", "m", "<p:fin>0TEST03</p:fin>"))
        .await;
    assert_eq!(answer.fault(), "Server.UnexpectedResult");
    assert!(!answer.text().contains("sometime"));
}
