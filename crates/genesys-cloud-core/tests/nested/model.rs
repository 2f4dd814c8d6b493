//! Random trees, with failures and kills, compared with the records of the org.

use std::collections::BTreeSet;

use genesys_cloud_core::Verdict;

use crate::server::Answer;
use crate::{Org, client, id, members, reloaded};

/// Numbers at random (SplitMix64), the same for a seed.
struct Rng(u64);

impl Rng {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).expect("31 bits") % bound
    }
}

/// `NESTED_SEEDS=0..5000` runs more.
fn seeds() -> std::ops::Range<u64> {
    let text = std::env::var("NESTED_SEEDS").unwrap_or("0..60".to_owned());
    let (from, to) = text.split_once("..").expect("a range");
    from.parse().expect("a seed")..to.parse().expect("a seed")
}

#[tokio::test]
async fn every_item_comes_once_whatever_fails_and_wherever_it_is_killed() {
    for seed in seeds() {
        let mut rng = Rng(seed);
        let sizes: Vec<usize> = (0..rng.below(9)).map(|_| rng.below(8)).collect();
        let org = Org::of(&sizes);
        let all = org.all();
        let (every, mut faults) = (2 + rng.below(6), Rng(seed ^ 0xff));
        let server = org
            .serve_but(move |_, _| {
                let fails = faults.below(every) == 0;
                fails.then(|| Answer::json(500, r#"{"status":500,"code":"internal"}"#))
            })
            .await;
        let is_ordered = rng.below(2) == 0;
        let concurrency = 1 + rng.below(4);
        let client = client(&server);
        let tree = || {
            let tree = members(&client).concurrency(concurrency);
            if is_ordered { tree } else { tree.unordered() }
        };
        let mut reading = tree();
        let mut found = Vec::new();
        loop {
            if rng.below(6) == 0 {
                let checkpoint = reloaded(&reading.checkpoint().expect("a place"));
                assert_eq!(checkpoint.items(), found.len() as u64, "seed {seed}");
                reading = tree().resume(&checkpoint);
            }
            match reading.try_next().await {
                Ok(Some(member)) => found.push(id(&member.item)),
                Ok(None) => break,
                Err(error) => assert_eq!(error.status(), Some(500), "seed {seed}: {error}"),
            }
        }
        if is_ordered {
            assert_eq!(found, all, "seed {seed}");
        }
        let set: BTreeSet<&String> = found.iter().collect();
        assert_eq!((set.len(), found.len()), (all.len(), all.len()), "seed {seed}: {found:?}");
        let report = reading.report();
        assert_eq!(report.verdict(), Verdict::Complete, "seed {seed}");
        assert_eq!(report.items, all.len() as u64, "seed {seed}");
        assert_eq!(report.parents_done, sizes.len() as u64, "seed {seed}");
    }
}
