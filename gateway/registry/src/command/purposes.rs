//! Purposes and categories of data.

use std::collections::BTreeMap;

use gateway_policy::rules::{Category, Purpose};

use super::{check, dependents};
use crate::Refusal;
use crate::state::State;

pub(super) fn add(
    state: &mut State,
    code: String,
    title: BTreeMap<String, String>,
) -> Result<(), Refusal> {
    check::code("the purpose", &code)?;
    check::title("the title of the purpose", &title)?;
    if state.purposes.contains_key(&code) {
        return Err(Refusal::exists(
            format!("purpose {code:?}"),
            "choose another code, or change its title",
        ));
    }
    let purpose = Purpose {
        code: code.clone(),
        title,
    };
    state.purposes.insert(code, purpose);
    Ok(())
}

pub(super) fn describe(
    state: &mut State,
    code: &str,
    title: BTreeMap<String, String>,
) -> Result<(), Refusal> {
    check::title("the title of the purpose", &title)?;
    let purpose = state
        .purposes
        .get_mut(code)
        .ok_or_else(|| not_found(code))?;
    purpose.title = title;
    Ok(())
}

pub(super) fn remove(state: &mut State, code: &str) -> Result<(), Refusal> {
    if !state.purposes.contains_key(code) {
        return Err(not_found(code));
    }
    dependents::check_purpose(state, code)?;
    state.purposes.remove(code);
    Ok(())
}

/// Each is one that was added.
pub(super) fn check_all(state: &State, whose: &str, codes: &[String]) -> Result<(), Refusal> {
    check::no_repeats(&format!("the purposes of {whose}"), codes)?;
    let unknown = codes
        .iter()
        .find(|code| !state.purposes.contains_key(*code));
    unknown.map_or(Ok(()), |code| Err(not_found(code)))
}

pub(super) fn add_category(
    state: &mut State,
    code: String,
    title: BTreeMap<String, String>,
    special: bool,
) -> Result<(), Refusal> {
    check::code("the category", &code)?;
    check::title("the title of the category", &title)?;
    if state.categories.contains_key(&code) {
        return Err(Refusal::exists(
            format!("category {code:?}"),
            "choose another code, or change it",
        ));
    }
    let category = Category {
        code: code.clone(),
        title,
        special,
    };
    state.categories.insert(code, category);
    Ok(())
}

pub(super) fn change_category(
    state: &mut State,
    code: &str,
    title: BTreeMap<String, String>,
    special: bool,
) -> Result<(), Refusal> {
    check::title("the title of the category", &title)?;
    let category = state
        .categories
        .get_mut(code)
        .ok_or_else(|| category_not_found(code))?;
    category.title = title;
    category.special = special;
    Ok(())
}

pub(super) fn remove_category(state: &mut State, code: &str) -> Result<(), Refusal> {
    if !state.categories.contains_key(code) {
        return Err(category_not_found(code));
    }
    dependents::check_category(state, code)?;
    state.categories.remove(code);
    Ok(())
}

/// Each is one that was added.
pub(super) fn check_all_categories(
    state: &State,
    whose: &str,
    codes: &[String],
) -> Result<(), Refusal> {
    check::no_repeats(&format!("the categories of {whose}"), codes)?;
    let unknown = codes
        .iter()
        .find(|code| !state.categories.contains_key(*code));
    unknown.map_or(Ok(()), |code| Err(category_not_found(code)))
}

fn not_found(code: &str) -> Refusal {
    Refusal::not_found(format!("purpose {code:?}"), "add the purpose first")
}

fn category_not_found(code: &str) -> Refusal {
    Refusal::not_found(format!("category {code:?}"), "add the category first")
}
