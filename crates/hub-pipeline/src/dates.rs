//! Moments as sources write them. A report of a tool has a zone or means UTC; a table that people keep is written in the
//! forms of their country and in the project's time zone. What cannot have happened is damage, not a moment.

use hub_domain::{Moment, settings::ZoneName};
use jiff::{civil, tz::TimeZone};
use time::{
    Date, Duration, OffsetDateTime, PrimitiveDateTime, UtcOffset, format_description::BorrowedFormatItem,
    format_description::well_known::Rfc3339, macros::format_description,
};

/// The first year of which a table can tell: before it, nobody kept one that is still read.
const FIRST_YEAR_OF_TABLES: i32 = 2015;

/// The first year of which a report can tell: before it, a tool did not know the time.
const FIRST_YEAR_OF_REPORTS: i32 = 2000;

/// The last year, where no clock says what lies in the future.
const LAST_YEAR: i32 = 2100;

/// Days with a time, as people write them. The day stands before the month, as everywhere but in North America; the month
/// first is never guessed.
const MOMENTS: &[&[BorrowedFormatItem<'_>]] = &[
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond]]]"),
    format_description!("[year]-[month]-[day]T[hour]:[minute]"),
    format_description!("[day padding:none]/[month padding:none]/[year]T[hour padding:none]:[minute]:[second]"),
    format_description!("[day padding:none]/[month padding:none]/[year]T[hour padding:none]:[minute]"),
    format_description!("[day padding:none]-[month padding:none]-[year]T[hour padding:none]:[minute]:[second]"),
    format_description!("[day padding:none]-[month padding:none]-[year]T[hour padding:none]:[minute]"),
    format_description!("[day padding:none].[month padding:none].[year]T[hour padding:none]:[minute]:[second]"),
    format_description!("[day padding:none].[month padding:none].[year]T[hour padding:none]:[minute]"),
    format_description!("[year]/[month]/[day]T[hour padding:none]:[minute]:[second]"),
    format_description!("[year]/[month]/[day]T[hour padding:none]:[minute]"),
];

