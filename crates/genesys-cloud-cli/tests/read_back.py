"""Compares a Parquet file, as pyarrow and duckdb read it, with the JSON lines of the same export.

usage: read_back.py FILE.parquet FILE.jsonl KEY[,KEY...]

Prints what was compared, as JSON. Fails at the first difference.
"""

import datetime
import decimal
import json
import sys

import duckdb
import pyarrow
import pyarrow.parquet


class Comparison:
    """Compares values, and counts them by kind."""

    def __init__(self):
        self.counts = {"rows": 0, "values": 0, "nested": 0, "times": 0, "text": 0}

    def compare(self, found, expected, where):
        if expected is None or found is None:
            # A missing field equals null; an empty list or record does not.
            self.require(found is None and expected is None, found, expected, where)
            return
        self.counts["values"] += 1
        if isinstance(expected, (dict, list)) and isinstance(found, str):
            self.counts["text"] += 1
            found = json.loads(found)
        if isinstance(expected, dict):
            self.counts["nested"] += 1
            self.compare_records(found, expected, where)
        elif isinstance(expected, list):
            self.counts["nested"] += 1
            self.require(isinstance(found, list), found, expected, where)
            self.require(len(found) == len(expected), found, expected, where)
            for index, (one, other) in enumerate(zip(found, expected)):
                self.compare(one, other, f"{where}[{index}]")
        elif isinstance(found, datetime.datetime):
            self.counts["times"] += 1
            self.require(found.tzinfo is not None, found, expected, where)
            instant = datetime.datetime.fromisoformat(expected)
            self.require(found == instant, found, expected, where)
        elif isinstance(found, datetime.date):
            self.require(found.isoformat() == expected, found, expected, where)
        elif isinstance(expected, bool) or isinstance(found, bool):
            self.require(found is expected, found, expected, where)
        elif isinstance(found, decimal.Decimal):
            self.require(found == decimal.Decimal(str(expected)), found, expected, where)
        else:
            self.require(found == expected, found, expected, where)

    def compare_records(self, found, expected, where):
        if isinstance(found, list):
            # pyarrow returns a map as pairs.
            found = dict(found)
        self.require(isinstance(found, dict), found, expected, where)
        for name in {**expected, **found}:
            self.compare(found.get(name), expected.get(name), f"{where}.{name}")

    @staticmethod
    def require(condition, found, expected, where):
        if not condition:
            raise SystemExit(f"{where}: {found!r} instead of {expected!r}")


def rows_of_pyarrow(path):
    return pyarrow.parquet.read_table(path).to_pylist()


def rows_of_duckdb(path):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    result = connection.execute("SELECT * FROM read_parquet(?)", [path])
    names = [column[0] for column in result.description]
    return [dict(zip(names, row)) for row in result.fetchall()]


def nested(row):
    """Joins the columns of a record, such as `division.id` and `division.name`."""
    joined = {}
    for column, value in row.items():
        *records, name = column.split(".")
        if records and value is None:
            continue
        fields = joined
        for record in records:
            fields = fields.setdefault(record, {})
        fields[name] = value
    return joined


def without_nulls(value):
    """Removes a record that has only nulls: its columns can't distinguish it from a missing one."""
    has_only_nulls = isinstance(value, dict) and all(it is None for it in value.values())
    return None if has_only_nulls else value


def main(parquet, jsonl, keys):
    keys = keys.split(",")
    with open(jsonl, encoding="utf-8") as lines:
        expected = [json.loads(line) for line in lines]
    wanted = [tuple(record[key] for key in keys) for record in expected]
    Comparison.require(len(set(wanted)) == len(wanted), len(set(wanted)), len(wanted), "unique keys")
    counts = {}
    for reader, read in (("pyarrow", rows_of_pyarrow), ("duckdb", rows_of_duckdb)):
        rows, comparison = read(parquet), Comparison()
        records = {column.split(".")[0] for column in rows[0] if "." in column}
        rows = [nested(row) for row in rows]
        found = [tuple(row[key] for key in keys) for row in rows]
        Comparison.require(found == wanted, found[:3], wanted[:3], f"{reader}: keys")
        for row, record in zip(rows, expected):
            key = "/".join(str(record[key]) for key in keys)
            record = {name: without_nulls(it) if name in records else it for name, it in record.items()}
            comparison.compare_records(row, record, f"{reader}: {key}")
            comparison.counts["rows"] += 1
        counts[reader] = comparison.counts
    print(json.dumps(counts))


main(*sys.argv[1:])
