"""Which settings for which data and hardware? What the other benchmarks measured, summed up.

python -m benchmarks.choosing
"""

import numpy as np

from benchmarks.readme import load, markdown_table, replace_block
from benchmarks.training import by_set
from weakft.runs import Json

HEADER = ["you have", "settings", "test macro-F1", "against", "measured on"]


def main() -> None:
    """Put the table, and the figures at a glance, into the README."""
    for name, shown in (("choosing", choosing_table()), ("glance", glance())):
        print(shown)
        replace_block(name, shown)


def glance() -> str:
    """What rules are worth, in a few lines."""
    without, gold, quality = load("no_gold"), load("gold"), load("quality")
    public = {name: quality[name] for name in without}
    few = [gold[name]["5"] for name in without]
    return (
        f"Macro-F1 on test, mean of {_names(without)}:\n\n"
        f"- no gold at all: **{_shown(_ways(without, 'weakft'))}**, "
        f"against {_shown(_ways(without, 'today'))} for Snorkel, then Trainer\n"
        f"- five gold rows a class, one to three draws: **{_shown(_few(few, 'both'))}**, against "
        f"{_shown(_few(few, 'only'))} without the rules\n"
        "- hundreds of gold rows: "
        f"**{_shown(_quality(public, 'end_model'))}**, against "
        f"{_shown(_quality(public, 'gold_only'))} without the rules, which hardly help there\n"
        f"- all of train labelled by hand: {_shown(_quality(public, 'all_gold'))}"
    )


def choosing_table() -> str:
    """Situations, the settings for each, what they gave, and what else would have given."""
    return markdown_table(HEADER, [*_by_gold(), *_by_labels(), *_by_hardware()])


def _by_gold() -> list[list[str]]:
    quality, gold, images = load("quality"), load("gold"), load("images")
    without = load("no_gold")
    public = {name: quality[name] for name in without}
    rows = [
        [
            "rules and no gold at all",
            "the defaults",
            _shown(_ways(without, "weakft")),
            f"Snorkel, then Trainer {_shown(_ways(without, 'today'))}",
            _names(without),
        ],
        [
            "rules; gold only to weigh them and to stop by",
            '`gold = "none"`',
            _shown(_quality(public, "weak_only")),
            f"majority vote {_shown(_quality(public, 'majority_vote'))}",
            _names(public),
        ],
    ]
    everywhere = set.intersection(*(set(cells) for cells in gold.values()))
    for budget in sorted(map(int, everywhere)):
        cells = {name: each[str(budget)] for name, each in gold.items()}
        weak, only, both = (_few(list(cells.values()), part) for part in ("weak", "only", "both"))
        rows.append(
            [
                f"rules and {budget} gold rows a class",
                'the defaults (`gold = "auto"`)',
                _shown(both),
                f"gold alone {_shown(only)}, rules alone {_shown(weak)}",
                _names(cells),
            ]
        )
    rows.append(
        [
            "rules and hundreds of gold rows (120 to 1,000)",
            "the defaults; rules add little here",
            _shown(_quality(quality, "end_model")),
            f"gold alone {_shown(_quality(quality, 'gold_only'))}",
            _names(quality),
        ]
    )
    rows.append(
        [
            "images, five gold rows a class",
            '`task = "image"`, else the defaults',
            _shown(float(np.mean([run["end_model"]["value"] for run in images]))),
            f"gold alone {_shown(float(np.mean([r['gold_only']['value'] for r in images])))}",
            "digits",
        ]
    )
    return rows


def _by_labels() -> list[list[str]]:
    without = load("no_gold")
    broad = {name: without[name] for name in ("trec", "agnews")}
    return [
        [
            "no gold; rules often wrong, or few rows covered",
            "the defaults",
            _shown(_ways(broad, "weakft")),
            f"`relabel = false` {_shown(_ways(broad, 'voted'))}",
            _names(broad),
        ],
    ]


def _by_hardware() -> list[list[str]]:
    tried, speed = by_set(load("training_strategies"), "test"), load("training_speed")
    mean = {name: float(np.mean(list(scores.values()))) for name, scores in tried.items()}
    names = ", ".join(tried["full"])
    ratio = {name: each / speed["full"] for name, each in speed.items()}
    return [
        [
            "a CPU and little time",
            '`strategy = "freeze"`',
            f"{_shown(mean['freeze half'])}, {ratio['freeze half']:.1f}x as fast",
            f"`full` {_shown(mean['full'])}, both as voted",
            names,
        ],
        [
            "LFs in the making",
            '`strategy = "head"`, `learning_rate = 1e-3`',
            f"{_shown(mean['head'])}, {ratio['head']:.0f}x as fast",
            f"`full` {_shown(mean['full'])}, both as voted",
            names,
        ],
        ["a GPU", "the defaults", "not measured: none was at hand", "", ""],
    ]


def _quality(results: Json, model: str) -> float:
    each = [
        np.mean([run["test"][model]["macro_f1"]["value"] for run in runs])
        for runs in results.values()
    ]
    return float(np.mean(each))


def _ways(without: Json, way: str) -> float:
    return float(np.mean([ways[way] for ways in without.values()]))


def _draws(draws: Json, part: str) -> float:
    return float(np.mean([cell[part] for cell in draws.values()]))


def _few(cells: list[Json], part: str) -> float:
    return float(np.mean([_draws(cell, part) for cell in cells]))


def _names(results: Json) -> str:
    return ", ".join(results)


def _shown(score: float) -> str:
    return f"{score:.3f}"


if __name__ == "__main__":
    main()
