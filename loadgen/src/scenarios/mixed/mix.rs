//! The proportion of what people do.

use crate::random::Random;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Send,
    Edit,
    React,
    Read,
    Type,
    SetPresence,
    ReadHistory,
    Search,
    ShareFile,
    Call,
}

const NAMES: [(&str, Deed); 10] = [
    ("send", Deed::Send),
    ("edit", Deed::Edit),
    ("reaction", Deed::React),
    ("read", Deed::Read),
    ("typing", Deed::Type),
    ("presence", Deed::SetPresence),
    ("history", Deed::ReadHistory),
    ("search", Deed::Search),
    ("file", Deed::ShareFile),
    ("call", Deed::Call),
];

/// A day in a chat app: for each message about one read marker, and every third has typing before it.
pub(super) const DAY: &str = "send=35,read=30,typing=12,history=8,reaction=6,presence=3,edit=2,search=2,file=1,call=1";

/// What people do, each with its share of the sum of all shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mix(Vec<(Deed, u64)>);

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = |part: &str| {
            let (name, share) = part.split_once('=')?;
            let (_, deed) = NAMES.iter().find(|(known, _)| *known == name)?;
            Some((*deed, u64::from(share.parse::<u32>().ok()?)))
        };
        let shares = text.split(',').map(|part| share(part).ok_or_else(|| part.to_owned()));
        let shares: Vec<(Deed, u64)> = shares.collect::<Result<_, _>>().map_err(|part| {
            let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
            format!("{part:?} is not NAME=SHARE; the names are {}", names.join(", "))
        })?;
        if shares.iter().all(|(_, share)| *share == 0) {
            return Err("all shares are 0".to_owned());
        }
        Ok(Self(shares))
    }
}

impl Mix {
    pub(super) fn draw(&self, random: &mut Random) -> Deed {
        let mut at = random.below(self.0.iter().map(|(_, share)| share).sum());
        for (deed, share) in &self.0 {
            match at.checked_sub(*share) {
                Some(rest) => at = rest,
                None => return *deed,
            }
        }
        Deed::Send
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY, Deed, Mix, Random};

    #[test]
    fn deeds_come_in_their_proportion() {
        let mix: Mix = "send=3,search=1,call=0".parse().unwrap();
        let mut random = Random::new(1);
        let deeds: Vec<_> = (0..10_000).map(|_| mix.draw(&mut random)).collect();
        let count = |wanted| deeds.iter().filter(|deed| **deed == wanted).count();
        assert!((7_200..7_800).contains(&count(Deed::Send)), "{}", count(Deed::Send));
        assert_eq!((count(Deed::Send) + count(Deed::Search), count(Deed::Call)), (10_000, 0));
    }

    #[test]
    fn a_mix_names_what_is_known() {
        assert!(DAY.parse::<Mix>().is_ok());
        for wrong in ["", "send", "send=x", "sleep=1", "send=0", "send=1,"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }
}
