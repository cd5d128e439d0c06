//! What only the crate can see: progress, and files whose digest is right and whose contents are
//! not.

use super::*;
use crate::log::{ExposureLog, LogSchema, TopicColumn};
use crate::question::attention::Attention;
use crate::source::SliceSource;

/// Two arms, four viewers, topics that overlap; one count above 255 and masses of every width.
fn tally() -> Tally {
    let mut viewers = vec!["ada", "ada", "bo", "cy", "cy", "di"];
    let mut arms = vec!["new", "old", "new", "old", "new", "old"];
    let mut topics = vec!["war", "", "war|sport", "sport", "war", "war"];
    let mut weights = vec![8_388_608.0; 6];
    for _ in 0..300 {
        viewers.push("bo");
        arms.push("old");
        topics.push("sport");
        weights.push(0.125);
    }
    let ranks: Vec<i64> = (1..=viewers.len() as i64).collect();
    let source = SliceSource::new("example")
        .text("viewer", &viewers)
        .text("arm", &arms)
        .text("topics", &topics)
        .integer("rank", &ranks)
        .float("weight", &weights);
    let schema = LogSchema::new()
        .viewer("viewer")
        .arm("arm")
        .position("rank")
        .weight("weight")
        .topics(TopicColumn::separated("topics", '|'));
    let log = ExposureLog::read(source, &schema).unwrap();
    let attentions = vec![Attention::Uniform, Attention::TopK { k: 4 }];
    Tally::of(&log, &TallySpec { attentions, ..TallySpec::default() }).unwrap()
}

fn bytes<P: Serialize>(tally: &Tally, progress: &P) -> Vec<u8> {
    let mut bytes = Vec::new();
    tally.write_to(&mut bytes, progress).unwrap();
    bytes
}

fn read<P: DeserializeOwned>(bytes: &[u8]) -> Result<(Tally, P), Error> {
    Tally::read_from("a file", bytes.len() as u64, bytes)
}

/// As another program would write it: the digest is that of what is there.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    use md5::{Digest, Md5};
    let end = bytes.len() - 16;
    let digest: [u8; 16] = Md5::digest(&bytes[..end]).into();
    bytes[end..].copy_from_slice(&digest);
    bytes
}

#[test]
fn progress_comes_back_with_the_tally() {
    let tally = tally();
    let progress = vec![("a.parquet".to_owned(), vec![0_u32, 3]), ("b.parquet".to_owned(), vec![])];
    let bytes = bytes(&tally, &progress);
    let (back, done) = read::<Vec<(String, Vec<u32>)>>(&bytes).unwrap();
    assert_eq!((back, done), (tally, progress));
}

#[test]
fn a_job_in_its_midst_is_no_tally_on_its_own() {
    let error = read::<()>(&bytes(&tally(), &["a.parquet"])).unwrap_err();
    assert!(error.to_string().contains("saved in the midst of a job"), "{error}");
    let error = read::<Vec<String>>(&bytes(&tally(), &())).unwrap_err();
    assert!(error.to_string().contains("a tally on its own"), "{error}");
}

/// Whatever another program writes under a right digest, it is refused, or is a tally on which
/// the rest of the crate can work.
#[test]
fn any_change_under_a_right_digest_is_refused_or_sound() {
    let whole = bytes(&tally(), &());
    let mut sound = 0;
    for at in 0..whole.len() - 16 {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            match read::<()>(&sealed(changed)) {
                Ok((tally, ())) => {
                    sound += 1;
                    match tally.merge(&tally) {
                        Ok(twice) => assert_eq!(twice.impressions(), 2 * tally.impressions()),
                        Err(error) => panic!("{error} at {at}"),
                    }
                    assert_eq!(read::<()>(&bytes(&tally, &())).unwrap().0, tally);
                    for attention in 0..tally.spec.attentions.len() {
                        assert_eq!(tally.totals_under(attention).len(), tally.axes.cells());
                    }
                }
                Err(Error::Damaged { .. } | Error::Version { .. }) => {}
                Err(error) => panic!("{error} at {at}"),
            }
        }
    }
    // Names of arms and topics, keys, and masses within their bounds can change.
    assert!(sound > 0);
}