/// Days without a time, which then begin at midnight.
const DAYS: &[&[BorrowedFormatItem<'_>]] = &[
    format_description!("[year]-[month]-[day]"),
    format_description!("[day padding:none]/[month padding:none]/[year]"),
    format_description!("[day padding:none]-[month padding:none]-[year]"),
    format_description!("[day padding:none].[month padding:none].[year]"),
    format_description!("[year]/[month]/[day]"),
];

/// How moments are read: with which clock and in which zone.
#[derive(Debug, Clone)]
pub struct Dates {
    /// Now; nothing where nobody says.
    now: Option<Moment>,
    zone: TimeZone,
}

impl Default for Dates {
    fn default() -> Self {
        Self { now: None, zone: TimeZone::UTC }
    }
}

impl Dates {
    /// Reads moments as of `now`; those of tables without a zone in `zone`, which is UTC where it is not known.
    #[must_use]
    pub fn new(now: Moment, zone: &ZoneName) -> Self {
        Self { now: Some(now), zone: TimeZone::get(&zone.0).unwrap_or(TimeZone::UTC) }
    }

    /// A moment of a tool's report: RFC 3339, also with a space for its `T` (NUnit); with the name of a zone (TestNG), as far
    /// as the name means one zone only; or without a zone, which is then UTC.
    ///
    /// # Errors
    /// A fragment that says why it is none.
    pub fn of_report(&self, value: &str) -> Result<Moment, &'static str> {
        let value = value.trim();
        let plain = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second][optional [.[subsecond]]]");
        let spaced = value.replacen(' ', "T", 1);
        let zoned = value.rsplit_once(' ').and_then(|(local, zone)| Some(format!("{local}{}", offset(zone)?)));
        let moment = [Some(value), Some(spaced.as_str()), zoned.as_deref()]
            .into_iter()
            .flatten()
            .find_map(|value| OffsetDateTime::parse(value, &Rfc3339).ok())
            .or_else(|| PrimitiveDateTime::parse(&spaced, plain).ok().map(PrimitiveDateTime::assume_utc));
        self.checked(moment.ok_or("cannot be read")?, FIRST_YEAR_OF_REPORTS, "is before 2000")
    }

    /// A moment of a table: with a zone of its own, or as people write it, in the project's zone; also milliseconds since
    /// 1970, thirteen digits.
    ///
    /// # Errors
    /// A fragment that says why it is none.
    pub fn of_table(&self, value: &str) -> Result<Moment, &'static str> {
        let value = value.trim();
        let moment = OffsetDateTime::parse(&value.replacen(' ', "T", 1), &Rfc3339)
            .ok()
            .or_else(|| milliseconds(value))
            .or_else(|| local(value).and_then(|local| self.in_zone(local)));
        self.checked(moment.ok_or("cannot be read")?, FIRST_YEAR_OF_TABLES, "is before 2015")
    }

    fn checked(&self, moment: Moment, first_year: i32, too_early: &'static str) -> Result<Moment, &'static str> {
        let moment = moment.to_offset(UtcOffset::UTC);
        // A day's grace: a machine's clock and a zone that is not the project's.
        let latest = self.now.and_then(|now| now.checked_add(Duration::days(1)));
        if moment.year() < first_year {
            Err(too_early)
        } else if latest.is_some_and(|latest| moment > latest) || moment.year() > LAST_YEAR {
            Err("lies in the future")
        } else {
            Ok(moment)
        }
    }

    /// A moment of the zone. One that a change of clocks leaves out or repeats is the one after or the first.
    fn in_zone(&self, local: PrimitiveDateTime) -> Option<Moment> {
        let number = |n: u8| i8::try_from(n).ok();
        let (date, clock) = (local.date(), local.time());
        let civil = civil::DateTime::new(
            i16::try_from(date.year()).ok()?,
            number(u8::from(date.month()))?,
            number(date.day())?,
            number(clock.hour())?,
            number(clock.minute())?,
            number(clock.second())?,
            i32::try_from(clock.nanosecond()).ok()?,
        );
        let timestamp = self.zone.to_timestamp(civil.ok()?).ok()?;
        OffsetDateTime::from_unix_timestamp_nanos(timestamp.as_nanosecond()).ok()
    }
}

/// The offset of a zone that Java names by letters. `IST`, `CST`, `BST`, `MST` mean several zones and are none here.
fn offset(zone: &str) -> Option<&str> {
    Some(match zone {
        "UTC" | "GMT" | "WET" => "+00:00",
        "CET" | "WEST" => "+01:00",
        "CEST" | "EET" => "+02:00",
        "EEST" | "MSK" => "+03:00",
        "JST" | "KST" => "+09:00",
        "ART" | "BRT" => "-03:00",
        "EDT" => "-04:00",
        "EST" | "CDT" | "COT" | "PET" => "-05:00",
        "MDT" => "-06:00",
        "PDT" => "-07:00",
        "PST" => "-08:00",
        _ => zone.strip_prefix("GMT").filter(|offset| offset.len() == 6)?,
    })
}

/// A moment without a zone as people write it.
fn local(value: &str) -> Option<PrimitiveDateTime> {
    // One or more spaces, or a comma, between the day and the time.
    let mut parts = value.split([' ', ',']).filter(|part| !part.is_empty());
    let joined = match (parts.next(), parts.next(), parts.next()) {
        (Some(day), Some(clock), None) => format!("{day}T{clock}"),
        (Some(one), None, None) => one.to_owned(),
        _ => return None,
    };
    let moment = MOMENTS.iter().find_map(|form| PrimitiveDateTime::parse(&joined, form).ok());
    moment.or_else(|| DAYS.iter().find_map(|form| Date::parse(&joined, form).ok()).map(|day| day.midnight()))
}

