//! Which PCMs of ALSA are tried for `source.device`, and what is told of them.

use std::iter;

use crate::capture::Modality;
use crate::capture::devices::DeviceInfo;
use crate::capture::devices::find;
use crate::capture::devices::microphones::DEFAULT;
use crate::capture::devices::microphones::SERVERS;
use crate::capture::devices::shown;
use crate::capture::error::CaptureError;
use crate::capture::error::Cause;

/// How PCM names begin that ALSA's configuration makes up for any card.
const PCM_PREFIXES: [&str; 6] = ["hw:", "plughw:", "sysdefault:", "dsnoop:", "front:", "default:"];

/// The PCMs to try for `wanted`.
pub(super) fn resolve(
    wanted: Option<&str>,
    cards: &[DeviceInfo],
) -> Result<Vec<String>, CaptureError> {
    if is_default(wanted) {
        let card = only_card(cards).into_iter().flat_map(ways);
        return Ok(iter::once(DEFAULT.into()).chain(card).collect());
    }
    let wanted = wanted.unwrap_or_default();
    if SERVERS.contains(&wanted) {
        return Ok(vec![wanted.into()]);
    }
    let error = match find(Modality::Sound, wanted, cards) {
        // Somebody who names a way of opening gets exactly that way.
        Ok(_) if PCM_PREFIXES.iter().any(|prefix| wanted.starts_with(prefix)) => {
            return Ok(vec![wanted.into()]);
        }
        Ok(card) => return Ok(ways(card).into()),
        Err(error) => error,
    };
    // No card; perhaps a PCM of ALSA's configuration. Only opening can tell.
    let ambiguous = matches!(error, CaptureError::AmbiguousDevice { .. });
    let token = wanted.is_empty() || wanted.contains(char::is_whitespace);
    let other = ["usb-", "/"].iter().any(|begin| wanted.starts_with(begin));
    if ambiguous || token || other || wanted.parse::<u32>().is_ok() {
        Err(error)
    } else {
        Ok(vec![wanted.into()])
    }
}

/// Whether no device is named.
fn is_default(wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| wanted == DEFAULT)
}

/// The first input of the card that records, where there is just one card.
fn only_card(cards: &[DeviceInfo]) -> Option<&DeviceInfo> {
    let first = cards.first()?;
    cards.iter().all(|other| card_of(other) == card_of(first)).then_some(first)
}

/// `hw:CARD=Device` of `hw:CARD=Device,DEV=0`.
fn card_of(input: &DeviceInfo) -> &str {
    input.opens.split(',').next().unwrap_or_default()
}

/// As the card is, then through ALSA's conversions.
fn ways(input: &DeviceInfo) -> [String; 2] {
    [input.opens.clone(), input.opens.replacen("hw:", "plughw:", 1)]
}

/// What to tell where `pcm` was opened: that a card stands in for the default, if so.
pub(super) fn stand_in(wanted: Option<&str>, pcm: &str, cards: &[DeviceInfo]) -> Option<String> {
    if !is_default(wanted) || pcm == DEFAULT {
        return None;
    }
    let card = cards.iter().find(|card| card.names.iter().any(|name| name == pcm))?;
    let steadiest = card.names.first().unwrap_or(&card.opens);
    Some(format!(
        "{DEFAULT:?} cannot be opened, and {pcm:?} ({}) is taken, the only card that records; set \
         source.device = {steadiest:?} to name it for good",
        card.name
    ))
}

