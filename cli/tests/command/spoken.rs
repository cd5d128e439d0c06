//! Messages speak of flags: of all that the library says in its snapshots, nothing of Rust is left but what no command
//! can meet.

#[path = "../../src/spoken.rs"]
mod table;

use self::table::in_flags;

/// What only a program can meet: its own statistics, bundles, replays, tables and tallies.
const PROGRAMS: [&str; 7] = [
    "AuditReport::",
    "ClusterKey::of",
    "ClusterBy::paired",
    "Tally::import_as",
    "Working::Above",
    "TallySpec that the table",
    "StatisticFault::",
];

#[test]
fn no_message_speaks_of_types() {
    let snapshots = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/report/snapshots");
    let mut looked_at = 0;
    for name in ["errors", "words-rows", "words-warnings", "words-names"] {
        let Ok(text) = std::fs::read_to_string(format!("{snapshots}/{name}.snap")) else {
            continue;
        };
        for line in text.lines().filter(|line| line.starts_with("    ")) {
            let said = in_flags(line);
            let of_programs = PROGRAMS.iter().any(|its| said.contains(its));
            let types = ["::", "LogSchema", "TallySpec", "TopicFormat"];
            assert!(of_programs || !types.iter().any(|its| said.contains(its)), "{said}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 60, "{looked_at}");
}

#[test]
fn broken_lines_are_whole_messages() {
    let text = "and are counted apart;\nLogSchema::join_names (--join-names\nspaces,case,unicode,whole_numbers) joins them.";
    assert!(!in_flags(text).contains("LogSchema"), "{}", in_flags(text));
    let text = "is the arm; name the right\ncolumn in the LogSchema";
    assert_eq!(
        in_flags(text),
        "is the arm; name\nthe right column".replace("; name\nthe", ";\nname the")
    );
}
