"""Runs the queries of `tests/tally/sql/engines.rs` and writes their tables as Parquet.

    python3 tests/golden/run_engines.py FOLDER

- DuckDB, if `duckdb` is installed;
- Spark in this process, if `pyspark` and Java are;
- PostgreSQL, if `psycopg2` is and `TILTMETER_POSTGRES` names a server to connect to
  (such as `host=/tmp/socket dbname=postgres`): it makes a temporary table and nothing else;
- the dialects of Trino, Snowflake and BigQuery as sqlglot translates them to DuckDB, if `sqlglot`
  is installed: that tests the query, not the engine.

Used with duckdb 2.0.1, pyspark 4.3.0, PostgreSQL 15.18, sqlglot 30.30.0, pyarrow 26.0.1.
"""

import csv
import os
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
log = folder / "log.csv"
with open(log, encoding="utf-8", newline="") as file:
    columns = next(csv.reader(file))


def queries(dialect):
    for path in sorted(folder.glob(f"*.{dialect}.sql")):
        yield path.with_suffix(".parquet"), path.read_text(encoding="utf-8")


def duckdb_connection():
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"CREATE TABLE log AS FROM read_csv('{log}', all_varchar = true)")
    return connection


def run_duckdb():
    connection = duckdb_connection()
    for path, query in queries("duckdb"):
        connection.execute(f"COPY (\n{query}\n) TO '{path}' (FORMAT parquet)")
        yield path


def run_spark():
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    frame = session.read.csv(str(log), header=True, inferSchema=False, quote='"', escape='"')
    frame.createOrReplaceTempView("log")
    for path, query in queries("spark"):
        out = path.with_suffix(".folder")
        session.sql(query).coalesce(1).write.mode("overwrite").parquet(str(out))
        next(out.glob("part-*.parquet")).rename(path)
        yield path


def run_postgres():
    import psycopg2
    import pyarrow
    import pyarrow.parquet

    connection = psycopg2.connect(os.environ["TILTMETER_POSTGRES"])
    cursor = connection.cursor()
    cursor.execute("SET TIME ZONE 'UTC'")
    names = ", ".join('"{}" TEXT'.format(name.replace('"', '""')) for name in columns)
    cursor.execute(f"CREATE TEMPORARY TABLE log ({names})")
    with open(log, encoding="utf-8") as file:
        cursor.copy_expert("COPY log FROM STDIN (FORMAT csv, HEADER true)", file)
    for path, query in queries("postgres"):
        cursor.execute(query)
        names = [column.name for column in cursor.description]
        # Numbers of 38 digits as Python's decimals, which pyarrow writes as such.
        table = dict(zip(names, map(list, zip(*cursor.fetchall()))))
        sums = [name for name in names if name.split("_")[0] in ("mass", "own", "cross")]
        for name in sums:
            table[name] = pyarrow.array(table[name], pyarrow.decimal128(38, 0))
        pyarrow.parquet.write_table(pyarrow.table(table), path)
        yield path


def run_translated(dialect):
    import sqlglot

    # What sqlglot leaves: DuckDB divides decimals as floating-point numbers, has none of 76 digits,
    # and no FLATTEN.
    before = {
        "BIGNUMERIC": "INT128",
        "DECIMAL(19, 0)": "INT128",
        "NUMERIC(19, 0)": "INT128",
        ", LATERAL FLATTEN(input => labels) AS topics": " CROSS JOIN UNNEST(labels) AS topics (value)",
    }
    after = {" / 1099511627776": " // 1099511627776"}
    connection = duckdb_connection()
    for path, query in queries(dialect):
        sqlglot.parse_one(query, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        for old, new in before.items():
            query = query.replace(old, new)
        (translated,) = sqlglot.transpile(query, read=dialect, write="duckdb")
        for old, new in after.items():
            translated = translated.replace(old, new)
        connection.execute(f"COPY (\n{translated}\n) TO '{path}' (FORMAT parquet)")
        yield path


engines = {"duckdb": run_duckdb, "spark": run_spark, "postgres": run_postgres}
for name in ("trino", "snowflake", "bigquery"):
    engines[name] = lambda name=name: run_translated(name)

for name in sys.argv[2:] or engines:
    try:
        written = [path.name for path in engines[name]()]
        print(f"{name}: {len(written)} tables")
    except Exception as error:  # an engine that is not here must not hide the others
        print(f"{name}: NOT RUN: {type(error).__name__}: {str(error)[:2000]}")
