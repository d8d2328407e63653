"""The HTML report: true to the run, harmless whatever the data, silent about test unless asked."""

import io
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.app.conftest import LFS, TRAIN, make_project, publish_run, put, put_json
from weakft import html_report as package
from weakft.cli.main import app
from weakft.errors import ConfigError
from weakft.html_report import html_report
from weakft.looks import Looks
from weakft.project import Project
from weakft.report import Report

TAGS = "<img src=x onerror=alert(1)></table></svg><script>x</script>&amp;"
HOSTILE = f"{TAGS}\u202eevil\x00\x1b\r"
SHOWN = f"{TAGS}⟷evil␀␛␍"
EMPTY_TAGS = {"meta", "path", "rect", "line", "circle", "stop"}
NONE = "no evidence"


class Page(HTMLParser):
    """The tags, texts and tables of a document; refuses one whose tags are not balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.tables: dict[str, list[list[str]]] = {}
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag not in EMPTY_TAGS:
            self.open.append(tag)
        if tag == "table":
            self._rows: list[list[str]] = []
        if tag == "tr":
            self._rows.append([])
        if tag in ("th", "td"):
            self._rows[-1].append("")
        if tag == "th":
            assert dict(attrs)["scope"] in ("row", "col")
        if tag == "caption":
            self._caption = ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert tag not in EMPTY_TAGS or tag in self.open
        assert self.open.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if "caption" in self.open:
            self._caption += data
        elif "th" in self.open or "td" in self.open:
            self._rows[-1][-1] += data

    def rows(self, caption: str) -> dict[str, list[str]]:
        """The cells after the first, by the first; of the table whose caption begins so."""
        (found,) = (rows for name, rows in self.tables.items() if name.startswith(caption))
        return {row[0]: row[1:] for row in found[1:]}


def report_of(project: Project) -> Report:
    return Report(project, project.runs.open())


def page_of(project: Project, *, with_test: bool = False, examples: int = 5) -> Page:
    return Page(html_report(report_of(project), with_test=with_test, examples=examples))


def ledger(project: Project) -> Looks:
    return Looks(project.runs.root / ".looks.jsonl")


def write_gap(project: Project, word: str) -> Report:
    """Say that the one uncovered row is a group of its own."""
    report = report_of(project)
    gap = {"rows": 1, "share": 1.0, "words": [word], "ids": ["train_3"]}
    put_json(report.run, report.run.gaps, {"gaps": [gap]})
    return report


def test_every_number_has_its_evidence_or_there_is_none(tmp_path: Path) -> None:
    page = page_of(make_project(tmp_path))
    lfs = page.rows("Each LF on 6 train rows")
    assert list(lfs) == list(LFS)
    assert lfs["says_win"][1] == "0.0%"
    assert re.fullmatch(r"0% to \d+%, 1 vote", lfs["says_win"][2])
    assert lfs["never_fires"][:3] == ["(never)", NONE, NONE]
    classes = page.rows("Scores of each class on valid")
    assert classes["ham"][2:5] == [NONE, NONE, "0.0%"]
    assert re.fullmatch(r"0% to \d+%, 3 rows", classes["ham"][5])
    assert classes["spam"][2] == "25.0%"
    states = page.rows("The model's mistakes by what the LFs say")
    assert {name: cells[:2] for name, cells in states.items()} == {
        "no LF votes": ["1", "100.0%"],
        "the LFs that vote are right": ["1", "50.0%"],
        "the LFs that vote are wrong": ["0", NONE],
        "the LFs contradict each other": ["1", "100.0%"],
    }


def test_tables_beside_the_charts_have_their_evidence(tmp_path: Path) -> None:
    twins = tuple((f"win CASH {row}", "spam") for row in range(30))
    page = page_of(make_project(tmp_path, rows=(*TRAIN, *twins)))
    slices = page.rows("The 2 slices of 2 on which the model is surely worst")
    assert {cells[0]: cells[1] for cells in slices.values()} == {"north": "50.0%"}
    (copies,) = page.rows("1 of 1 pair that say the same").values()
    assert copies[0] == "91.2%"
    assert re.fullmatch(r"\d+% to \d+%, 34 rows", copies[1])
    assert (copies[2], copies[4]) == ("100.0%", "31")
    assert copies[-1].startswith("Merge them, or drop says_win: they count twice")
    ways = page.rows("The ways to use gold")
    assert ways["only"][1:3] == ["50.0%", "20% to 80%, 8 rows"]
    assert ways["mix"][:3] == [NONE, NONE, NONE]
    assert page.rows("Each LF on 36 train rows")["says_win"][4] == NONE, "no estimate"


def test_an_estimate_is_held_against_dev(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    run, written = project.runs.open(), io.BytesIO()
    lfs = pd.read_parquet(run.lf_summary).assign(estimated_accuracy=[0.99, 0.1, 0.97, 0.7])
    lfs.to_parquet(written, index=False)
    put(run, run.lf_summary, written.getvalue())
    told = page_of(project).rows("Each LF on 6 train rows")
    assert [cells[4] for cells in told.values()] == ["within", "too low", "too high", NONE]


def test_runs_of_an_older_weakft_say_what_they_lack(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    run = project.runs.open()
    told = json.loads(run.summaries.read_text())
    del told["near_copies"]
    for model in told["model"].values():
        del model["columns"]
    put_json(run, run.summaries, told)
    page = page_of(project)
    assert "did not look for near copies" in page.text
    assert "made this run, without such slices" in page.text


def test_the_mistakes_of_largest_loss_come_first(tmp_path: Path) -> None:
    mistakes = page_of(make_project(tmp_path), examples=2).rows("The mistakes of largest loss")
    assert list(mistakes) == ["valid_1", "valid_2"]
    assert mistakes["valid_2"][:4] == ["valid win at noon", "ham", "spam", "78.0%"]
    assert mistakes["valid_2"][6] == "says_noon: ham, says_win: spam"


def test_a_gap_shows_its_words_and_rows(tmp_path: Path) -> None:
    page = Page(html_report(write_gap(make_project(tmp_path), "lunch")))
    assert "1. lunch" in page.text
    assert page.rows("1 row, 100.0% of the uncovered")["train_3"][0] == "train lunch?"


def test_it_says_what_it_was_made_from(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    report, page = report_of(project), page_of(project)
    assert report.run.id in page.text
    assert report.manifest["created"] in page.text
    files = page.rows("Files")
    assert files["test"] == ["test.parquet", report.manifest["data"]["test"]["sha256"]]
    assert files["LFs"][0] == "rules_of_thumb.py"
    assert page.rows("Versions")["torch"] == [report.manifest["versions"]["torch"]]


def test_hostile_data_stays_text(tmp_path: Path) -> None:
    (tmp_path / "calm").mkdir()
    calm = page_of(make_project(tmp_path / "calm"), with_test=True)
    project = make_project(
        tmp_path,
        classes=(f"{TAGS} 0", f"{TAGS} 1"),
        lf_names=tuple(f"{HOSTILE} {j}" for j in range(4)),
        prefix=HOSTILE,
    )
    html = html_report(write_gap(project, HOSTILE), with_test=True)
    page = Page(html)
    assert set(page.tags) == set(calm.tags)
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert not set(HOSTILE[-3:] + "\u202e") & set(html)
    assert list(page.rows("Each LF on 6 train rows")) == [f"{SHOWN} {j}" for j in range(4)]
    assert page.rows("The mistakes of largest loss")["valid_2"][0] == f"{SHOWN}valid win at noon"
    assert f"1. {SHOWN}" in page.text


def test_a_huge_row_is_cut(tmp_path: Path) -> None:
    html = html_report(report_of(make_project(tmp_path, prefix="long " * 200_000)))
    assert len(html) < 500_000
    text = Page(html).rows("The mistakes of largest loss")["valid_1"][0]
    assert text.startswith("long long")
    assert text.endswith("(cut)")


@pytest.fixture
def calm(tmp_path: Path) -> Page:
    """The report of a run with nothing special."""
    return page_of(make_project(tmp_path), with_test=True)


def test_nothing_is_fetched_or_run(calm: Page) -> None:
    assert not {"script", "img", "link", "iframe", "object", "base", "form"} & set(calm.tags)
    assert not {"src", "srcset", "action", "data"} & {name for name, _ in calm.attributes}
    links = [value for name, value in calm.attributes if name in ("href", "xlink:href")]
    assert links
    assert all(str(link).startswith("#") for link in links)
    (policy,) = (str(value) for name, value in calm.attributes if value and "default-src" in value)
    assert "default-src 'none'" in policy


def test_whatever_is_pointed_at_is_there_once(calm: Page) -> None:
    ids = Counter(value for name, value in calm.attributes if name == "id")
    assert set(ids.values()) == {1}
    pointed = [str(value)[1:] for name, value in calm.attributes if name == "href"]
    values = " ".join(str(value) for _, value in calm.attributes)
    pointed += re.findall(r"url\(#([^)]*)\)", values)
    assert set(pointed) <= set(ids)
    assert {"pairs_0", "confusion_0"} <= set(pointed)


def test_every_table_has_a_caption_and_every_chart_a_description(calm: Page) -> None:
    assert calm.tags["caption"] == calm.tags["table"] > 10
    described = [value for name, value in calm.attributes if (name, value) == ("role", "img")]
    assert len(described) == calm.tags["svg"] == calm.tags["figure"] > 5


def test_without_gold_it_says_so(tmp_path: Path) -> None:
    project = make_project(tmp_path, gold=False)
    page = page_of(project, with_test=True)
    for sentence in (
        "No LF voted on a dev row with gold",
        "Valid has no gold, so mistakes cannot be told",
        "No test split with gold",
        "No split has gold",
        "nobody knows whether confidence means anything",
    ):
        assert sentence in page.text
    assert page.rows("Each LF on 6 train rows")["says_win"][1:3] == [NONE, NONE]
    assert not (project.runs.root / ".looks.jsonl").exists()


def test_nothing_of_test_is_told_unasked(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    before = html_report(report_of(project))
    run = report_of(project).run
    metrics = run.read_metrics()
    assert metrics["rivals"]["gold_only"]["test"]["macro_f1"]["value"] > 0
    for scores in (metrics["end_model"], *metrics["rivals"].values()):
        for score in ("accuracy", "macro_f1"):
            scores["test"][score] = {"value": 0.0, "low": 0.0, "high": 0.1, "support": 4}
    told = metrics["warnings"]
    metrics["warnings"] = [warning for warning in told if "on test" not in warning]
    assert len(metrics["warnings"]) < len(told)
    put_json(run, run.metrics, metrics)
    assert html_report(Report(project, run)) == before
    assert "Not shown here (looked at 0 times so far)" in before
    assert "same encoder, dev + valid gold alone" not in before


def test_a_look_at_test_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    project = make_project(tmp_path)
    test = report_of(project).manifest["data"]["test"]["sha256"]
    page_of(project)
    assert ledger(project).at_test(test) == []
    page = page_of(project, with_test=True)
    (look,) = ledger(project).at_test(test)
    assert (look.run_id, look.by) == (report_of(project).run.id, "ada")
    assert "looked at once" in page.text
    scores = page.rows("Scores of the end model and its rivals on test")
    assert scores["end model"][2] == "50.0%"
    assert scores["end model"][3].endswith(", 4 rows")


@pytest.mark.parametrize("since", ["before the run", "after the run"])
def test_hidden_texts_are_not_in_it(since: str, tmp_path: Path) -> None:
    project = make_project(tmp_path)
    with (tmp_path / "weakft.toml").open("a") as settings:
        settings.write("[privacy]\nhidden = ['text']\n")
    project = Project.open(tmp_path)
    if since == "before the run":
        publish_run(project)
    html = html_report(write_gap(project, "lunch"), with_test=True)
    assert not re.search("lunch|win at|then|hello|prize", html)
    assert Page(html).rows("The mistakes of largest loss")["valid_1"][0] == "(hidden)"


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(package.PACKAGES, "vl_convert_is_not_here", "vl-convert-python")
    with pytest.raises(ConfigError, match=r"vl-convert-python.*pip install"):
        html_report(report_of(make_project(tmp_path)))


def command(project: Project, file: Path, *more: str, code: int = 0) -> dict:
    words = ["report", "--html", str(file), "--project", str(project.root), "--json", *more]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == code, (result.output, result.exception)
    answer: dict = json.loads(result.stdout)
    return answer


def test_the_command_replaces_the_file(tmp_path: Path) -> None:
    project, file = make_project(tmp_path), tmp_path / "report.html"
    file.write_text("old")
    answer = command(project, file)
    run = report_of(project)
    assert answer["run_id"] == run.run.id
    assert answer["with_test"] is False
    assert file.read_text(encoding="utf-8") == html_report(run)
    assert command(project, file, run.run.id, "--test")["with_test"] is True
    assert "Scores of the end model" in file.read_text(encoding="utf-8")


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, file = make_project(tmp_path), tmp_path / "report.html"
    file.write_text("old")
    before = set(tmp_path.iterdir())

    def refuse(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("weakft.files.os.replace", refuse)
    assert "disk full" in command(project, file, code=3)["error"]["message"]
    assert file.read_text() == "old"
    assert set(tmp_path.iterdir()) == before


def test_a_look_is_not_counted_for_a_folder_that_is_not_there(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    command(project, tmp_path / "nowhere" / "report.html", "--test", code=2)
    assert not (project.runs.root / ".looks.jsonl").exists()
