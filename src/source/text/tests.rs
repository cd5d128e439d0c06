//! Text in blocks of any size, on any number of threads, is the log, or the fault, that a plain loop over its
//! rows finds: of delimited text by the `csv` crate, of JSON by `serde_json` alone.

use std::collections::VecDeque;
use std::io::Cursor;

use proptest::prelude::*;

use crate::error::Error;
use crate::log::{
    Batch, Column, FaultReason, LogSchema, LogSource, MixedValue, RowPolicy, TextColumn,
    TopicColumn, UnreadableRow,
};
use crate::source::{CsvSource, NdjsonSource};
use crate::{
    ExposureLog,
    source::ndjson::line::{Wanted, cells_of},
};

const NAMES: [&str; 3] = ["who", "feed", "about"];

/// Rows that were read one by one, and what stands after them.
struct OneByOne {
    names: Vec<String>,
    rows: VecDeque<Batch>,
    then: Option<Error>,
}

impl LogSource for OneByOne {
    fn name(&self) -> &str {
        "text"
    }

    fn column_names(&self) -> &[String] {
        &self.names
    }

    fn select(&mut self, columns: &[usize]) {
        assert_eq!(columns, [0, 1, 2]);
    }

    fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        match self.rows.pop_front() {
            Some(row) => Ok(Some(row)),
            None => self.then.take().map_or(Ok(None), Err),
        }
    }
}

fn unreadable(column: &str, value: String, reason: FaultReason) -> Vec<UnreadableRow> {
    vec![UnreadableRow { index: 0, column: column.to_owned(), value, reason }]
}

/// Rows of delimited text by the `csv` crate, which is given line ends behind the text: an open quote takes
/// both, anything else one at most.
fn by_csv(text: &[u8]) -> OneByOne {
    let told = [text, b"\n\n"].concat();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(Cursor::new(told));
    reader.byte_headers().unwrap();
    let (mut rows, mut then) = (VecDeque::new(), None);
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).unwrap() {
        if reader.position().byte() == text.len() as u64 + 2 {
            then = Some(Error::Damaged {
                file: "text".into(),
                format: "CSV",
                place: format!(" in row {}", rows.len() + 1),
                detail: "a quote is opened there and never closed".into(),
            });
            break;
        }
        let texts = record.iter().map(std::str::from_utf8);
        let faults = match texts.clone().position(|text| text.is_err()) {
            _ if record.len() != 3 => {
                let found = format!("{} fields where the header has 3", record.len());
                unreadable("(whole line)", found, FaultReason::Malformed)
            }
            Some(at) => {
                let shown = String::from_utf8_lossy(&record[at]).into_owned();
                unreadable(NAMES[at], shown, FaultReason::NotUtf8)
            }
            None => Vec::new(),
        };
        let texts: Vec<Option<&str>> = texts.map(Result::ok).collect();
        let column = |at| {
            let text = if faults.is_empty() { texts[at] } else { None };
            Column::Text([text].into_iter().collect::<TextColumn>())
        };
        rows.push_back(Batch { columns: (0..3).map(column).collect(), unreadable: faults });
    }
    OneByOne { names: NAMES.map(str::to_owned).to_vec(), rows, then }
}

/// Rows of JSON by `serde_json`.
fn by_serde(text: &[u8], names: &[String]) -> OneByOne {
    let wanted: Wanted = NAMES.iter().zip(0..).map(|(name, at)| ((*name).to_owned(), at)).collect();
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let rows = lines.filter(|line| !line.iter().all(u8::is_ascii_whitespace)).map(|line| {
        let cells = match std::str::from_utf8(line) {
            Ok(line) => cells_of(line, &wanted),
            Err(_) => {
                let shown = String::from_utf8_lossy(line).into_owned();
                Err(("(whole line)".to_owned(), shown, FaultReason::NotUtf8))
            }
        };
        let (cells, faults) = match cells {
            Ok(cells) => (cells, Vec::new()),
            Err((column, value, reason)) => {
                (vec![MixedValue::Null; 3], unreadable(&column, value, reason))
            }
        };
        let columns = cells.into_iter().map(|cell| Column::Mixed(vec![cell])).collect();
        Batch { columns, unreadable: faults }
    });
    OneByOne { names: names.to_vec(), rows: rows.collect(), then: None }
}

