"""What uncovered rows are about."""

from weakft.gaps import find_gaps, quoted

TEXTS = ["battery died", "battery flat", "the lens is scratched", "a scratched lens"] * 10
IDS = [f"r{i}" for i in range(40)]


def test_groups_are_told_by_their_words_and_rows() -> None:
    covered = [False] * 30 + [True] * 10
    gaps = find_gaps(IDS, TEXTS, covered)
    assert sum(gap.rows for gap in gaps) == 30
    assert {gap.words[0] for gap in gaps} <= {"battery", "lens", "scratched", "died", "flat"}
    for gap in gaps:
        for row_id in gap.ids:
            assert not covered[IDS.index(row_id)]
            assert set(gap.words) & set(TEXTS[IDS.index(row_id)].split())


def test_words_are_counted_over_all_uncovered_rows() -> None:
    """The author of an LF learns how many rows it would vote on, and how many of this group."""
    gaps = find_gaps(IDS, TEXTS, [False] * 40)
    for gap in gaps:
        for word, rows in zip(gap.words, gap.word_rows, strict=True):
            assert rows == sum(word in text for text in TEXTS)
        texts = [TEXTS[position] for position in gap.positions]
        assert gap.matched == sum(any(word in text for word in gap.words) for text in texts)
        assert gap.rows == len(texts)
        assert gap.ids == tuple(IDS[position] for position in gap.positions[:3])
    everywhere = sorted(position for gap in gaps for position in gap.positions)
    assert everywhere == list(range(40))


def test_what_is_printed_has_texts_and_no_positions() -> None:
    gap = vars(find_gaps(IDS, TEXTS, [False] * 40)[0])
    (told,) = quoted([gap], dict(zip(IDS, TEXTS, strict=True)))
    assert told["texts"] == [TEXTS[IDS.index(row_id)] for row_id in gap["ids"]]
    assert "positions" not in told
    assert "texts" not in quoted([gap])[0]


def test_few_rows_or_no_words_make_no_groups() -> None:
    assert find_gaps(IDS, TEXTS, [True] * 35 + [False] * 5) == []
    assert find_gaps(IDS, [f"word{i}" for i in range(40)], [False] * 40) == []
    assert find_gaps(IDS, ["the same"] * 40, [False] * 40) == []
    assert len(find_gaps(IDS, ["one phrase"] * 40, [False] * 40)) <= 2
