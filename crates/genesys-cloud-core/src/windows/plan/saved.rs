//! A plan as it is written, to go on with it in another process.

use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use self::form::{Form, PieceForm};
use super::{Piece, PieceState, Plan};
use crate::windows::interval::Interval;
use crate::wire::Wire as _;

#[allow(unreachable_pub, reason = "records are public everywhere else")]
mod form {
    use chrono::{DateTime, Utc};

    crate::record! {
        /// A plan as it is written. To write further fields takes no further version.
        pub struct Form {
            pub version: Option<i64> = "version",
            pub operation: Option<String> = "operation",
            pub fingerprint: Option<String> = "fingerprint",
            pub start: Option<DateTime<Utc>> = "start",
            pub end: Option<DateTime<Utc>> = "end",
            pub overlap: Option<i64> = "overlapMilliseconds",
            pub pieces: Option<Vec<PieceForm>> = "pieces",
        }
    }

    crate::record! {
        /// One of its pieces.
        pub struct PieceForm {
            pub start: Option<DateTime<Utc>> = "start",
            pub end: Option<DateTime<Utc>> = "end",
            pub state: Option<String> = "state",
        }
    }
}

/// What is written, and all that is read.
const VERSION: i64 = 1;

impl PieceState {
    const fn name(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pieces = self.pieces.iter().map(|piece| PieceForm {
            start: Some(piece.interval.start()),
            end: Some(piece.interval.end()),
            state: Some(piece.state.name().to_owned()),
        });
        Form {
            version: Some(VERSION),
            operation: Some(self.operation.clone()),
            // As text: in JSON, large integers lose digits on their way through other programs.
            fingerprint: Some(format!("{:016x}", self.fingerprint)),
            start: Some(self.range.start()),
            end: Some(self.range.end()),
            overlap: i64::try_from(self.overlap.as_millis()).ok(),
            pieces: Some(pieces.collect()),
        }
        .write(serializer)
    }
}

/// Refuses what another version wrote, a piece without a beginning, an end or a known state, and pieces that are
/// not of the range or not in order.
impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::read(deserializer)?;
        if form.version != Some(VERSION) {
            let version = form.version.unwrap_or_default();
            let why = format!("a plan of version {version}; only version {VERSION} is known");
            return Err(D::Error::custom(why));
        }
        let missing = D::Error::missing_field;
        let fingerprint = form.fingerprint.ok_or_else(|| missing("fingerprint"))?;
        let fingerprint = u64::from_str_radix(&fingerprint, 16).map_err(D::Error::custom)?;
        let range = Interval::new(
            form.start.ok_or_else(|| missing("start"))?,
            form.end.ok_or_else(|| missing("end"))?,
        );
        let piece = |piece: PieceForm| {
            let interval = Interval::new(
                piece.start.ok_or_else(|| missing("start"))?,
                piece.end.ok_or_else(|| missing("end"))?,
            );
            let states = [PieceState::Todo, PieceState::Running, PieceState::Done];
            let name = piece.state.unwrap_or_default();
            let state = states.into_iter().find(|state| state.name() == name);
            let state = state.ok_or_else(|| D::Error::custom("a piece of an unknown state"))?;
            Ok(Piece { interval, state })
        };
        let pieces = form.pieces.ok_or_else(|| missing("pieces"))?;
        let pieces: Vec<Piece> = pieces.into_iter().map(piece).collect::<Result<_, _>>()?;
        let mut before = range.start();
        for Piece { interval, .. } in &pieces {
            let (start, end) = (interval.start(), interval.end());
            if start < range.start() || end > range.end() || start >= end || end <= before {
                return Err(D::Error::custom(format!("the piece {interval} is out of place")));
            }
            before = end;
        }
        let overlap = u64::try_from(form.overlap.unwrap_or(0))
            .map_err(|_| D::Error::custom("an overlap that is less than none"))?;
        Ok(Self {
            operation: form.operation.ok_or_else(|| missing("operation"))?,
            fingerprint,
            range,
            overlap: Duration::from_millis(overlap),
            pieces,
        })
    }
}