/// The log, or what is said of it.
fn told(log: Result<ExposureLog, Error>) -> Result<ExposureLog, String> {
    log.map_err(|error| error.to_string())
}

fn schemas() -> [LogSchema; 2] {
    let schema = LogSchema::new().viewer("who").arm("feed").null("NA");
    let schema = schema.topics(TopicColumn::separated("about", '|'));
    [schema.clone(), schema.rows(RowPolicy::SetAside)]
}

const SIZES: [(usize, usize); 6] = [(1, 1), (1, 40), (1, 100_000), (2, 1), (3, 17), (2, 90)];

fn csv_is_the_same(text: &[u8]) {
    let open = || CsvSource::from_reader("text", Cursor::new(text.to_vec()), b',').unwrap();
    for schema in schemas() {
        // An origin tells of names what is settled at the end of a whole read.
        let expected = told(ExposureLog::read_in_blocks(by_csv(text), &schema, 1, 1));
        for (threads, bytes) in SIZES {
            let found = told(ExposureLog::read_in_blocks(open(), &schema, threads, bytes));
            assert_eq!(found, expected, "{threads} threads, {bytes} bytes, {text:?}");
        }
        let mut batches = open();
        batches.select(&[0, 1, 2]);
        let mut all = OneByOne { rows: VecDeque::new(), then: None, ..by_csv(b"who,feed,about\n") };
        while let Some(batch) = match batches.next_batch() {
            Ok(batch) => batch,
            Err(error) => {
                all.then = Some(error);
                None
            }
        } {
            all.rows.push_back(batch);
        }
        assert_eq!(told(ExposureLog::read_in_blocks(all, &schema, 1, 1)), expected, "{text:?}");
    }
}

fn json_is_the_same(text: &[u8]) {
    let open = || NdjsonSource::from_reader("text", Cursor::new(text.to_vec())).unwrap();
    let names = open().column_names().to_vec();
    if names.len() < 3 || names[..3] != NAMES {
        return;
    }
    for schema in schemas() {
        let expected = told(ExposureLog::read_in_blocks(by_serde(text, &names), &schema, 1, 1));
        for (threads, bytes) in SIZES {
            let found = told(ExposureLog::read_in_blocks(open(), &schema, threads, bytes));
            let shown = String::from_utf8_lossy(text);
            assert_eq!(found, expected, "{threads} threads, {bytes} bytes, {shown}");
        }
    }
}

/// Pieces of rows: those of a good row, and what breaks one.
fn csv_piece() -> impl Strategy<Value = Vec<u8>> {
    let good = prop::sample::select(vec![
        "a,x,war\n",
        "7,x,war\r\n",
        "007,y,\n",
        "\"a, b\",x,\"war|sport\"\n",
        "\"two\nlines\",\"x\",\"say \"\"so\"\"\"\r\n",
        "12345678901,\"y\",\"\"\n",
        "-4,é,π\n",
        "\"\",x,war\n",
        "NA,x,war\n",
        "1,x,war\n",
        "123456789012345678901,y,NA\n",
    ]);
    let odd = prop::sample::select(vec![
        "\"",
        ",",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "a",
        "\"\"",
        "x\"y",
        "\"a\"b",
        " ",
        "\u{feff}",
        "\"a\r\n\r\nb\"",
        "a,b\n",
        "a,b,c,d\n",
        "5\" screens,x,war\n",
        "\"q\" z,x,\"war\"\n",
    ]);
    prop_oneof![
        12 => good.prop_map(|text| text.as_bytes().to_vec()),
        2 => odd.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::sample::select(vec![b"caf\xe9,x,war\n".to_vec(), b"a,x,\xff\n".to_vec(), vec![0xc3]]),
    ]
}

