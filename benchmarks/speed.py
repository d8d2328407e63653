"""How fast is it? One table, of what the other benchmarks measured.

python -m benchmarks.speed
"""

from statistics import median

from benchmarks.readme import load, markdown_table, replace_block

HEADER = ["what", "weakft", "against", "by `python -m benchmarks`"]
MILLION = 1_000_000


def main() -> None:
    """Put the table into the README."""
    table = speed_table()
    print(table)
    replace_block("speed", table)


def speed_table() -> str:
    """What a user waits for, and how much shorter it is."""
    return markdown_table(HEADER, [*_votes(), *_label_models(), *_training(), *_app()])


def _votes() -> list[list[str]]:
    results = load("applying")
    times = {
        kind: [median(pair["ratios"]) for pair in results["pairs"] if pair["what"].endswith(kind)]
        for kind in (": plain Python", ": declarative")
    }
    (edited,) = results["edits"]
    return [
        [
            "LFs in plain Python, 9 to 73 of them",
            _range(times[": plain Python"]),
            "Snorkel's applier",
            "applying",
        ],
        [
            "the same as keywords and patterns",
            _range(times[": declarative"]),
            "Snorkel's applier",
            "applying",
        ],
        [
            f"one of 73 edited, {edited['rows']:,} rows",
            f"{edited['seconds']:.1f} s",
            f"all of them anew {edited['full']:.0f} s",
            "applying",
        ],
    ]


def _label_models() -> list[list[str]]:
    both = [cell for cell in load("label_models_speed") if cell.get("snorkel")]
    large = [cell for cell in both if cell["n"] == MILLION]
    times = [cell["snorkel"]["seconds"] / cell["weakft"]["seconds"] for cell in large]
    less = [cell["snorkel"]["beyond_mib"] / cell["weakft"]["beyond_mib"] for cell in large]
    return [
        [
            f"`snorkel` label model, {MILLION:,} rows",
            f"{_range(times)}, in {min(less):.0f} to {max(less):.0f} times less memory",
            "Snorkel's",
            "label_models",
        ]
    ]


def _training() -> list[list[str]]:
    results = load("throughput")
    head = results["head"]
    rows = [
        [
            f"fine-tuning on two cores, {texts}",
            f"{_times(results[kind]['runs'])}",
            "Trainer, float32, batches padded to their longest",
            "throughput",
        ]
        for kind, texts in (("short", "sentences"), ("long", "256 tokens"))
    ]
    scored = f"a score after an LF was edited, {head['texts']:,} texts, `head`"
    first = f"the first time {head['seconds'][0]:.0f} s"
    return [*rows, [scored, f"{head['seconds'][1]:.1f} s", first, "throughput"]]


def _app() -> list[list[str]]:
    nights, pages = load("nightly"), load("dashboard")
    seconds = {what: night["seconds"] for what, night in nights["nights"].items()}
    largest = max(pages, key=lambda page: page["rows"])
    return [
        [
            f"a night, {nights['rows']:,} rows, an LF edited, `head`",
            f"{seconds['an LF edited: a pattern']:.0f} s",
            "",
            "nightly",
        ],
        ["a night with nothing new", f"{seconds['nothing changed']:.1f} s", "", "nightly"],
        [
            f"first view of a page, {largest['rows']:,} rows",
            f"{largest['first_view']:.2f} s",
            f"an app that reads the rows {largest['naive']:.2f} s",
            "dashboard",
        ],
    ]


def _times(runs: dict[str, list[dict[str, float]]]) -> str:
    ratios = [
        ours["rows_per_second"] / theirs["rows_per_second"]
        for ours, theirs in zip(runs["weakft"], runs["plain"], strict=True)
    ]
    return f"{median(ratios):.1f}x as fast"


def _range(times: list[float]) -> str:
    low, high = (
        f"{edge:.0f}" if edge >= 10 else f"{edge:.1f}" for edge in (min(times), max(times))
    )
    return f"{low} to {high}x as fast"


if __name__ == "__main__":
    main()
