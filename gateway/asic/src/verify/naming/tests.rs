use super::*;

/// The names in each step; `-` for an entry without one.
#[track_caller]
fn check_names(steps: &[&[&str]], expected: Option<Warning>) {
    let step = |names: &&[&str]| {
        let name = |name: &&str| (*name != "-").then(|| (*name).to_owned());
        names.iter().map(name).collect()
    };
    let stated = Stated::of_steps(steps.iter().map(step).collect());
    assert_eq!(check(&stated), expected, "{steps:?}");
}

const MESSAGE: &str = "/message.xml";
const ONE: &str = "/attachment1";
const TWO: &str = "/attachment2";

#[test]
fn a_message_is_named_with_all_of_its_attachments_or_beside_one_digest() {
    check_names(&[&[MESSAGE, ONE]], None);
    check_names(&[&[MESSAGE, ONE, TWO]], None);
    check_names(&[&["-", MESSAGE]], None);
    check_names(&[&[MESSAGE]], None);
    // As of two messages, or of one and its attachment.
    check_names(&[&[MESSAGE, "-"]], Some(Warning::BesideMessage));
}

#[test]
fn reports_names_that_no_signer_gives() {
    let nameless = misnamed("something among the attachments has no name");
    check_names(&[&[MESSAGE, "-", "-"]], nameless.clone());
    check_names(&[&[MESSAGE, ONE, "-"]], nameless.clone());
    check_names(&[&[MESSAGE, "-", TWO]], nameless);
    let order = misnamed("the attachments are not in their order");
    check_names(&[&[MESSAGE, TWO]], order.clone());
    check_names(&[&[MESSAGE, TWO, ONE]], order.clone());
    check_names(&[&[MESSAGE, ONE, ONE]], order.clone());
    check_names(&[&[MESSAGE, MESSAGE]], order);
    let behind = misnamed("the message is not in front of its attachments");
    check_names(&[&[ONE, MESSAGE]], behind.clone());
    check_names(&[&["-", MESSAGE, "-"]], behind.clone());
    check_names(&[&["-", "-", MESSAGE]], behind.clone());
    check_names(&[&["-", MESSAGE, ONE]], behind);
    let away = misnamed("an attachment is named away from its message");
    check_names(&[&[ONE, "-"], &[MESSAGE, "-"]], away.clone());
    check_names(&[&[MESSAGE, "-"], &[MESSAGE, "-"]], away.clone());
    check_names(&[], away);
}
