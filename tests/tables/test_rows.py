"""RowTable finds the rows that a plain loop finds, in the same order, with the same texts."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.tables.conftest import CLASSES, LFS, ROWS, WORDS, Made, write_run
from weakft.config import Splits
from weakft.errors import DataError
from weakft.labels import ABSTAIN, TIE
from weakft.runs import RunFolder
from weakft.tables import STATES, RowTable, Sought
from weakft.tables.rows import MOST_CHARACTERS, ROWS_A_GROUP

VOTING = LFS[:-1]

VALUES: dict[str, Sequence[Any]] = {
    "lf": LFS,
    "lf_rows": ("votes", "right", "wrong", "conflict", "alone"),
    "other_lf": VOTING,
    "pair": ("agree", "conflict"),
    "unvoted": CLASSES,
    "among": (None, (), (3,), (17, 4, 4999), tuple(range(0, ROWS, 7))),
    "states": ((), *((state,) for state in STATES), ("none", "wrong"), STATES),
    "label": CLASSES,
    "gold": CLASSES,
    "predicted": CLASSES,
    "mistakes": (True, False),
    "label_mistakes": (True, False),
    "disagreeing": (True, False),
    "label_below": (0.4, 0.5, 0.6, 1.0),
    "confidence": ((0.0, 0.4), (0.4, 0.4), (0.5, 1.0)),
    "text": (*WORDS, "cash NOON", "Été", "the end", "nowhere", ""),
    "slice": (None,),  # train has none; see test_slices.py
    "order": ("row", "label_confidence", "confidence", "loss", "votes"),
    "ascending": (True, False),
}
WISHES = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in VALUES.items()}
)


@dataclass(frozen=True)
class Row:
    """One row, worked out alone."""

    position: int
    text: str
    by_lf: dict[str, int]
    gold: int
    label: int
    label_confidence: float
    predicted: int
    confidence: float
    loss: float

    @property
    def votes(self) -> int:
        return len(self.by_lf)

    @property
    def state(self) -> str:
        said = set(self.by_lf.values())
        if len(said) != 1:
            return "conflicted" if said else "none"
        return "wrong" if self.gold >= 0 and said != {self.gold} else "agreed"


def rows_of(made: Made) -> list[Row]:
    return [row_at(made, position) for position in range(len(made.ids))]


def row_at(made: Made, position: int) -> Row:
    votes, gold = made.votes[position].tolist(), int(made.gold[position])
    by_lf = {name: vote for name, vote in zip(LFS, votes, strict=True) if vote >= 0}
    soft = made.soft[position].tolist()
    probs = None if made.probs is None else made.probs[position].tolist()
    surest = 0.0 if probs is None else max(probs)
    judged = probs is not None and gold >= 0
    return Row(
        position=position,
        text=made.texts[position],
        by_lf=by_lf,
        gold=gold,
        label=(TIE if soft.count(max(soft)) > 1 else soft.index(max(soft))) if by_lf else ABSTAIN,
        label_confidence=max(soft) if by_lf else 0.0,
        predicted=-1 if probs is None else probs.index(surest),
        confidence=surest,
        loss=-np.log(max(probs[gold], 1e-9)) if judged else -1.0,
    )


def holds(row: Row, sought: Sought) -> bool:
    """Whether the row is sought, one wish after another."""
    is_no_class = {"label": row.label, "gold": row.gold, "predicted": row.predicted}
    asked = {name: getattr(sought, name) for name in is_no_class}
    named = {name: CLASSES.index(value) for name, value in asked.items() if value is not None}
    return all(
        [
            sought.lf is None or of_lf(row, sought.lf, sought.lf_rows),
            sought.other_lf is None or sought.other_lf in row.by_lf,
            None in (sought.lf, sought.other_lf, sought.pair) or of_pair(row, sought),
            sought.unvoted is None or CLASSES.index(sought.unvoted) not in row.by_lf.values(),
            sought.among is None or row.position in sought.among,
            not sought.states or row.state in sought.states,
            all(is_no_class[name] == k for name, k in named.items()),
            sought.mistakes is None or judged(row.gold, row.predicted, sought.mistakes),
            sought.label_mistakes is None or judged(row.gold, row.label, sought.label_mistakes),
            not sought.disagreeing or judged(row.label, row.predicted, True),
            sought.label_below is None or 0 < row.label_confidence < sought.label_below,
            sought.confidence is None
            or (row.predicted >= 0 and within(row.confidence, sought.confidence)),
            not sought.text or sought.text.lower() in row.text.lower(),
        ]
    )


def of_lf(row: Row, lf: str, which: str) -> bool:
    if lf not in row.by_lf:
        return False
    vote = row.by_lf[lf]
    return {
        "votes": True,
        "right": vote == row.gold,
        "wrong": row.gold >= 0 and vote != row.gold,
        "conflict": any(other != vote for other in row.by_lf.values()),
        "alone": row.votes == 1,
    }[which]


def of_pair(row: Row, sought: Sought) -> bool:
    agree = row.by_lf.get(str(sought.lf)) == row.by_lf.get(str(sought.other_lf))
    return agree == (sought.pair == "agree")


def judged(truth: int, said: int, wrong: bool) -> bool:
    return truth >= 0 and said >= 0 and (truth != said) == wrong


def within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


def found_naively(rows: Sequence[Row], sought: Sought) -> list[int]:
    kept = [row for row in rows if holds(row, sought)]
    if sought.order != "row":
        sign = 1 if sought.ascending else -1
        kept.sort(key=lambda row: sign * np.float32(getattr(row, sought.order)))
    return [row.position for row in kept]


@pytest.fixture(scope="session")
def rows(made: dict[Splits, Made]) -> list[Row]:
    return rows_of(made["train"])


def test_several_groups_of_rows_are_read(table: RowTable, run: RunFolder) -> None:
    file = pq.ParquetFile(run.rows("train"))
    sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
    assert sizes == [ROWS_A_GROUP, ROWS_A_GROUP, ROWS - 2 * ROWS_A_GROUP]
    assert len(table) == ROWS


def test_every_wish_is_tried() -> None:
    assert set(VALUES) == {field.name for field in fields(Sought)}


@pytest.mark.parametrize("name", VALUES)
def test_one_wish_alone(name: str, table: RowTable, rows: list[Row]) -> None:
    for value in VALUES[name]:
        sought = replace(Sought(), **{name: value})
        assert table.positions(sought).tolist() == found_naively(rows, sought), value


@pytest.mark.parametrize("which", VALUES["lf_rows"])
@pytest.mark.parametrize("lf", LFS)
def test_rows_of_each_lf(lf: str, which: Any, table: RowTable, rows: list[Row]) -> None:  # noqa: ANN401
    sought = Sought(lf=lf, lf_rows=which)
    found = table.positions(sought).tolist()
    assert found == found_naively(rows, sought)
    assert bool(found) == (lf != "never")


@settings(max_examples=80, deadline=None)
@given(wishes=WISHES)
@example(wishes={"lf": "dotted", "other_lf": "dotted.name", "pair": "conflict", "order": "loss"})
@example(wishes={"lf": "never", "lf_rows": "alone"})
def test_wishes_together(wishes: dict[str, Any], table: RowTable, rows: list[Row]) -> None:
    sought = Sought(**wishes)
    assert table.positions(sought).tolist() == found_naively(rows, sought)


@pytest.mark.parametrize(
    "sought",
    [
        Sought(),
        Sought(mistakes=True),
        Sought(mistakes=False),
        Sought(disagreeing=True),
        Sought(confidence=(0.0, 1.0)),
        Sought(label_mistakes=True, order="loss"),
    ],
)
def test_without_predictions_nothing_is_right_or_wrong(
    sought: Sought, made: dict[Splits, Made], run: RunFolder
) -> None:
    """On dev the label comes from the majority vote, not from the random soft labels."""
    table = RowTable(run, "dev", CLASSES)
    drawn = rows_of(made["dev"])
    dev = [replace(row, label=int(k)) for row, k in zip(drawn, table.column("label"), strict=True)]
    assert table.positions(sought).tolist() == found_naively(dev, sought)
    assert table.rows(np.array([0]))["predicted"].isna().all()


def test_classes_of_some_rows_are_counted(table: RowTable, rows: list[Row]) -> None:
    positions = np.arange(5, 900, 3)
    for column in ("gold", "label", "predicted"):
        found = [getattr(rows[place], column) for place in positions]
        by_class = {name: found.count(k) for k, name in enumerate(CLASSES) if k in found}
        counts = table.counts(column, positions)
        assert counts == by_class
        assert list(counts.values()) == sorted(counts.values(), reverse=True)


def test_hidden_classes_are_not_counted(run: RunFolder) -> None:
    assert RowTable(run, "train", CLASSES, hidden=["gold"]).counts("gold", np.arange(50)) == {}


def test_rows_are_found_by_their_ids(table: RowTable, made: dict[Splits, Made]) -> None:
    ids = made["train"].ids
    asked = [ids[70], ids[4], "no such row", ids[4999]]
    assert table.positions_of(asked).tolist() == [4, 70, 4999]
    assert table.positions_of([]).tolist() == []


@settings(max_examples=20, deadline=None)
@given(
    wishes=WISHES,
    size=st.sampled_from([1, 7, 50, 3000]),
    start=st.integers(0, 20),
)
def test_pages_part_the_positions(
    wishes: dict[str, Any], size: int, start: int, table: RowTable, made: dict[Splits, Made]
) -> None:
    sought, ids = Sought(**wishes), made["train"].ids
    positions = table.positions(sought)
    first = table.page(sought, size=size)
    assert first.total == len(positions)
    assert first.pages == max(int(np.ceil(len(positions) / size)), 1)
    for number in range(start, min(start + 3, first.pages)):
        page = table.page(sought, number, size)
        expected = positions[number * size : (number + 1) * size]
        assert page.number == number
        assert page.rows["id"].tolist() == [ids[position] for position in expected]


@pytest.mark.parametrize(("asked", "shown"), [(-1, 0), (99, 49), (50, 49)])
def test_a_page_too_far_is_the_nearest(asked: int, shown: int, table: RowTable) -> None:
    page = table.page(Sought(), asked, size=ROWS // 50)
    assert (page.number, page.pages, len(page.rows)) == (shown, 50, 100)


def test_a_page_of_nothing_has_all_columns(table: RowTable) -> None:
    empty, full = table.page(Sought(text="nowhere")), table.page(Sought())
    assert (len(empty.rows), empty.total, empty.number, empty.pages) == (0, 0, 0, 1)
    assert list(empty.rows.columns) == list(full.rows.columns)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, ROWS - 1), max_size=60))
@example([ROWS - 1, 0, ROWS_A_GROUP, ROWS_A_GROUP - 1, 2 * ROWS_A_GROUP, 0])
def test_rows_stand_in_the_order_asked_for(
    table: RowTable, made: dict[Splits, Made], rows: list[Row], positions: list[int]
) -> None:
    shown, wanted = table.rows(np.array(positions, dtype=np.int64)), [rows[p] for p in positions]
    assert shown["text"].tolist() == [row.text[:MOST_CHARACTERS] for row in wanted]
    assert shown["id"].tolist() == [made["train"].ids[p] for p in positions]
    assert shown["state"].tolist() == [row.state for row in wanted]
    assert shown["votes"].tolist() == [row.votes for row in wanted]
    for name in ("gold", "label", "predicted"):
        names = [{**dict(enumerate(CLASSES)), TIE: "(tie)"}.get(getattr(r, name)) for r in wanted]
        assert [v if isinstance(v, str) else None for v in shown[name]] == names
    labels = [row.label_confidence if row.label != ABSTAIN else np.nan for row in wanted]
    np.testing.assert_array_equal(shown["label_confidence"], np.float32(labels))
    for name in ("confidence", "loss"):
        values = [getattr(row, name) for row in wanted]
        assert shown[name].to_numpy() == pytest.approx(values, abs=1e-5)
    said = [", ".join(f"{lf}: {CLASSES[k]}" for lf, k in row.by_lf.items()) for row in wanted]
    assert shown["LF votes"].tolist() == said


def test_long_texts_are_cut_but_searched_whole(table: RowTable) -> None:
    page = table.page(Sought(text="THE END"))
    assert page.total == 1
    assert len(page.rows["text"][0]) == MOST_CHARACTERS


@given(st.integers(0, ROWS - 1))
@settings(max_examples=10, deadline=None)
def test_position_finds_what_rows_shows(table: RowTable, position: int) -> None:
    (row_id,) = table.rows(np.array([position]))["id"]
    assert table.position(row_id) == position


def test_an_unknown_row_is_refused(table: RowTable) -> None:
    with pytest.raises(DataError, match=r"No row 'train' in train\."):
        table.position("train")


@pytest.mark.parametrize("lf", LFS)
def test_votes_of_one_lf_are_its_column(lf: str, run: RunFolder, made: dict[Splits, Made]) -> None:
    alone, after_all = (RowTable(run, "train", CLASSES) for _ in range(2))
    expected = made["train"].votes[:, LFS.index(lf)].tolist()
    assert alone.votes_of(lf).tolist() == expected
    assert after_all.votes.tolist() == made["train"].votes.tolist()
    assert after_all.votes_of(lf).tolist() == expected
    assert alone.lf_names == list(LFS)


@pytest.mark.parametrize("lf", ["id", "nobody", "dotted.", ""])
def test_an_unknown_lf_is_refused(lf: str, table: RowTable) -> None:
    for ask in (table.votes_of, lambda name: table.positions(Sought(lf=name))):
        with pytest.raises(DataError, match=r"No LF .* in this run\. There are: dotted, "):
            ask(lf)


def test_many_may_look_at_once(run: RunFolder, rows: list[Row]) -> None:
    """Sessions of the dashboard are threads that share one table."""
    shared = RowTable(run, "train", CLASSES)
    expected = {word: found_naively(rows, Sought(text=word)) for word in WORDS}

    def look(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        word, positions = WORDS[seed % len(WORDS)], rng.integers(0, ROWS, 50)
        texts = [rows[position].text[:MOST_CHARACTERS] for position in positions]
        found = shared.positions(Sought(text=word)).tolist()
        return found == expected[word] and shared.rows(positions)["text"].tolist() == texts

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(200)))


@pytest.mark.parametrize("hidden", ["text", "id", "gold", "LF votes"])
def test_hidden_columns_are_not_told(hidden: str, run: RunFolder) -> None:
    shown = RowTable(run, "train", CLASSES, hidden=[hidden]).page(Sought()).rows
    assert set(shown[hidden]) == {"(hidden)"}
    for column in {"text", "id", "label"} - {hidden}:
        assert "(hidden)" not in set(shown[column])


def test_hidden_texts_are_not_kept(tmp_path: Path, made: dict[Splits, Made]) -> None:
    folder = write_run(tmp_path, made, hidden=("text",))
    table = RowTable(folder, "train", CLASSES)
    assert set(table.page(Sought()).rows["text"]) == {"(hidden)"}
    assert len(table.positions(Sought(text="cash"))) == 0
    assert b"noon" not in folder.rows("train").read_bytes()


@pytest.mark.parametrize("kind", ["rows", "columns", "votes"])
@pytest.mark.parametrize("left", ["nothing", "half", "footer"])
def test_tables_that_cannot_be_read_are_refused(
    kind: str, left: str, tmp_path: Path, dev_alone: dict[Splits, Made]
) -> None:
    folder = write_run(tmp_path, dev_alone)
    file: Path = getattr(folder, kind)("train")
    content = file.read_bytes()
    if left == "nothing":
        file.unlink()
    elif left == "half":
        file.write_bytes(content[: len(content) // 2])
    else:
        file.write_bytes(b"\xff" * 300 + content[300:])
    name = str(file.relative_to(folder.path))
    told = rf"has no {name}.*`weakft run`" if left == "nothing" else rf"{name}.*`weakft runs verify"
    with pytest.raises(DataError, match=told):
        RowTable(folder, "train", CLASSES).page(Sought(lf="ID", text="cash"))


def test_no_flipped_bit_of_the_texts_is_believed(
    tmp_path: Path, dev_alone: dict[Splits, Made]
) -> None:
    """Refused, or in a part of the file that says nothing of the rows."""
    folder, rows = write_run(tmp_path, dev_alone), dev_alone["train"]
    file = folder.rows("train")
    content, refused = file.read_bytes(), 0
    for place in range(0, len(content), 13):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        file.write_bytes(changed)
        try:
            page = RowTable(folder, "train", CLASSES).page(Sought(text="a.c")).rows
        except DataError as error:
            assert "rows/train.parquet of run some-run is damaged" in str(error)
            refused += 1
        else:
            found = [text[:MOST_CHARACTERS] for text in rows.texts if "a.c" in text]
            assert page["text"].tolist() == found
            assert set(page["id"]) <= set(rows.ids)
    assert refused > 20


def test_tables_of_other_lengths_are_refused(tmp_path: Path, dev_alone: dict[Splits, Made]) -> None:
    folder = write_run(tmp_path, dev_alone)
    file = folder.columns("train")
    pq.write_table(pq.read_table(file).slice(1), file)
    with pytest.raises(DataError, match=r"of another number of rows.*weakft runs verify"):
        RowTable(folder, "train", CLASSES)


def test_hidden_texts_cannot_be_searched(run: RunFolder) -> None:
    """Not even for what no row has: any answer would tell something."""
    for text in ("cash", "nowhere", "hidden"):
        with pytest.raises(DataError, match=r"Texts are hidden \(\[privacy\] hidden\)"):
            RowTable(run, "train", CLASSES, hidden=["text"]).positions(Sought(text=text))


@pytest.mark.parametrize(
    "sought",
    [
        Sought(gold="spam"),
        Sought(mistakes=False),
        Sought(label_mistakes=True),
        Sought(lf="cash", lf_rows="wrong"),
        Sought(order="loss"),
    ],
)
def test_hidden_gold_is_not_told_by_what_is_found(sought: Sought, run: RunFolder) -> None:
    table = RowTable(run, "train", CLASSES, hidden=["gold"])
    with pytest.raises(DataError, match=r"Gold labels are hidden \(\[privacy\] hidden\)"):
        table.positions(sought)
    assert table.rows(table.positions(Sought()))["loss"].isna().all()


@pytest.fixture
def dev_alone(made: dict[Splits, Made]) -> dict[Splits, Made]:
    return {"train": made["dev"]}
