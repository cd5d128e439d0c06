//! The library's messages in the words of flags: it speaks of its types, and whoever reads here knows none.

/// What the library says, and what is said here in its place. Longer ones come before what they begin with.
const SAID: &[(&str, &str)] = &[
    ("see TopicFormat", "see --topics-separator"),
    ("see TimeFormat", "see --time-format"),
    (
        "say TimeFormat::EpochSeconds or another epoch for numbers",
        "say --time-format epoch_seconds or another epoch for numbers",
    ),
    (" (MAX_LINE)", ""),
    (
        "build with the feature sql, or",
        "install the command with `cargo install --path cli --features sql`, or",
    ),
    ("(--skip, skip in a study's log, or log_files_but)", "(--skip)"),
    ("(LogSchema::records, each)", ""),
    (
        "audit the log (Audit::of); a tally has only their sums",
        "audit the log; a tally has only their sums",
    ),
    ("(LogSchema::topics or with_item_topics)", "(--topic, --topics or --items)"),
    ("; name the right column in the LogSchema", "; name the right column"),
    ("declare it in the LogSchema", "name its column with the flag of that role"),
    ("declare it with LogSchema::column", "name it with --column"),
    ("LogSchema::join_names (--join-names whole_numbers)", "--join-names whole_numbers"),
    (
        "LogSchema::join_names (--join-names spaces,case,unicode,whole_numbers)",
        "--join-names spaces,case,unicode,whole_numbers",
    ),
    ("LogSchema::null (--null)", "--null"),
    ("LogSchema::keep (--filter 'COLUMN!=NAME')", "--filter 'COLUMN!=NAME'"),
    ("(LogSchema::count, --count)", "(--count)"),
    ("(LogSchema::first_rank, --first-rank 0)", "(--first-rank 0)"),
    ("(LogSchema::format, --format csv)", "(--format csv)"),
    ("(LogSchema::numbers, --numbers)", "(--numbers decimal_comma or thousands_comma)"),
    ("(LogSchema::encoding, --encoding windows-1252)", "(--encoding windows-1252)"),
    ("(LogSchema::header, --columns)", "(--columns A,B,C)"),
    ("(LogSchema::weight, --weight)", "(--weight)"),
    ("(LogSchema::records, --records PATH)", "(--records PATH)"),
    ("(LogSchema::each, --each PATH)", "(--each PATH)"),
    ("(LogSchema::each, --each)", "(--each)"),
    (", or LogSchema::count)", ")"),
    (", or TopicColumn::separated)", ")"),
    (", or Denominator::TaggedImpressions)", ")"),
    (
        "LogSchema::stratum or Question::strata (TallySpec::strata for a tally, which has to be made again)",
        "--stratum (a tally has to be made again with it)",
    ),
    ("LogSchema::arm, viewer, topics and the like", "--arm, --viewer, --topics and the like"),
    ("LogSchema::topics or with_item_topics", "--topic or --topics"),
    ("Question::between or Question::against", "--baseline"),
    ("Question::topics, since", "--watch, since"),
    ("the number of items of Target::Uniform", "the number of items of uniform:ITEMS"),
    ("give a table of them to Audit::candidates", "give a table of them with --candidates"),
    ("PermutationPool::AllMembers", "--permute-over all_members"),
    ("candidates: Waterfall::supply", "candidates: --supply FILE"),
    (": Waterfall::supply", ": --supply FILE"),
    (": Waterfall::candidates", ": --candidates FILE"),
    (
        "give each member to one group, once",
        "give each member to one group, once, or say --several majority or leave_out",
    ),
    ("(Question::attention)", "(--attention)"),
    ("Question::attention", "--attention"),
    (" (Question::strata says what the strata are)", ""),
    ("LogSchema::engagement", "--engagement"),
    ("add it to the TallySpec", "make the tally with that --attention"),
    ("make both with the same TallySpec", "make both with the same flags"),
    ("make it with the TallySpec of the monitor", "make it with the flags of the monitor"),
    ("take Blocks::Together", "take blocks = \"together\" in a study file"),
    ("allow more with TallyJob::memory", "allow more with --memory"),
    ("(ClusterBy::hashed)", "(--cluster hashed:BITS:UNIT)"),
    ("that Bundle::write made", "that `tiltmeter bundle` made"),
    (
        "or change it with Monitor::update, where each waits for its turn",
        "or let `monitor observe` do it, where each waits for its turn",
    ),
    (
        "say TopicFormat::JsonList, or PythonList for single quotes",
        "say json_list, or python_list for single quotes",
    ),
    (
        "say Unlisted::Keep or Unlisted::Untag",
        "say unlisted = \"keep\" or \"untag\" in a study file",
    ),
    ("say ItemRepeats::Union", "say repeats = \"union\" in a study file"),
    ("EngagementWeighted::plus would keep them", "--baseline-engagement=1 would keep them"),
    ("Unit::Pooled or Unit::ClusterMean", "--unit pooled or cluster_mean"),
    ("Unit::Pooled", "--unit pooled"),
    ("Unit::Reach", "--unit reach"),
    ("take Baseline::Arm here", "take --baseline ARM here"),
    ("Baseline::Arm; an arm", "--baseline ARM; an arm"),
    ("ExposureLog::with_item_topics", "item_topics in a study file"),
    (": name one that has them (Png::fonts), or take the SVG", ""),
    ("such as ShareBounds; bands", "such as share_bounds; bands"),
    ("the list of columns of LogSchema::combined", "the list of columns of --combined"),
    ("ReplaySpec::disorder", "the disorder of a replay"),
    ("the limit of Clip::At", "the limit of --clip"),
    ("Test::Delta or Test::ShareBounds, beside", "--test delta or share_bounds, beside"),
    ("(LogSchema::human and LogSchema::inclusion)", "(--human and --inclusion)"),
    (
        "save it instead (Tally::save), or make it without LogSchema::human",
        "give --out a name that ends in .tally, or leave out --human",
    ),
    ("say so with LogSchema::inclusion", "say so with --inclusion"),
    ("say so with LogSchema::human", "say so with --human"),
];

/// A message in the words of flags, wherever its lines are broken.
pub(crate) fn in_flags(text: &str) -> String {
    let mut said = text.to_owned();
    for (library, here) in SAID {
        // Most texts have none of it, whole or broken.
        let first = library.split(' ').next().unwrap_or_default();
        if !said.contains(first) {
            continue;
        }
        said = said.replace(library, here);
        for (at, _) in library.match_indices(' ') {
            let broken = format!("{}\n{}", &library[..at], &library[at + 1..]);
            said = said.replace(&broken, &here.replacen(' ', "\n", 1));
        }
    }
    said
}
