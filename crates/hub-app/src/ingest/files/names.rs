//! The names of files within a run: as short as they can be, each another, and the same as before.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// The shortest distinct endings of `origins`, with `/` between their parts. An origin on record (`recorded`: origin and
/// name) keeps its name, and a new one never takes a name that another has.
pub fn distinct(origins: &[String], recorded: &[(String, String)]) -> Vec<String> {
    let ending = |origin: &str, n: usize| {
        let parts: Vec<String> =
            Path::new(origin).components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
        parts.get(parts.len().saturating_sub(n)..).unwrap_or_default().join("/")
    };
    let known: HashMap<&str, &str> = recorded.iter().map(|(origin, name)| (origin.as_str(), name.as_str())).collect();
    let taken: HashSet<&str> = recorded.iter().map(|(_, name)| name.as_str()).collect();
    let name =
        |origin: &String| known.get(origin.as_str()).map_or_else(|| ending(origin, 1), |name| (*name).to_owned());
    let mut names: Vec<String> = origins.iter().map(name).collect();
    let deepest = origins.iter().map(|origin| Path::new(origin).components().count()).max().unwrap_or(1);
    for n in 2..=deepest {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for name in &names {
            *seen.entry(name).or_default() += 1;
        }
        let clashes: Vec<bool> = origins
            .iter()
            .zip(&names)
            .map(|(origin, name)| {
                !known.contains_key(origin.as_str()) && (seen[name.as_str()] > 1 || taken.contains(name.as_str()))
            })
            .collect();
        for ((name, origin), clashes) in names.iter_mut().zip(origins).zip(clashes) {
            if clashes {
                *name = ending(origin, n);
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(origins: &[&str], recorded: &[(&str, &str)]) -> Vec<String> {
        let origins: Vec<String> = origins.iter().map(|o| (*o).to_owned()).collect();
        let recorded: Vec<_> = recorded.iter().map(|(o, n)| ((*o).to_owned(), (*n).to_owned())).collect();
        distinct(&origins, &recorded)
    }

    #[test]
    fn names_are_as_short_as_they_can_be() {
        assert_eq!(named(&["/a/x.xml", "/b/x.xml", "/c/y.xml"], &[]), ["a/x.xml", "b/x.xml", "y.xml"]);
        assert_eq!(named(&["/a/x.xml"], &[]), ["x.xml"]);
    }

    #[test]
    fn another_path_is_another_file_and_the_same_path_keeps_its_name() {
        let first = [("/shard1/x.xml", "x.xml")];
        assert_eq!(named(&["/shard2/x.xml"], &first), ["shard2/x.xml"]);
        assert_eq!(named(&["/shard1/x.xml"], &first), ["x.xml"]);
        let both = [("/a/x.xml", "a/x.xml"), ("/b/x.xml", "b/x.xml")];
        assert_eq!(named(&["/a/x.xml"], &both), ["a/x.xml"]);
        assert_eq!(named(&["/b/x.xml", "/c/x.xml"], &both), ["b/x.xml", "x.xml"]);
    }
}
