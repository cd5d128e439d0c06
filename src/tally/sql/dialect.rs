//! How each engine spells the few things that they spell differently. No tally here.

use std::fmt;

/// An SQL engine, by the way it writes queries.
///
/// ```
/// use tiltmeter::tally::Dialect;
/// let names: Vec<String> = Dialect::ALL.iter().map(Dialect::to_string).collect();
/// assert_eq!(names.join(" "), "DuckDB Spark BigQuery Snowflake Trino Postgres");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// DuckDB, from 1.0.
    DuckDb,
    /// Spark SQL, from 3.4; Databricks.
    Spark,
    /// BigQuery (GoogleSQL).
    BigQuery,
    /// Snowflake.
    Snowflake,
    /// Trino; Athena.
    Trino,
    /// PostgreSQL, from 14.
    Postgres,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.called())
    }
}

impl Dialect {
    /// What it is called.
    pub(crate) const fn called(self) -> &'static str {
        match self {
            Self::DuckDb => "DuckDB",
            Self::Spark => "Spark",
            Self::BigQuery => "BigQuery",
            Self::Snowflake => "Snowflake",
            Self::Trino => "Trino",
            Self::Postgres => "Postgres",
        }
    }

    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::DuckDb, Self::Spark, Self::BigQuery, Self::Snowflake, Self::Trino, Self::Postgres];

    /// A name, quoted.
    pub(super) fn name(self, name: &str) -> String {
        match self {
            Self::BigQuery => format!("`{}`", name.replace('\\', r"\\").replace('`', r"\`")),
            Self::Spark => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// A text, quoted.
    pub(super) fn text(self, text: &str) -> String {
        let escaped = match self {
            Self::DuckDb | Self::Trino | Self::Postgres => text.replace('\'', "''"),
            Self::Spark | Self::BigQuery | Self::Snowflake => text
                .replace('\\', r"\\")
                .replace('\'', r"\'")
                .replace('\n', r"\n")
                .replace('\r', r"\r"),
        };
        format!("'{escaped}'")
    }

    /// The type of text.
    pub(super) const fn text_type(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Snowflake | Self::Trino => "VARCHAR",
            Self::Spark | Self::BigQuery => "STRING",
            Self::Postgres => "TEXT",
        }
    }

    /// The type of 64-bit floating-point numbers.
    pub(super) const fn double_type(self) -> &'static str {
        match self {
            Self::BigQuery => "FLOAT64",
            Self::Postgres => "DOUBLE PRECISION",
            _ => "DOUBLE",
        }
    }

    /// The type of 64-bit whole numbers.
    pub(super) const fn integer_type(self) -> &'static str {
        match self {
            Self::BigQuery => "INT64",
            _ => "BIGINT",
        }
    }

    /// A type of whole numbers in which the mass of an impression has room, and a product of two
    /// such masses too.
    pub(super) const fn mass_type(self) -> &'static str {
        match self {
            Self::DuckDb => "HUGEINT",
            Self::BigQuery => "BIGNUMERIC",
            // 2^63 has 19 digits, its square 38.
            Self::Spark | Self::Trino => "DECIMAL(19, 0)",
            Self::Snowflake | Self::Postgres => "NUMERIC(19, 0)",
        }
    }

    /// The sum of whole numbers as it is to stand in the table.
    pub(super) fn sum(self, of: &str) -> String {
        match self {
            // Its decimals of 38 digits before the point have 38 after it, which few can read.
            Self::BigQuery => format!("CAST(SUM({of}) AS STRING)"),
            Self::Snowflake | Self::Postgres => format!("CAST(SUM({of}) AS NUMERIC(38, 0))"),
            Self::DuckDb | Self::Spark | Self::Trino => {
                format!("CAST(SUM({of}) AS DECIMAL(38, 0))")
            }
        }
    }

    /// The product of two masses in units, divided by the units of 1 and rounded down.
    pub(super) fn product(self, first: &str, second: &str) -> String {
        const ONE: u64 = 1 << 40;
        let product = format!("{first} * {second}");
        match self {
            Self::DuckDb => format!("({product}) // {ONE}"),
            Self::BigQuery | Self::Postgres => format!("DIV({product}, {ONE})"),
            // Their division rounds; what is left has no remainder.
            Self::Spark | Self::Trino => {
                format!("CAST(({product} - MOD({product}, {ONE})) / {ONE} AS DECIMAL(38, 0))")
            }
            Self::Snowflake => {
                format!("CAST(({product} - MOD({product}, {ONE})) / {ONE} AS NUMERIC(38, 0))")
            }
        }
    }

    /// The MD5 of a text, as 32 hexadecimal digits in lower case.
    pub(super) fn md5(self, text: &str) -> String {
        match self {
            Self::BigQuery => format!("TO_HEX(MD5({text}))"),
            Self::Trino => format!("LOWER(TO_HEX(MD5(TO_UTF8({text}))))"),
            _ => format!("MD5({text})"),
        }
    }

    /// A moment in microseconds since 1970-01-01T00:00:00Z; in Trino to the second, which is all
    /// that windows need.
    pub(super) fn microseconds(self, time: &str) -> String {
        match self {
            Self::DuckDb => format!("EPOCH_US(CAST({time} AS TIMESTAMPTZ))"),
            Self::Spark | Self::BigQuery => format!("UNIX_MICROS(CAST({time} AS TIMESTAMP))"),
            Self::Snowflake => {
                format!("DATE_PART(EPOCH_MICROSECOND, CAST({time} AS TIMESTAMP_TZ))")
            }
            Self::Trino => format!(
                "CAST(TO_UNIXTIME(DATE_TRUNC('second', CAST({time} AS TIMESTAMP(6) WITH TIME ZONE))) AS BIGINT) * 1000000"
            ),
            Self::Postgres => {
                format!("CAST(EXTRACT(EPOCH FROM CAST({time} AS TIMESTAMPTZ)) * 1000000 AS BIGINT)")
            }
        }
    }

    /// The statement that sets the session's time zone to UTC.
    pub(super) const fn in_utc(self) -> Option<&'static str> {
        match self {
            Self::DuckDb => Some("SET TimeZone = 'UTC'"),
            Self::Spark => Some("SET spark.sql.session.timeZone = UTC"),
            // Always in UTC.
            Self::BigQuery => None,
            Self::Snowflake => Some("ALTER SESSION SET TIMEZONE = 'UTC'"),
            Self::Trino => Some("SET TIME ZONE 'UTC'"),
            Self::Postgres => Some("SET TIME ZONE 'UTC'"),
        }
    }

    /// A text without the white space around it.
    pub(super) fn trim(self, text: &str) -> String {
        let spaces = self.white_space();
        match self {
            Self::Spark | Self::Trino => format!("TRIM(BOTH {spaces} FROM {text})"),
            Self::Postgres => format!("BTRIM({text}, {spaces})"),
            _ => format!("TRIM({text}, {spaces})"),
        }
    }

    /// The characters of white space as Unicode has them, in a literal in which they can be seen.
    fn white_space(self) -> String {
        let characters = ('\0'..='\u{3000}').filter(|c| c.is_whitespace()).map(u32::from);
        let escaped = |before: &str| -> String {
            characters.clone().map(|c| format!("{before}{c:04x}")).collect()
        };
        match self {
            Self::DuckDb => {
                let characters = characters.map(|c| format!("CHR({c})"));
                characters.collect::<Vec<_>>().join(" || ")
            }
            Self::Spark | Self::BigQuery | Self::Snowflake => format!("'{}'", escaped("\\u")),
            Self::Trino => format!("U&'{}'", escaped("\\")),
            Self::Postgres => format!("E'{}'", escaped("\\u")),
        }
    }

    /// The distinct topics in a text with a character between them, as an array. `topic` makes a
    /// topic of a part, or null.
    pub(super) fn labels(
        self,
        text: &str,
        separator: char,
        topic: impl Fn(&str) -> String,
    ) -> String {
        let text = format!("COALESCE({text}, '')");
        let literal = self.text(&separator.to_string());
        match self {
            Self::DuckDb => {
                let topic = topic("part");
                // It drops nulls as well.
                format!("LIST_DISTINCT([{topic} FOR part IN STRING_SPLIT({text}, {literal})])")
            }
            Self::Spark => {
                // A regular expression.
                let separator = format!("'\\\\x{{{:x}}}'", u32::from(separator));
                let topic = topic("part");
                format!(
                    "ARRAY_DISTINCT(TRANSFORM(FILTER(SPLIT({text}, {separator}), part -> {topic} IS NOT NULL), part -> {topic}))"
                )
            }
            Self::Trino => {
                let topic = topic("part");
                format!(
                    "ARRAY_DISTINCT(TRANSFORM(FILTER(SPLIT({text}, {literal}), part -> {topic} IS NOT NULL), part -> {topic}))"
                )
            }
            Self::Snowflake => {
                // Parts are variants there.
                let topic = topic("CAST(part AS VARCHAR)");
                format!(
                    "ARRAY_DISTINCT(TRANSFORM(FILTER(SPLIT({text}, {literal}), part -> {topic} IS NOT NULL), part -> {topic}))"
                )
            }
            Self::BigQuery => {
                let topic = topic("part");
                format!(
                    "ARRAY(SELECT DISTINCT {topic} FROM UNNEST(SPLIT({text}, {literal})) AS part WHERE {topic} IS NOT NULL)"
                )
            }
            Self::Postgres => {
                let topic = topic("part");
                format!(
                    "ARRAY(SELECT DISTINCT {topic} FROM UNNEST(STRING_TO_ARRAY({text}, {literal})) AS parts (part) WHERE {topic} IS NOT NULL)"
                )
            }
        }
    }

    /// How many topics an array has.
    pub(super) fn length(self, array: &str) -> String {
        let function = match self {
            Self::DuckDb => "LEN",
            Self::Spark => "SIZE",
            Self::BigQuery => "ARRAY_LENGTH",
            Self::Snowflake => "ARRAY_SIZE",
            Self::Trino | Self::Postgres => "CARDINALITY",
        };
        format!("{function}({array})")
    }

    /// A table with one row for each row of another and topic in its array, and the topic in it.
    pub(super) fn each(self, table: &str, array: &str) -> (String, &'static str) {
        match self {
            Self::DuckDb | Self::Trino | Self::Postgres => {
                (format!("{table} CROSS JOIN UNNEST({array}) AS topics (topic)"), "topics.topic")
            }
            Self::BigQuery => (format!("{table} CROSS JOIN UNNEST({array}) AS topic"), "topic"),
            Self::Spark => {
                (format!("{table} LATERAL VIEW EXPLODE({array}) topics AS topic"), "topics.topic")
            }
            Self::Snowflake => (
                format!("{table}, LATERAL FLATTEN(input => {array}) AS topics"),
                "CAST(topics.value AS VARCHAR)",
            ),
        }
    }

    /// A table of numbers and texts, as something to select from.
    pub(super) fn values(self, columns: &[String], rows: impl Iterator<Item = String>) -> String {
        let rows = rows.collect::<Vec<_>>().join(",\n    ");
        let names = columns.join(", ");
        match self {
            Self::BigQuery => {
                let texts = columns[1..].iter().map(|name| format!(", {name} STRING"));
                let texts: String = texts.collect();
                let first = &columns[0];
                format!("UNNEST(ARRAY<STRUCT<{first} INT64{texts}>>[\n    {rows}\n  ])")
            }
            _ => format!("(VALUES\n    {rows}\n  ) AS given ({names})"),
        }
    }
}