/// `error` where none of `tried` could be opened; where no device is named, with the cards and sound
/// servers that were not tried.
pub(super) fn in_vain(
    wanted: Option<&str>,
    tried: &[String],
    (cards, servers): (&[DeviceInfo], &[&str]),
    error: CaptureError,
) -> CaptureError {
    if !is_default(wanted) {
        return error;
    }
    let source: Option<Cause> = match error {
        CaptureError::NoSuchDevice { .. } => None,
        CaptureError::Open { source, .. } => Some(source),
        CaptureError::NoUsableFormat { .. } => Some(error.into()),
        // There is one, and the error says what to do about it.
        other => return other,
    };
    let is_new = |pcm: &str| !tried.iter().any(|tried| tried == pcm);
    let others = cards.iter().filter(|card| is_new(&card.opens)).map(|card| shown(card, cards));
    let servers =
        servers.iter().filter(|server| is_new(server)).map(|server| format!("{server:?}"));
    CaptureError::NoSuchDevice {
        modality: Modality::Sound,
        wanted: DEFAULT.into(),
        available: others.chain(servers).collect(),
        tried: tried.into(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::devices::microphones::cards;
    use crate::capture::devices::microphones::tests::machine;
    use crate::capture::devices::sysfs::tree::roots;

    #[test]
    fn a_card_is_opened_raw_first_and_through_conversions_second() {
        let dir = machine();
        let cards = cards(&roots(&dir));
        let pcms = |wanted: Option<&str>| resolve(wanted, &cards);
        let both = ["hw:CARD=Device,DEV=0", "plughw:CARD=Device,DEV=0"];
        assert_eq!(pcms(Some("usb-path:1-1.2")).unwrap(), both);
        assert_eq!(pcms(Some("1")).unwrap(), both);
        assert_eq!(pcms(Some("plughw:1,0")).unwrap(), ["plughw:1,0"], "as it was asked for");
        assert_eq!(pcms(None).unwrap(), ["default"]);
        assert_eq!(pcms(Some("pulse")).unwrap(), ["pulse"]);
        for wrong in ["usb-path:9-9", "7", "usb-id:0d8c:013c", "PnP", ""] {
            assert!(pcms(Some(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_only_card_stands_in_for_the_default() {
        let dir = machine();
        let cards = cards(&roots(&dir));
        let (one, two) = cards.split_at(1);
        for wanted in [None, Some("default")] {
            let both = ["default", "hw:CARD=Device,DEV=0", "plughw:CARD=Device,DEV=0"];
            assert_eq!(resolve(wanted, one).unwrap(), both);
            // Two inputs of one card: the first.
            assert_eq!(resolve(wanted, two).unwrap()[1], "hw:CARD=Device_1,DEV=0");
            assert_eq!(resolve(wanted, &cards).unwrap(), ["default"], "it could be either");
            assert_eq!(resolve(wanted, &[]).unwrap(), ["default"]);
            assert_eq!(stand_in(wanted, "default", one), None);
            for pcm in &both[1..] {
                let told = stand_in(wanted, pcm, one).unwrap();
                assert!(told.contains(pcm) && told.contains("USB PnP Sound Device"), "{told}");
                assert!(told.contains("set source.device = \"usb-path:1-1.2\""), "{told}");
            }
        }
        assert_eq!(stand_in(Some("1"), &cards[0].opens, one), None, "it was asked for");
    }

    #[test]
    fn where_no_default_works_the_others_are_told() {
        let dir = machine();
        let cards = cards(&roots(&dir));
        let missing = || CaptureError::no_such_device(Modality::Sound, DEFAULT, Vec::new());
        let told = |wanted, tried: &[&str], cards: &[DeviceInfo], error| {
            let tried: Vec<String> = tried.iter().map(|&pcm| pcm.to_owned()).collect();
            in_vain(wanted, &tried, (cards, &["default", "pulse"]), error)
        };
        let text = told(None, &["default"], &cards, missing()).to_string();
        for part in [
            "tried was \"default\"; there are also \"usb-path:1-1.2\" (USB PnP Sound Device), ",
            "\"usb-path:1-1.3\"",
            ", \"pulse\"; set source.device to one of these",
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text}");
        }
        let all = ["default", "hw:CARD=Device,DEV=0", "plughw:CARD=Device,DEV=0"];
        let text = told(Some("default"), &all, &cards[..1], missing()).to_string();
        assert!(text.contains("there are also \"pulse\"; set"), "the card was tried: {text}");
        let refused =
            || CaptureError::Open { device: "default".into(), source: "no server".into() };
        let error = told(None, &["default"], &cards, refused());
        assert!(error.to_string().contains("usb-path:1-1.2"), "{error}");
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("no server"));
        let error = told(Some("pulse"), &["pulse"], &cards, refused());
        assert!(matches!(error, CaptureError::Open { .. }), "a name was given: {error}");
        let forbidden = CaptureError::Permission { device: "default".into(), group: "audio" };
        let error = told(None, &["default"], &cards, forbidden);
        assert!(matches!(error, CaptureError::Permission { .. }), "it says what mends it: {error}");
    }
}
