//! Order and times of files from their names.

use std::cmp::Ordering;

/// `img2` before `img10`: runs of digits compare as numbers, letters without case.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(&x), Some(&y)) = (left.first(), right.first()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (one, two) = (take_digits(&mut left), take_digits(&mut right));
            let order = one.len().cmp(&two.len()).then_with(|| one.cmp(two));
            if order != Ordering::Equal {
                return order;
            }
        } else {
            let order = x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase());
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (&left[1..], &right[1..]);
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The digits at the front, without leading zeros.
fn take_digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

/// Seconds since 1970 that a name tells, taken as it stands, without time zones: a date and a time
/// of day (`2023-06-13T03_11_46`, `20230613_031146`, `cam1-2023-06-13-03-11-46.500`,
/// `20230613031146`), or seconds or milliseconds since 1970.
pub(super) fn time_s(stem: &str) -> Option<f64> {
    let groups: Vec<&str> =
        stem.split(|letter: char| !letter.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
    (0..groups.len()).find_map(|from| date_time(&groups[from..]).or_else(|| unix(groups[from])))
}

/// 2001 to 2128 as seconds; as milliseconds 13 digits reach the same years.
fn unix(group: &str) -> Option<f64> {
    let value: f64 = group.parse().ok()?;
    match group.len() {
        10 if (1e9..5e9).contains(&value) => Some(value),
        13 if (1e12..5e12).contains(&value) => Some(value / 1000.0),
        _ => None,
    }
}

fn date_time(groups: &[&str]) -> Option<f64> {
    let lens: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let (digits, used) = match lens[..] {
        [14, ..] | [17, ..] => (groups[0].to_owned(), 1),
        [8, 6, ..] | [8, 9, ..] => (groups[..2].concat(), 2),
        [8, 2, 2, 2, ..] => (groups[..4].concat(), 4),
        [4, 2, 2, 6, ..] => (groups[..4].concat(), 4),
        [4, 2, 2, 2, 2, 2, ..] => (groups[..6].concat(), 6),
        _ => return None,
    };
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    let possible = (1970..3000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !possible {
        return None;
    }
    // Parts of a second: glued on, or three or six digits of their own.
    let glued = digits.get(14..).filter(|rest| !rest.is_empty());
    let own = groups.get(used).copied().filter(|group| group.len() == 3 || group.len() == 6);
    let part = glued.or(own).map_or(Some(0.0), |part| format!("0.{part}").parse().ok())?;
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds as f64 + part)
}

/// Days in the Gregorian calendar. Years are counted from March, so that the odd day is the last:
/// then the days before a month are `(153 m + 2) / 5` with m = 0 for March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719 468 days from March 1 of the year 0 to January 1, 1970.
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_count() {
        let mut names = ["img10.jpg", "IMG2.jpg", "img1.jpg", "img02b.jpg", "img.jpg"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["img.jpg", "img1.jpg", "IMG2.jpg", "img02b.jpg", "img10.jpg"]);
        assert_eq!(natural("a1", "a01"), natural("a01", "a1").reverse(), "a total order");
    }

    #[test]
    fn times_are_found_in_the_usual_names() {
        // `date -u -d '2023-06-13 03:11:46' +%s`
        let expected = 1_686_625_906.0;
        for name in [
            "2023-06-13T03_11_46",
            "20230613_031146",
            "20230613-031146",
            "2023-06-13-03-11-46",
            "2023-06-13 03.11.46",
            "20230613031146",
            "cam1_2023-06-13T03:11:46",
            "2023-06-13_031146",
            "1686625906",
            "frame_1686625906",
        ] {
            assert_eq!(time_s(name), Some(expected), "{name}");
        }
        for name in ["20230613_031146_250", "2023-06-13T03_11_46.250", "1686625906250"] {
            assert_eq!(time_s(name), Some(expected + 0.25), "{name}");
        }
        assert_eq!(time_s("2024-02-29T00_00_00"), Some(1_709_164_800.0));
        assert_eq!(time_s("2000-03-01T00_00_00"), Some(951_868_800.0));
    }

    #[test]
    fn numbers_that_are_no_times_are_none() {
        for name in ["", "frame", "000123", "img_12345678_999999", "20231313_031146", "42"] {
            assert_eq!(time_s(name), None, "{name}");
        }
    }
}
