//! The frames of a stack, in the notations of the languages that teams test in, and which of them are the team's own.

use super::words;

/// Marks of frames that belong to a language, a framework or a package.
const FOREIGN: &[&str] = &[
    "node_modules",
    "node:",
    "internal/",
    "internal\\",
    "processticksandrejections",
    "<anonymous>:",
    "webpack:",
    "(native",
    "site-packages",
    "dist-packages",
    "/lib/python",
    "\\lib\\",
    "<frozen",
    "_pytest",
    "pluggy",
    "unittest/",
    "<string>",
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "org.junit",
    "junit.",
    "org.testng",
    "org.hamcrest",
    "org.assertj",
    "org.opentest4j",
    "org.openqa.selenium",
    "io.appium",
    "io.cucumber",
    "cucumber.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "groovy.",
    "org.gradle",
    "org.apache.maven",
    "org.springframework",
    "org.mockito",
    "io.restassured",
    "okhttp3.",
    "reactor.",
    "system.",
    "microsoft.",
    "nunit.",
    "xunit.",
    "mstest",
    "fluentassertions",
    "openqa.selenium",
    "/usr/local/go/",
    "/go/pkg/mod/",
    "testing.go",
    "runtime/",
    "testing.trunner",
    "created by",
    "/gems/",
    "/rubygems/",
    "/vendor/",
    "phpunit",
    "dart:",
    "package:test",
    "package:flutter",
    "/rustc/",
    "core::",
    "std::",
];

/// A frame: the function and the file without its folder.
struct Frame {
    function: String,
    file: String,
}

/// Whether a line is a frame of a stack.
pub(super) fn is_frame(line: &str) -> bool {
    read(line).is_some()
}

/// What a line says behind its place: `cart_test.go:42: total = 5, want 3`.
pub(super) fn said_behind(line: &str) -> Option<&str> {
    let (place, behind) = line.trim().split_once([' ', '\t'])?;
    let said = place.ends_with(':') && !behind.starts_with("in ") && behind.contains(' ');
    (said && placed(place.trim_end_matches(':')).is_some()).then_some(behind)
}

/// The first own frames, without numbers.
pub(super) fn own(details: &str, most: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in details.lines() {
        let line = words::without_colours(line);
        let Some(frame) = read(&line) else { continue };
        let lower = line.to_lowercase();
        let lower = lower.trim_start().trim_start_matches("at ");
        let foreign = FOREIGN.iter().any(|mark| {
            if mark.ends_with('.') && mark.chars().all(|c| c.is_alphanumeric() || c == '.') {
                lower.starts_with(mark)
            } else {
                lower.contains(mark)
            }
        });
        if foreign {
            continue;
        }
        let name = words::normalise(&frame.function);
        let file = words::normalise(&frame.file);
        let text = format!("{name}@{file}");
        if found.last() != Some(&text) {
            found.push(text);
        }
        if found.len() == most {
            break;
        }
    }
    found
}

fn read(line: &str) -> Option<Frame> {
    let trimmed = line.trim();
    if let Some(rest) = trimmed.strip_prefix("at ") {
        return Some(at(rest));
    }
    if let Some(rest) = trimmed.strip_prefix("File \"") {
        let (path, behind) = rest.split_once('"')?;
        let function = behind.rsplit_once(" in ").map_or("", |(_, f)| f);
        return behind.contains("line ").then(|| frame(function, path));
    }
    // Firefox and Safari: `login@https://shop.example.com/app.js:12:3`.
    if let Some((function, place)) = trimmed.split_once('@')
        && !function.contains(' ')
        && let Some(path) = placed(place)
    {
        return Some(frame(function, path));
    }
    // pytest, Go, Ruby: `tests/test_cart.py:12: AssertionError`, `cart_test.go:42: message`, `/src/cart.go:12 +0x1d`.
    let (place, behind) = trimmed.split_once([' ', '\t']).unwrap_or((trimmed, ""));
    let place = place.trim_end_matches(':');
    let path = placed(place)?;
    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let extension = file.rsplit_once('.').map(|(_, e)| e)?;
    let source = ["py", "go", "rb", "ts", "js", "tsx", "jsx", "mjs", "cs", "java", "kt", "php", "rs", "dart", "swift"]
        .contains(&extension);
    let function = behind.strip_prefix("in ").unwrap_or_default();
    source.then(|| frame(function.trim_matches(['`', '\'']), path))
}

/// What follows `at`: `fn (path:1:2)`, `path:1:2`, `pkg.Class.method(File.java:12)`, `Ns.Class.Method() in C:\x.cs:line 1`.
fn at(rest: &str) -> Frame {
    if let Some((function, place)) = rest.split_once(" in ")
        && place.contains(":line ")
    {
        let path = place.split(":line ").next().unwrap_or(place);
        return frame(function.split('(').next().unwrap_or(function), path);
    }
    if let Some((function, place)) = rest.split_once('(') {
        let place = place.split(')').next().unwrap_or(place);
        let path = placed(place).unwrap_or(place);
        return frame(function.trim().trim_start_matches("async ").trim_start_matches("Object."), path);
    }
    let place = rest.trim_start_matches("async ");
    frame("", placed(place).unwrap_or(place))
}

/// A place without its line and column; nothing where it has none.
fn placed(place: &str) -> Option<&str> {
    let mut path = place;
    let mut numbers = 0;
    while numbers < 2
        && let Some((before, number)) = path.rsplit_once(':')
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && !before.is_empty()
    {
        path = before;
        numbers += 1;
    }
    (numbers > 0).then_some(path)
}

fn frame(function: &str, path: &str) -> Frame {
    let file = path.split(['?', '#']).next().unwrap_or(path).rsplit(['/', '\\']).next().unwrap_or(path);
    Frame { function: function.trim().to_owned(), file: file.to_owned() }
}
