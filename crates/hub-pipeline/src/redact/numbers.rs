//! Card and telephone numbers among everything else that digits stand for: moments, durations, ids, versions, addresses,
//! hashes. A number counts as one of the two only by its issuer and check digit, or by its country and how it is grouped.

use super::{Cutter, Kind};

/// A group of digits, and what stands before it: the separator within the candidate.
struct Group {
    start: usize,
    end: usize,
    /// Whether one space, hyphen or dash joins it to the group before.
    joined: bool,
    /// Whether a space does.
    spaced: bool,
    /// Whether a point does.
    pointed: bool,
}

impl Group {
    fn len(&self) -> usize {
        self.end - self.start
    }
}

/// A row of digits with what may stand between the digits of one number.
pub(super) fn digits(cutter: &mut Cutter<'_, '_>, start: usize, end: usize) -> usize {
    let groups = groups(cutter, start, end);
    let embedded_left =
        groups.first().is_some_and(|g| cutter.before(g.start).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_'));
    let embedded_right = cutter.byte(end).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    let (mut at, mut cards) = (0, false);
    while at < groups.len() {
        let taken = card(cutter, &groups, at, embedded_left, embedded_right);
        if let Some(taken) = taken {
            let (first, last) = (groups.get(at).map(|g| g.start), groups.get(at + taken - 1).map(|g| g.end));
            if let (Some(first), Some(last)) = (first, last) {
                cutter.cut(first, last, Kind::Card);
                cards = true;
            }
            at += taken;
            continue;
        }
        at += 1;
    }
    if !cards {
        phone(cutter, &groups, start, end, embedded_right);
    }
    end
}

fn groups(cutter: &Cutter<'_, '_>, start: usize, end: usize) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut at = start;
    while at < end {
        if !cutter.byte(at).is_some_and(|b| b.is_ascii_digit()) {
            at += 1;
            continue;
        }
        let from = at;
        while at < end && cutter.byte(at).is_some_and(|b| b.is_ascii_digit()) {
            at += 1;
        }
        let between = groups.last().and_then(|g| cutter.text.get(g.end..from)).unwrap_or_default();
        groups.push(Group {
            start: from,
            end: at,
            joined: matches!(between, " " | "-" | "\u{a0}" | "\u{2011}" | "\u{2013}"),
            spaced: matches!(between, " " | "\u{a0}"),
            pointed: between == ".",
        });
    }
    groups
}

/// How cards are written: in one, in fours, or as American Express and Diners write them.
const CARD_SHAPES: &[&[usize]] =
    &[&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3], &[4, 4, 4, 1], &[4, 4, 4, 2], &[4, 4, 4, 3]];

/// How many groups from `at` are a card's number.
fn card(cutter: &Cutter<'_, '_>, groups: &[Group], at: usize, left: bool, right: bool) -> Option<usize> {
    let first = groups.get(at)?;
    if (at == 0 && left) || first.pointed {
        return None;
    }
    let fits = |length: usize| -> Option<usize> {
        let window = groups.get(at..at + length)?;
        let last_of_all = at + length == groups.len();
        if last_of_all && right {
            return None;
        }
        let digits: Vec<u8> = window
            .iter()
            .flat_map(|g| cutter.bytes().get(g.start..g.end).unwrap_or_default())
            .map(|b| b - b'0')
            .collect();
        (issued(&digits) && luhn(&digits)).then_some(length)
    };
    if (13..=19).contains(&first.len()) {
        return fits(1);
    }
    CARD_SHAPES.iter().find_map(|shape| {
        let window = groups.get(at..at + shape.len())?;
        let shaped = window.iter().map(Group::len).eq(shape.iter().copied());
        let joined = window.iter().skip(1).all(|g| g.joined);
        if shaped && joined { fits(shape.len()) } else { None }
    })
}

/// Whether an issuer of cards begins its numbers so, and makes them so long.
fn issued(digits: &[u8]) -> bool {
    let begin = |n: usize| digits.iter().take(n).fold(0_u32, |sum, d| sum * 10 + u32::from(*d));
    let length = digits.len();
    match (begin(1), begin(2), begin(4)) {
        (4, ..) => matches!(length, 13 | 16 | 19),
        (_, 34 | 37, _) => length == 15,
        (_, 36 | 38 | 39, _) | (_, _, 3000..=3059 | 3095) => (14..=19).contains(&length),
        (_, _, 3528..=3589) => (16..=19).contains(&length),
        (_, 51..=55, _) | (_, _, 2221..=2720) => length == 16,
        (_, 62 | 65, _) | (_, _, 6011 | 6440..=6499) => (16..=19).contains(&length),
        (_, _, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763) => (13..=19).contains(&length),
        _ => false,
    }
}

/// Whether the check digit is right (ISO/IEC 7812-1, annex B), and not all digits are one.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|d| Some(d) != digits.first())
}

/// How Spanish numbers are grouped.
const PHONE_SHAPES: &[&[usize]] = &[&[3, 3, 3], &[3, 2, 2, 2], &[2, 3, 2, 2]];

