"""What uncovered rows are about."""

from weakft.gaps import find_gaps

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


def test_few_rows_or_no_words_make_no_groups() -> None:
    assert find_gaps(IDS, TEXTS, [True] * 35 + [False] * 5) == []
    assert find_gaps(IDS, [f"word{i}" for i in range(40)], [False] * 40) == []
    assert find_gaps(IDS, ["the same"] * 40, [False] * 40) == []
    assert len(find_gaps(IDS, ["one phrase"] * 40, [False] * 40)) <= 2
