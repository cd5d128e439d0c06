//! Bundles in a zip: the same as in a folder, and hostile ones refused.

#![cfg(feature = "zip")]

use crate::studies;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use studies::{files_of, small};
use tempfile::tempdir;
use tiltmeter::Error;
use tiltmeter::evidence::{
    Bundle, Contents, EvidenceFaultKind, Finding, Inputs, RecomputedFrom, Verdict,
};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

fn why(error: Error) -> EvidenceFaultKind {
    match error {
        Error::Evidence(fault) => fault.why,
        other => panic!("{other}"),
    }
}

/// A zip of these files, as other programs make them.
fn zip_of(path: &Path, files: impl IntoIterator<Item = (String, Vec<u8>)>) {
    let mut zip = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// A zip has the files of the folder, byte for byte, sorted, and is itself the same each time.
#[test]
fn a_zip_is_as_a_folder() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let [to, zip, again] = ["evidence", "evidence.zip", "again.ZIP"].map(|n| folder.path().join(n));
    let write = |to: &Path| Bundle::write(&study, folder.path(), to, Contents::WithInputs).unwrap();
    let (in_folder, in_zip) = (write(&to), write(&zip));
    write(&again);
    assert_eq!(in_folder.fingerprint(), in_zip.fingerprint());
    assert_eq!(in_folder.manifest(), in_zip.manifest());
    assert_eq!(fs::read(&zip).unwrap(), fs::read(&again).unwrap());

    let mut archive = ZipArchive::new(File::open(&zip).unwrap()).unwrap();
    let mut files = Vec::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        let time = file.last_modified().unwrap();
        assert_eq!((time.year(), time.month(), time.day(), time.hour()), (1980, 1, 1, 0));
        files.push((file.name().unwrap().into_owned(), bytes));
    }
    assert!(files.is_sorted());
    assert_eq!(files, files_of(&to).into_iter().collect::<Vec<_>>());

    fs::remove_file(folder.path().join("log.csv")).unwrap();
    let found = Bundle::open(&zip).unwrap().verify(&Inputs::AsStudied).unwrap();
    assert_eq!(found.verdict, Verdict::Same, "{found}");
    assert_eq!(found.recomputed_from, Some(RecomputedFrom::Inputs));
    let found = Bundle::open(&zip).unwrap().verify(&Inputs::In("nowhere".into())).unwrap();
    assert_eq!(found.verdict, Verdict::SameFromTally, "{found}");
}

/// One zipped again by another program, with folders as entries, and one with a file changed.
#[test]
fn another_zip_of_the_files() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let [to, zip] = ["evidence", "evidence.zip"].map(|name| folder.path().join(name));
    Bundle::write(&study, folder.path(), &to, Contents::WithInputs).unwrap();
    let mut files = files_of(&to);
    let mut writer = ZipWriter::new(File::create(&zip).unwrap());
    writer.add_directory("inputs", SimpleFileOptions::default()).unwrap();
    for (name, bytes) in &files {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
    let verify = || Bundle::open(&zip).unwrap().verify(&Inputs::AsStudied).unwrap();
    assert_eq!(verify().verdict, Verdict::Same);

    files.get_mut("inputs/log.csv").unwrap()[100] ^= 1;
    zip_of(&zip, files.clone());
    let found = verify();
    assert_eq!(found.verdict, Verdict::Changed, "{found}");
    assert!(
        matches!(&found.findings[..], [Finding::Changed { file, .. }] if file == "inputs/log.csv")
    );
    // What is larger than the manifest says is not unpacked.
    files.insert("inputs/log.csv".to_owned(), vec![0; 50_000_000]);
    zip_of(&zip, files);
    let found = verify();
    let [Finding::Changed { found_bytes: 50_000_000, found_sha256: None, .. }] = found.findings[..]
    else {
        panic!("{found}")
    };
}

/// Names that lead out of the bundle are refused, and nothing is written.
#[test]
fn names_that_lead_out_are_refused() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let [to, zip] = ["evidence", "evidence.zip"].map(|name| folder.path().join(name));
    Bundle::write(&study, folder.path(), &to, Contents::WithoutInputs).unwrap();
    for name in ["../evil.txt", "/evil.txt", "a/../../evil.txt", "a\\..\\evil.txt"] {
        // Of the same length, in case the writer would mend the name.
        let plain = "x".repeat(name.len());
        let mut files = files_of(&to);
        files.insert(plain.clone(), b"evil".to_vec());
        zip_of(&zip, files);
        let mut bytes = fs::read(&zip).unwrap();
        let mut renamed = 0;
        for at in 0..bytes.len() - plain.len() {
            if bytes[at..].starts_with(plain.as_bytes()) {
                bytes[at..at + plain.len()].copy_from_slice(name.as_bytes());
                renamed += 1;
            }
        }
        assert_eq!(renamed, 2, "in its header and in the directory");
        fs::write(&zip, bytes).unwrap();
        let expected = EvidenceFaultKind::LeadsOut { name: name.to_owned() };
        assert_eq!(why(Bundle::open(&zip).unwrap_err()), expected);
    }
}