fn phone(cutter: &mut Cutter<'_, '_>, groups: &[Group], start: usize, end: usize, embedded_right: bool) {
    let reaches_on = cutter.byte(end).is_some_and(|b| matches!(b, b'@' | b'%' | b'/'));
    let plus = cutter.byte(start) == Some(b'+');
    let left_free = cutter.before(start).is_none_or(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'+' | b'_' | b')'));
    if plus {
        // Zeros, a colon and more may follow a number that damaged a moment: `+34600000000:35`.
        let digits: String = groups.iter().filter_map(|g| cutter.text.get(g.start..g.end)).collect();
        if left_free && !embedded_right && cutter.byte(end) != Some(b'@') && international(&digits) {
            cutter.cut(start, end, Kind::Phone);
        }
        return;
    }
    let asked = asks_for_phone(cutter, start);
    let mut at = 0;
    while at < groups.len() {
        let taken = national(cutter, groups, at, asked, start, left_free, embedded_right || reaches_on);
        if let (Some(first), Some(last)) = (groups.get(at), groups.get(at + taken.saturating_sub(1)))
            && taken > 0
        {
            // The bracket of `(91) 123 45 67` belongs to the number.
            let from = if at == 0 { start } else { first.start };
            cutter.cut(from, last.end, Kind::Phone);
            at += taken;
        } else {
            at += 1;
        }
    }
}

/// How many groups from `at` are a Spanish number; 0 for none.
fn national(
    cutter: &Cutter<'_, '_>,
    groups: &[Group],
    at: usize,
    asked: bool,
    start: usize,
    left_free: bool,
    embedded_right: bool,
) -> usize {
    let Some(first) = groups.get(at) else { return 0 };
    // A hyphen or point before it makes it a part of something longer.
    let before = cutter.before(start);
    let alone = left_free && !before.is_some_and(|b| matches!(b, b'-' | b'.' | b'/' | b'#' | b'$'));
    if at == 0 && !alone {
        return 0;
    }
    let text = |length: usize| -> String {
        groups.iter().skip(at).take(length).filter_map(|g| cutter.text.get(g.start..g.end)).collect()
    };
    let free_right = |length: usize| match groups.get(at + length) {
        Some(next) => asked || !next.spaced && !next.joined && !next.pointed,
        None => !embedded_right,
    };
    let free_left = at == 0 || asked || !first.spaced && !first.joined && !first.pointed;
    // 0034 in front, written in one or apart.
    let whole = text(1);
    if let Some(national) = whole.strip_prefix("0034")
        && is_spanish(national)
        && free_left
        && free_right(1)
    {
        return 1;
    }
    if asked && is_spanish(&whole) && free_right(1) {
        return 1;
    }
    for shape in PHONE_SHAPES {
        let Some(window) = groups.get(at..at + shape.len()) else { continue };
        let shaped = window.iter().map(Group::len).eq(shape.iter().copied());
        let spaced =
            window.iter().skip(1).all(|g| g.spaced) || (asked && window.iter().skip(1).all(|g| g.joined || g.pointed));
        if shaped && spaced && free_left && free_right(shape.len()) && is_spanish(&text(shape.len())) {
            // `600 700 800` is a row of numbers: a telephone number has other digits than noughts.
            let round = shape.len() == 3 && window.iter().all(|g| cutter.byte(g.end - 1) == Some(b'0'));
            return if round && !asked { 0 } else { shape.len() };
        }
    }
    0
}

/// Nine digits that begin like a mobile or a fixed number in Spain.
fn is_spanish(digits: &str) -> bool {
    let mut chars = digits.chars();
    let begin = (chars.next(), chars.next());
    digits.len() == 9
        && matches!(begin, (Some('6'), Some(_)) | (Some('7'), Some('1'..='9')) | (Some('8' | '9'), Some('1'..='8')))
}

/// Digits behind `+`: a country's code and as many digits as its numbers have.
fn international(digits: &str) -> bool {
    let length = digits.len();
    let code = |n: usize| digits.get(..n).and_then(|d| d.parse::<u32>().ok()).unwrap_or(0);
    match (code(1), code(2), code(3)) {
        (1, ..) => length == 11 && digits.get(1..2).is_some_and(|d| d >= "2"),
        (7, ..) | (_, 33 | 34, _) => length == 11,
        (_, 20 | 27 | 30..=32 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98, _) => {
            (10..=13).contains(&length)
        }
        (_, _, 211..=299 | 350..=389 | 420..=423 | 500..=509 | 590..=599 | 670..=692 | 850..=888 | 960..=998) => {
            (10..=13).contains(&length)
        }
        _ => false,
    }
}

/// Words that announce a telephone number.
const PHONE_WORDS: &[&str] =
    &["tel", "tlf", "tfno", "phone", "movil", "móvil", "mobile", "whatsapp", "llamar", "sms", "fax"];

/// How far before a number its announcement may stand, in bytes.
const ANNOUNCED_WITHIN: usize = 40;

fn asks_for_phone(cutter: &Cutter<'_, '_>, start: usize) -> bool {
    let mut from = start.saturating_sub(ANNOUNCED_WITHIN);
    while !cutter.text.is_char_boundary(from) {
        from += 1;
    }
    let near = cutter.text.get(from..start).unwrap_or_default();
    let line = near.rsplit(['\n', '\r']).next().unwrap_or_default().to_lowercase();
    PHONE_WORDS.iter().any(|word| {
        line.match_indices(word).any(|(at, _)| {
            // `hotel` and `mobile-app-3` announce nothing.
            let free = line
                .get(..at)
                .and_then(|b| b.chars().next_back())
                .is_none_or(|c| !c.is_alphabetic() || *word == "phone");
            let behind = line.get(at + word.len()..).unwrap_or_default();
            free && !behind.contains(|c: char| c.is_ascii_digit())
        })
    })
}