/// Milliseconds since 1970, as tools of the web write them.
fn milliseconds(value: &str) -> Option<Moment> {
    let thirteen = value.len() == 13 && value.bytes().all(|byte| byte.is_ascii_digit());
    let ms: i128 = value.parse().ok().filter(|_| thirteen)?;
    OffsetDateTime::from_unix_timestamp_nanos(ms * 1_000_000).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn moments_of_every_dialect_are_read_and_damage_is_not() {
        let dates = Dates::default();
        for value in [
            "2025-12-15T19:59:34.276Z",
            "2025-12-15T19:59:34",
            "2025-12-15 19:59:34.276123",
            "2025-12-15T19:59:34+01:00",
            "2004-01-01T00:00:00Z",
        ] {
            assert!(dates.of_report(value).is_ok(), "{value}");
        }
        for value in [
            "2025-12-15 19:59:34Z",
            "2025-12-15T19:59:34 UTC",
            "2025-12-15T20:59:34 CET",
            "2025-12-15T21:59:34 GMT+02:00",
            "2025-12-15T16:59:34 ART",
        ] {
            assert_eq!(dates.of_report(value), Ok(datetime!(2025-12-15 19:59:34 UTC)), "{value}");
        }
        for (value, reason) in [
            ("2025-12-15T19:59:34 IST", "cannot be read"),
            ("2025-12-15T19:59:34 GMTTTTTTT", "cannot be read"),
            ("2025-12-15 GMT", "cannot be read"),
            ("", "cannot be read"),
            ("++34600000000", "cannot be read"),
            ("yesterday", "cannot be read"),
            ("15/12/2025 19:59", "cannot be read"),
            ("2099999-01-01T00:00:00Z", "cannot be read"),
            ("1970-01-01T00:00:00Z", "is before 2000"),
            ("2199-01-01T00:00:00Z", "lies in the future"),
        ] {
            assert_eq!(dates.of_report(value), Err(reason), "{value}");
        }
    }

    #[test]
    fn tables_are_written_in_the_forms_and_the_zone_of_people() {
        let dates = Dates::new(datetime!(2026-01-10 12:00 UTC), &ZoneName("Europe/Madrid".into()));
        let summer = datetime!(2025-07-01 07:30 UTC);
        for value in [
            "01/07/2025 09:30",
            "1/7/2025 9:30",
            "01/07/2025 09:30:00",
            "01-07-2025 09:30",
            "01.07.2025, 9:30",
            "2025/07/01 09:30",
            "2025-07-01 09:30",
            "2025-07-01T09:30:00",
            "2025-07-01T07:30:00Z",
            "2025-07-01 07:30:00Z",
            "1751355000000",
        ] {
            assert_eq!(dates.of_table(value), Ok(summer), "{value}");
        }
        assert_eq!(dates.of_table("16/12/2025"), Ok(datetime!(2025-12-15 23:00 UTC)), "winter, midnight");
        assert_eq!(
            dates.of_table("2025-03-30 02:30"),
            Ok(datetime!(2025-03-30 01:30 UTC)),
            "an hour that was left out"
        );
        assert_eq!(dates.of_table("11/01/2026 12:30"), Ok(datetime!(2026-01-11 11:30 UTC)), "a day's grace");
    }

    #[test]
    fn what_cannot_have_happened_is_told() {
        let dates = Dates::new(datetime!(2026-01-10 12:00 UTC), &ZoneName::default());
        for (value, reason) in [
            ("31/12/2014", "is before 2015"),
            ("1970-01-01", "is before 2015"),
            ("12/01/2026", "lies in the future"),
            ("01/01/2099", "lies in the future"),
            ("12/31/2025", "cannot be read"),
            ("01/07/25", "cannot be read"),
            ("30/02/2025", "cannot be read"),
            ("++34600000000:35", "cannot be read"),
            ("a b c", "cannot be read"),
            ("175135500000", "cannot be read"),
        ] {
            assert_eq!(dates.of_table(value), Err(reason), "{value}");
        }
    }
}