fn json_value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "\"a\"", "\"x\"", "7", "\"7\"", "-12", "0", "\"war|sport\"", "[\"war\",\"sport\"]", "null", "\"\"",
            "\"é π\"", "\"NA\"", "true",
        ]).prop_map(str::to_owned),
        1 => prop::sample::select(vec![
            "1.0", "-0", "-0.0", "2.5", "1e3", "01", "1.", "-", "123456789012345678", "1234567890123456789",
            "18446744073709551616", "\"\\u0061\"", "\"tab\\t\"", "\"\t\"", "[]", "[ \"war\" , \"sport\" ]",
            "[\"\\u0061\", null]", "[1, 2.5]", "{\"a\": [1]}", "[[]]", "tru", "\"open", "1 2", "nul",
        ]).prop_map(str::to_owned),
    ]
}

fn json_line() -> impl Strategy<Value = Vec<u8>> {
    let values = prop::collection::vec(json_value(), 4);
    let shape = prop_oneof![6 => Just(0), 1 => 1..9];
    (values, shape).prop_map(|(v, shape)| {
        let line = match shape {
            0 => format!("{{\"who\":{},\"feed\":{},\"about\":{}}}\n", v[0], v[1], v[2]),
            1 => format!("{{ \"who\" : {} , \"feed\": {},\"about\":{} }} \r\n", v[0], v[1], v[2]),
            2 => format!("{{\"feed\":{},\"note\":{},\"who\":{}}}\n", v[0], v[1], v[2]),
            3 => format!(
                "{{\"who\":{},\"feed\":{},\"about\":{},\"who\":{}}}\n",
                v[0], v[1], v[2], v[3]
            ),
            4 => format!("{{\"who\":{},\"feed\":{},\"about\":{}}} x\n", v[0], v[1], v[2]),
            5 => format!("{{\"who\":{},\"f\\u0065ed\":{},\"note\":{}}}\n", v[0], v[1], v[2]),
            6 => "{}\n\n  \n".to_owned(),
            7 => format!("[{}]\n", v[0]),
            _ => return b"{\"who\":\"caf\xe9\",\"feed\":\"x\"}\n".to_vec(),
        };
        line.into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn delimited_text(pieces in prop::collection::vec(csv_piece(), 0..25), end in 0..3_usize) {
        let mut text = [b"who,feed,about\n", &pieces.concat()[..]].concat();
        text.truncate(text.len().saturating_sub(end).max(15));
        csv_is_the_same(&text);
    }

    #[test]
    fn lines_of_json(lines in prop::collection::vec(json_line(), 0..25), end in 0..3_usize) {
        let first = b"{\"who\":\"a\",\"feed\":\"x\",\"about\":\"war\"}\n";
        let mut text = [&first[..], &lines.concat()[..]].concat();
        text.truncate(text.len().saturating_sub(end).max(first.len()));
        json_is_the_same(&text);
    }
}

/// Blocks that begin within quotes, at each place of a text where they can.
#[test]
fn quotes_across_blocks() {
    let text =
        "who,feed,about\n\"a\n,\"\"\n\",x,\"w,\n\"\"\"\nb,\"y\r\n\",\"\"\"\"\r\nc,z,\"\n\n\n\"\n";
    let open = || CsvSource::from_reader("text", Cursor::new(text), b',').unwrap();
    let [schema, _] = schemas();
    let whole = ExposureLog::read_in_blocks(open(), &schema, 1, 1 << 20).unwrap();
    assert_eq!(whole.ids(crate::log::Role::Viewer).unwrap().id(0), Some("a\n,\"\n"));
    assert_eq!(whole.rows(), 3);
    for bytes in 1..text.len() {
        let log = ExposureLog::read_in_blocks(open(), &schema, 2, bytes).unwrap();
        assert_eq!(log, whole, "{bytes}");
    }
}

/// Many ids, each thread meeting them in an order of its own: codes are those of one thread.
#[test]
fn codes_are_in_the_order_of_the_file() {
    let id = |row: u64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 52;
    let mut csv = "who,feed,about\n".to_owned();
    for row in 0..20_000 {
        let (who, other) = (id(row), id(row + 7));
        let text = match row % 3 {
            0 => format!("u{who},{},t{}|t{}\n", other % 7, other % 50, who % 50),
            1 => format!("{who},f{},t{}\n", other % 7, other % 50),
            _ => format!("{},x,\n", who as i64 - 5_000),
        };
        csv.push_str(&text);
    }
    csv_is_the_same(csv.as_bytes());
}