/// Lengths that lie are found out before room is made for them.
#[test]
fn lengths_are_not_believed() {
    let whole = bytes(&tally(), &());
    let text = String::from_utf8_lossy(&whole).into_owned();
    for lie in [u64::MAX, 1 << 60, u64::from(u32::MAX), 2] {
        let blocks = lie.div_ceil(BLOCK as u64);
        let header = text.lines().nth(2).unwrap();
        let liar = header
            .replace("\"clusters\":4", &format!("\"clusters\":{lie}"))
            .replace("\"blocks\":1", &format!("\"blocks\":{blocks}"));
        assert_ne!(liar, header);
        let start = whole.len() - (whole.len() - MAGIC.len() - "version 1\n".len());
        let body = &whole[start + header.len()..];
        let changed = [&whole[..start], liar.as_bytes(), body].concat();
        assert!(matches!(read::<()>(&sealed(changed)), Err(Error::Damaged { .. })), "{lie}");
    }
}

/// Each rule that a file can break although its digest is right, with the words for it.
#[test]
fn what_is_wrong_is_named() {
    let refused = |spoil: &dyn Fn(&mut Tally)| {
        let mut tally = tally();
        spoil(&mut tally);
        read::<()>(&bytes(&tally, &())).unwrap_err().to_string()
    };
    let holds = |message: String, words: &str| assert!(message.contains(words), "{message}");
    let block = |spoil: fn(&mut Block)| refused(&|tally| spoil(&mut tally.blocks[0]));
    holds(refused(&|t| t.keys.swap(0, 1)), "the keys are not in ascending order");
    holds(refused(&|t| t.spec.attentions.clear()), "there is no attention model");
    holds(refused(&|t| t.spec.cluster = ClusterBy::Viewer.hashed(70)), "bits is 70");
    holds(refused(&|t| t.spec.cluster = ClusterBy::Viewer.hashed(2)), "not the number of a bucket");
    holds(refused(&|t| t.spec.attentions[1] = Attention::TopK { k: 0 }), "k is 0");
    holds(refused(&|t| t.impressions += 1), "counts other impressions");
    holds(
        refused(&|t| t.squares[0].iter_mut().for_each(|s| s.own = Mass::from_units(u128::MAX / 9))),
        "a sum is larger than its count",
    );
    holds(block(|b| b.cells.swap(0, 1)), "the cells are not in ascending order");
    holds(block(|b| *b.cells.last_mut().unwrap() = 99), "not one of the axes'");
    holds(block(|b| b.ends[1] = b.ends[0]), "has no entries");
    holds(block(|b| *b.ends.last_mut().unwrap() += 1), "does not end with the last entry");
    holds(block(|b| *b.at.last_mut().unwrap() = 4), "not one of the block's");
    holds(block(|b| b.large[0].1 = 0), "a count is 0");
    holds(
        block(|b| b.masses[0] = Masses::Wide(vec![u128::MAX; b.at.len()])),
        "larger than its count",
    );
    holds(
        block(|b| {
            b.counts[0] = 200;
            b.masses.fill(Masses::OfCounts)
        }),
        "more of a topic than tagged",
    );
}

/// A program that writes every mass in 128 bits has written the same tally.
#[test]
fn masses_may_be_written_wider_than_they_need() {
    let tally = tally();
    let mut wide = tally.clone();
    for block in &mut wide.blocks {
        let masses = (0..2).map(|attention| {
            let entries = block.columns().flat_map(|(_, entries)| entries);
            Masses::Wide(entries.map(|entry| block.mass(entry, attention).units()).collect())
        });
        block.masses = masses.collect();
    }
    assert_eq!(read::<()>(&bytes(&wide, &())).unwrap().0, tally);
}

/// A 13 MB tally, for its time: run with `--release --ignored --nocapture`.
#[test]
#[ignore = "prints a measurement"]
fn time_of_a_large_tally() {
    let rows = 6_000_000_i64;
    let scattered = |factor: i64, below: i64| -> Vec<i64> {
        (0..rows).map(|row| (row.wrapping_mul(factor) >> 13).rem_euclid(below)).collect()
    };
    let source = SliceSource::new("large")
        .integer("viewer", &scattered(6_364_136_223_846_793_005, 66_000))
        .integer("arm", &scattered(2_862_933_555_777_941_757, 2))
        .integer("topic", &scattered(3_202_034_522_624_059_733, 50));
    let schema = LogSchema::new().viewer("viewer").arm("arm").topics(TopicColumn::single("topic"));
    let log = ExposureLog::read(source, &schema).unwrap();
    let tally = Tally::of(&log, &TallySpec::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.tally");
    for _ in 0..12 {
        let start = std::time::Instant::now();
        tally.save(&path).unwrap();
        let saved = start.elapsed();
        let start = std::time::Instant::now();
        let back = Tally::open_saved(&path).unwrap();
        let opened = start.elapsed();
        assert_eq!(back, tally);
        let size = std::fs::metadata(&path).unwrap().len();
        println!(
            "{size} bytes, {} entries: saved in {saved:?}, opened in {opened:?}",
            tally.entries()
        );
    }
}
