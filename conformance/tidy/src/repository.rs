//! What is tracked, and the manifests.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::{Table, Value};

/// A manifest of a member of the workspace.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Where it is, relative to the root.
    pub path: String,
    /// Its content.
    pub table: Table,
}

/// How a package is depended on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In what is built.
    Normal,
    /// In tests and benches.
    Dev,
    /// In a build script.
    Build,
}

/// One line of a manifest.
#[derive(Clone, Copy, Debug)]
pub struct Dependency<'m> {
    /// The package, by the name it is known under.
    pub name: &'m str,
    /// What for.
    pub kind: Kind,
    /// What the line says.
    pub value: &'m Value,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// It is no TOML.
    pub fn parse(path: &str, text: &str) -> Result<Self> {
        let table = text.parse().map_err(|error| invalid(path, &error))?;
        Ok(Self {
            path: path.to_owned(),
            table,
        })
    }

    /// The name of the package; empty when there is none.
    pub fn name(&self) -> &str {
        let name = self
            .table
            .get("package")
            .and_then(|package| package.get("name"));
        name.and_then(Value::as_str).unwrap_or_default()
    }

    /// Every dependency, those for some platforms too.
    pub fn dependencies(&self) -> Vec<Dependency<'_>> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let targets = targets.into_iter().flat_map(Table::values);
        let tables = targets.filter_map(Value::as_table).chain([&self.table]);
        tables.flat_map(of_table).collect()
    }
}

fn of_table(table: &Table) -> impl Iterator<Item = Dependency<'_>> {
    let sections = [
        ("dependencies", Kind::Normal),
        ("dev-dependencies", Kind::Dev),
        ("build-dependencies", Kind::Build),
    ];
    sections.into_iter().flat_map(move |(section, kind)| {
        let entries = table.get(section).and_then(Value::as_table);
        let entries = entries.into_iter().flatten();
        entries.map(move |(name, value)| Dependency { name, kind, value })
    })
}

/// The root of the repository this crate is in.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// The manifests of all members.
///
/// # Errors
/// One cannot be read.
pub fn manifests(root: &Path) -> Result<Vec<Manifest>> {
    let read = |path: &str| Manifest::parse(path, &std::fs::read_to_string(root.join(path))?);
    let workspace = read("Cargo.toml")?;
    let members = workspace
        .table
        .get("workspace")
        .and_then(|table| table.get("members"));
    let members = members.and_then(Value::as_array);
    let members = members.ok_or_else(|| invalid("Cargo.toml", &"no members"))?;
    let names = members.iter().filter_map(Value::as_str);
    names
        .map(|member| read(&format!("{member}/Cargo.toml")))
        .collect()
}

/// The text files of the repository, relative to its root: what git tracks or would, or, where
/// there is no git, what is not built.
///
/// # Errors
/// A file or folder cannot be read.
pub fn texts(root: &Path) -> Result<Vec<(String, String)>> {
    let paths = match tracked(root) {
        Some(paths) => paths,
        None => walked(root, root)?,
    };
    let mut texts = Vec::new();
    for path in paths {
        match std::fs::read(root.join(&path)) {
            Ok(bytes) => texts.extend(String::from_utf8(bytes).ok().map(|text| (path, text))),
            // Removed, but not yet in the index.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(texts)
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root);
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let paths: Vec<_> = text.split_terminator('\0').map(str::to_owned).collect();
    (!paths.is_empty()).then_some(paths)
}

fn walked(root: &Path, folder: &Path) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if !["target", "sandbox", "node_modules", ".git"].contains(&name) {
                paths.extend(walked(root, &path)?);
            }
        } else if let Some(path) = path.strip_prefix(root).ok().and_then(Path::to_str) {
            paths.push(path.to_owned());
        }
    }
    Ok(paths)
}

fn invalid(path: &str, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidData, format!("{path}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_dependencies_of_every_section() {
        let text = "[package]\nname = 'a'\n[dependencies]\nb.workspace = true\n\
            [dev-dependencies]\nc = '1'\n[target.'cfg(unix)'.build-dependencies]\nd = '2'";
        let manifest = Manifest::parse("x", text).unwrap();
        let found = manifest.dependencies();
        let mut found: Vec<_> = found.iter().map(|line| (line.name, line.kind)).collect();
        found.sort_by_key(|line| line.0);
        assert_eq!(manifest.name(), "a");
        assert_eq!(
            found,
            [("b", Kind::Normal), ("c", Kind::Dev), ("d", Kind::Build)]
        );
    }

    #[test]
    fn finds_texts_without_git_too() {
        let root = root();
        let mut walked = walked(
            &root.join("conformance/tidy"),
            &root.join("conformance/tidy"),
        )
        .unwrap();
        walked.sort();
        assert!(walked.contains(&"src/lib.rs".to_owned()), "{walked:?}");
    }
}
