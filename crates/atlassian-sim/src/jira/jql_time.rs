//! Moments in queries: days, minutes, periods such as `-5d`, and the functions around now.

use time::macros::format_description;
use time::{Date, Duration, Month, OffsetDateTime, PrimitiveDateTime, Time};

use super::jql::Operand;

/// A moment that an operand names.
///
/// # Errors
/// The text that Jira answers to one it cannot read.
pub fn moment(field: &str, operand: &Operand, now: OffsetDateTime) -> Result<OffsetDateTime, String> {
    match operand {
        Operand::Text(text) => written(text, now).ok_or_else(|| {
            format!(
                "Date value '{text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', \
                 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
            )
        }),
        Operand::Function(name, arguments) => function(name, arguments.first().map(String::as_str), now)
            .ok_or_else(|| format!("Unable to find JQL function '{name}()'.")),
        Operand::Empty => Err(format!("The operator '>' does not support searching for empty values on '{field}'.")),
    }
}

fn written(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let text = text.trim();
    if let Ok(millis) = text.parse::<i64>() {
        // A bare number is milliseconds since 1970, unless it is too small to be one.
        return (text.len() > 4)
            .then(|| OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok())?;
    }
    let unified = text.replace('/', "-");
    let minute = format_description!("[year]-[month padding:none]-[day padding:none] [hour padding:none]:[minute]");
    if let Ok(at) = PrimitiveDateTime::parse(&unified, minute) {
        return Some(at.assume_utc());
    }
    if let Ok(day) = Date::parse(&unified, format_description!("[year]-[month padding:none]-[day padding:none]")) {
        return Some(PrimitiveDateTime::new(day, Time::MIDNIGHT).assume_utc());
    }
    period(text).map(|period| now + period)
}

/// `-5d`, `4w 2d`, `30m`; a sign in front holds for all parts.
fn period(text: &str) -> Option<Duration> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest.trim().is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    for part in rest.split_whitespace() {
        let unit = part.chars().last()?;
        let count: i64 = part.strip_suffix(unit)?.parse().ok()?;
        let one = match unit {
            'm' => Duration::MINUTE,
            'h' => Duration::HOUR,
            'd' => Duration::DAY,
            'w' => Duration::WEEK,
            'M' => Duration::days(30),
            'y' => Duration::days(365),
            _ => return None,
        };
        total += one * i32::try_from(count.checked_mul(sign)?).ok()?;
    }
    Some(total)
}

fn function(name: &str, argument: Option<&str>, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let lower = name.to_ascii_lowercase();
    if lower == "now" {
        return Some(now);
    }
    let midnight = now.replace_time(Time::MIDNIGHT);
    let days_since_sunday = i64::from(midnight.weekday().number_days_from_sunday());
    let (start, unit) = match lower.strip_prefix("startof").or_else(|| lower.strip_prefix("endof"))? {
        "day" => (midnight, Duration::DAY),
        "week" => (midnight - Duration::days(days_since_sunday), Duration::WEEK),
        "month" => {
            let first = midnight.replace_day(1).ok()?;
            (first, Duration::days(i64::from(first.month().length(first.year()))))
        }
        "year" => {
            let first = midnight.replace_day(1).ok()?.replace_month(Month::January).ok()?;
            (first, Duration::days(i64::from(time::util::days_in_year(first.year()))))
        }
        _ => return None,
    };
    let base = if lower.starts_with("end") { start + unit - Duration::MILLISECOND } else { start };
    match argument {
        None => Some(base),
        // A bare number counts in the function's own unit.
        Some(text) => match text.trim().parse::<i32>() {
            Ok(count) => Some(base + unit * count),
            Err(_) => Some(base + period(text.trim())?),
        },
    }
}
