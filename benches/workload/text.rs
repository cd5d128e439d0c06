//! The log as text: six columns, as logs have them, of which the jobs need three.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::{ARMS, Columns, Random, topic_name, viewer_id};

/// The forms of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Csv,
    Ndjson,
}

impl Form {
    /// The name of a log in this form.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Csv => "log.csv",
            Self::Ndjson => "log.ndjson",
        }
    }
}

/// Items of a log.
const ITEMS: u32 = 200_000;

/// Rows of a second.
const PACE: usize = 200;

/// Writes the columns, and with them places, items and times.
pub(crate) fn write(columns: &Columns, form: Form, path: &Path) -> std::io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let topics: Vec<String> = (0..columns.shape.topics).map(topic_name).collect();
    let mut random = Random::seeded(2);
    if form == Form::Csv {
        writeln!(file, "viewer,arm,topic,position,item,time")?;
    }
    for row in 0..columns.shape.rows {
        let (viewer, arm) = (viewer_id(columns.viewer[row]), ARMS[columns.arm[row] as usize]);
        let (topic, position) = (&topics[columns.topic[row] as usize], row % 20 + 1);
        let (item, time) = (ITEMS + random.below(ITEMS), time(row / PACE));
        match form {
            Form::Csv => writeln!(file, "{viewer},{arm},{topic},{position},{item},{time}")?,
            Form::Ndjson => writeln!(
                file,
                "{{\"viewer\":{viewer},\"arm\":\"{arm}\",\"topic\":\"{topic}\",\
                 \"position\":{position},\"item\":{item},\"time\":\"{time}\"}}"
            )?,
        }
    }
    file.flush()
}

/// A second of March 2026.
fn time(second: usize) -> String {
    let (day, hour) = (second / 86_400 % 31 + 1, second / 3600 % 24);
    format!("2026-03-{day:02}T{hour:02}:{:02}:{:02}Z", second / 60 % 60, second % 60)
}