/// Zips that are cut short or flipped anywhere: refused, or the check tells, or nothing that counts
/// was changed. Never a panic.
#[test]
fn damaged_zips_are_noticed() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let zip = folder.path().join("evidence.zip");
    Bundle::write(&study, folder.path(), &zip, Contents::WithoutInputs).unwrap();
    let bytes = fs::read(&zip).unwrap();
    let cut = folder.path().join("cut.zip");
    for length in (0..bytes.len()).step_by(bytes.len() / 40) {
        fs::write(&cut, &bytes[..length]).unwrap();
        assert!(matches!(why(Bundle::open(&cut).unwrap_err()), EvidenceFaultKind::Zip { .. }));
    }
    // What is no part of it: before, after, and as a comment, which its last two bytes say the length of.
    let commented = [&bytes[..bytes.len() - 2], &[3, 0], b"new"].concat();
    for odd in [[b"#!/bin/sh\n", &bytes[..]].concat(), [&bytes[..], b"more"].concat(), commented] {
        fs::write(&cut, odd).unwrap();
        assert!(matches!(why(Bundle::open(&cut).unwrap_err()), EvidenceFaultKind::Zip { .. }));
    }
    // A second report between the files and their directory, for whoever reads a zip from its beginning; and
    // one under another name there.
    let directory = bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let first = bytes[4..].windows(4).position(|four| four == b"PK\x03\x04").unwrap() + 4;
    let mut hidden = [&bytes[..directory], &bytes[..first], &bytes[directory..]].concat();
    let end = hidden.len() - 6;
    hidden[end..end + 4].copy_from_slice(&((directory + first) as u32).to_le_bytes());
    let mut other = bytes.clone();
    other[31] ^= 1;
    for odd in [hidden, other] {
        fs::write(&cut, odd).unwrap();
        let fault = why(Bundle::open(&cut).unwrap_err());
        let EvidenceFaultKind::Zip { detail } = fault else { panic!("{fault}") };
        assert!(detail.contains("more than the files"), "{detail}");
    }
    let (mut noticed, mut all) = (0, 0);
    for at in (0..bytes.len()).step_by(bytes.len() / 200) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&cut, &flipped).unwrap();
        let found = Bundle::open(&cut).and_then(|bundle| bundle.verify(&Inputs::AsStudied));
        let same = found.as_ref().is_ok_and(|found| found.verdict == Verdict::SameFromTally);
        noticed += i32::from(!same);
        all += 1;
    }
    // The rest are of what a zip says beside its files, such as their times.
    assert!(noticed * 10 > all * 8, "{noticed} of {all}");
    let nothing = folder.path().join("nothing.zip");
    zip_of(&nothing, [("a.txt".to_owned(), b"a".to_vec())]);
    assert_eq!(why(Bundle::open(&nothing).unwrap_err()), EvidenceFaultKind::NoManifest);
}

const CONTENTS: [Contents; 3] =
    [Contents::ReportOnly, Contents::WithoutInputs, Contents::WithInputs];

/// Folders and zips of all contents, each after each other one, and eight of them at once: what is
/// written beside its place until it is complete is never called alike, so all are the same as when
/// they are written alone, and nothing else is left.
#[test]
fn bundles_one_after_the_other_and_at_once() {
    let folder = tempdir().unwrap();
    let study = small(folder.path());
    let kinds: Vec<(Contents, &str)> =
        CONTENTS.into_iter().flat_map(|contents| [(contents, ""), (contents, ".zip")]).collect();
    let place = tempdir().unwrap();
    let write = |to: &Path, contents| {
        Bundle::write(&study, folder.path(), to, contents).unwrap().fingerprint()
    };
    let alone: Vec<_> = kinds
        .iter()
        .enumerate()
        .map(|(kind, (contents, ending))| {
            write(&place.path().join(format!("alone{kind}{ending}")), *contents)
        })
        .collect();
    for first in 0..kinds.len() {
        for second in 0..kinds.len() {
            for (at, kind) in [first, second].into_iter().enumerate() {
                let (contents, ending) = kinds[kind];
                let name = format!("{first}-{second}-{at}{ending}");
                assert_eq!(write(&place.path().join(name), contents), alone[kind]);
            }
        }
    }
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (kinds, alone, write, place) = (&kinds, &alone, &write, place.path());
            scope.spawn(move || {
                for round in 0..kinds.len() {
                    let kind = (thread + round) % kinds.len();
                    let (contents, ending) = kinds[kind];
                    let name = format!("thread{thread}-{round}{ending}");
                    assert_eq!(write(&place.join(name), contents), alone[kind]);
                }
            });
        }
    });
    let all = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = all.filter(|name| name.to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}
