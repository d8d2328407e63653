"""How much memory do LFs on a Parquet file take, and does it grow with the rows?

    python -m benchmarks.memory                      about five minutes on two cores

The 73 published rules of sms (see --bench) in declarative form vote on its texts, repeated, each
with its row number at its end. Every size runs in a fresh process; its peak is that of the whole
process, Python and libraries included.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.applying import lfs_of, texts_of
from benchmarks.readme import ROOT, markdown_table, replace_block, save
from weakft.apply import apply_parquet
from weakft.runs import Json

SIZES = (100_000, 1_000_000, 10_000_000)
BLOCK = 1_000_000  # rows made at a time


def main() -> None:
    """Run each size, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--file", type=Path, help="apply to this file, tell, and end")
    arguments = parser.parse_args()
    if arguments.file:
        print(json.dumps(apply_once(arguments.bench / "sms", arguments.file)))
        return
    results = [fresh(arguments.bench, rows) for rows in arguments.rows]
    save("memory", results)
    table = memory_table(results)
    print(table)
    replace_block("memory", table)


def fresh(bench: Path, rows: int) -> Json:
    """Apply to a file of so many rows, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.parquet"
        write_rows(bench / "sms", rows, file)
        command = [sys.executable, "-m", "benchmarks.memory", "--bench", str(bench)]
        told = subprocess.run(
            [*command, "--file", str(file)], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        return {**json.loads(told), "megabytes": file.stat().st_size / 1e6}


def write_rows(source: Path, rows: int, file: Path) -> None:
    """The texts as the rules want them, block by block."""
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    with pq.ParquetWriter(file, schema) as writer:
        for start in range(0, rows, BLOCK):
            end = min(start + BLOCK, rows)
            texts = texts_of(source, end - start)["text"]
            marked = [f"{text}.{start}" for text in texts]
            writer.write_table(pa.table({"id": range(start, end), "text": marked}, schema=schema))


def apply_once(source: Path, file: Path) -> Json:
    """The votes on one file, by this process."""
    _, declarative = lfs_of(source)
    done = apply_parquet(declarative, file, file.with_name("votes.parquet"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rows": done.rows, "seconds": done.seconds, "peak_mib": peak, "covered": done.covered}


def memory_table(results: list[Json]) -> str:
    """One line a size."""
    header = ["rows", "Parquet file, MB", "peak memory, MiB", "rows a second"]
    return markdown_table(
        header,
        [
            [
                f"{result['rows']:,}",
                f"{result['megabytes']:,.0f}",
                f"{result['peak_mib']:,.0f}",
                f"{result['rows'] / result['seconds']:,.0f}",
            ]
            for result in results
        ],
    )


if __name__ == "__main__":
    main()
