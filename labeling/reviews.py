"""Rules of thumb about sentences from product reviews: negative, neutral or positive?

A labeling function (LF) looks at one row and votes for a class or abstains. It may be wrong at
times: the label model weighs it against the others. So write down what you would tell a new
colleague, one hint per function; name it for the *evidence* it sees; abstain when in doubt.

The file goes from simple to rich:

1. word lists              `keyword_lf`: no code at all
2. patterns                `regex_lf`: where word order matters
3. small functions         negation, comparison, punctuation
4. absence of opinion      how to say "neutral", which has no words of its own
5. somebody else's model   TextBlob's polarity, as one more voter

Where a rule has a twist, examples say what it must vote: `weakft check` and `pytest labeling/`
hold it to them.

All of it was written looking at the dev split only.
"""

import re
from enum import IntEnum
from typing import Protocol

from textblob import TextBlob

from weakft import ABSTAIN, LabelingFunction, keyword_lf, labeling_function, regex_lf


class Label(IntEnum):
    """The classes, in the order of `classes` in weakft.toml."""

    NEGATIVE = 0
    NEUTRAL = 1
    POSITIVE = 2


class Row(Protocol):
    """The columns these LFs read; any column of the data can be added."""

    text: str


# ---- 1. Word lists: the quickest LF to write, and often among the best ----

PRAISE = """amazed amazing awesome beautiful beautifully brilliant excellent exceptional fabulous
    fantastic first-class flawless flawlessly great gorgeous impressive incredible outstanding
    perfect perfectly rocks rules stunning superb superior terrific top-notch unbeatable unmatched
    winner wonderful""".split()
BLAME = """awful blows crap defective disappointing dreadful garbage horrible horribly inferior
    junk lousy mediocre nightmare pathetic poor poorly ridiculous stinks sucks terrible terribly
    unacceptable unreliable useless worst worthless""".split()
JOY = ["delighted", "enjoy", "enjoyed", "enjoying", "glad", "happy", "i like", "impressed", "love"]
JOY += ["loved", "loves", "pleased", "really like", "satisfied", "surprised", "thrilled"]
GRIEF = """annoyed annoying complain disappointed disappointment frustrated frustrating
    frustration hassle hate hated mistake regret sadly shame sorry trouble unfortunately
    upset""".split()
EASE = """easy easily easier effortless intuitive painless straightforward convenient comfortable
    handy versatile breeze snap user-friendly""".split()

praises_strongly = keyword_lf("praises_strongly", PRAISE, Label.POSITIVE)
blames_strongly = keyword_lf("blames_strongly", BLAME, Label.NEGATIVE)
tells_of_joy = keyword_lf("tells_of_joy", JOY, Label.POSITIVE)
tells_of_grief = keyword_lf("tells_of_grief", GRIEF, Label.NEGATIVE)
finds_it_easy = keyword_lf("finds_it_easy", EASE, Label.POSITIVE)

# ---- 2. Patterns: for turns of phrase that a word list would miss ----

is_worth_buying = regex_lf(
    "is_worth_buying",
    r"\b(worth (it|every|the)|(great|good) (price|deal|value)|for the (buck|money|price)|bargain"
    r"|affordable|must.have|(highly|definitely|would|strongly|i) recommend)\b(?! (against|that))",
    Label.POSITIVE,
    flags=re.IGNORECASE,
    doc="Satisfied buyers say what they got for the money and that others should buy it too.",
)

is_free_of_faults = regex_lf(
    "is_free_of_faults",
    r"(\b(no|never|without|zero)|n't ha(d|ve))( \w+){0,2} "
    r"(problems?|complaints?|issues?|regrets?|trouble|remorse)\b",
    Label.POSITIVE,
    flags=re.IGNORECASE,
    doc="'No problems' is built from bad words and means the opposite.",
).expecting(
    {"I've had no problems so far.": Label.POSITIVE, "Works without any issue": Label.POSITIVE},
    abstains=["It has problems.", "No music plays."],
)

warns_buyers = regex_lf(
    "warns_buyers",
    r"\b(beware|warning|avoid|stay away|(save|waste) (your|of|my) (money|time)|never (again|buy))\b"
    r"|(\bnot|\bdont|n't) (\w+ )?(buy|bother|purchase|recommend)\b",
    Label.NEGATIVE,
    flags=re.IGNORECASE,
    doc="Who made a mistake tells others not to repeat it.",
)

deals_with_service = regex_lf(
    "deals_with_service",
    r"\b(return(ed|ing)|refund\w*|repair\w*|replac(ed|ement)|warranty|s[ea]n[dt] it"
    r"|(customer|tech\w*) (service|support)|called|contact(ed)?|e?-?mailed)\b",
    Label.NEGATIVE,
    flags=re.IGNORECASE,
    doc="Hardly anyone calls support, or posts a device back, to say thank you.",
)

tries_in_vain = regex_lf(
    "tries_in_vain",
    r"\b(tried|trying|attempt\w*|unable|refus\w+|had to|have to|kept|keeps|supposed to)\b",
    Label.NEGATIVE,
    flags=re.IGNORECASE,
    doc="What works is not 'tried', and nobody 'has to' do what is pleasant.",
)

wishes_it_were_better = regex_lf(
    "wishes_it_were_better",
    r"\b(wish(ed)?|hop(e|ed|ing)|(should|could)( have|'ve| be)|would( have|'ve| be) (\w+ )?"
    r"(nice|liked|better)|needs (to|a|better|more)|lacks?|lacking|missing)\b",
    Label.NEGATIVE,
    flags=re.IGNORECASE,
    doc="A wish names, politely, what is missing.",
)

lists_what_it_can_do = regex_lf(
    "lists_what_it_can_do",
    r"\b(lets?|allows?|enables?|able to|(you|i) can|gives? (you|me)|(plenty|lots?|tons?) of"
    r"|everything|features?)\b(?! not\b)",
    Label.POSITIVE,
    flags=re.IGNORECASE,
    doc="Abilities are told by those who like them, even without a word of praise.",
)

# ---- 3. Small functions: when one pattern is not enough ----


def finder(pattern: str) -> re.Pattern[str]:
    """Compile a pattern once, when the file loads, rather than on every row."""
    return re.compile(pattern, re.IGNORECASE)


def any_of(words: list[str]) -> str:
    """Write a list of words as a pattern that finds any of them, whole."""
    return rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)"


LIKING = """accurate best bright clean clear compact cool crisp durable fast fine friendly fun good
    helpful light lightweight neat nice nicely plus powerful quick quickly quiet reliable rich
    sharp simple sleek smooth solid sturdy stylish well""".split()
DISLIKE = """bad badly bulky cheap cheaply clumsy clunky confusing cumbersome difficult dim flimsy
    fragile grainy hard heavy limited loose noisy overpriced slow tedious tough ugly uncomfortable
    weak weird worse""".split()
FAULTS = """broke broken bug buggy bugs corrupt crash crashed crashes damaged defect defects die
    died dies error errors fail failed fails failure faulty flaw flaws freeze freezes freezing
    froze frozen glitch glitches issue issues locked problem problems scratched skip skips
    skipping static stopped stuck""".split()

NEGATION = r"\b(?:not|no|never|nothing|cannot|hardly|\w+n't|(?:do|ca|wo|did|does|is)nt)\b"
SHORTLY_BEFORE = r"(?:\s+[\w'-]+){0,3}?\s+"  # no comma in between

negation = finder(NEGATION)
liking = finder(any_of(LIKING))
dislike = finder(rf"{any_of(DISLIKE)}|\btoo (?!much of|many to|bad)\w+|\bnot \w+ enough\b")
fault = finder(any_of(FAULTS))
no_liking = finder(NEGATION + SHORTLY_BEFORE + any_of(PRAISE + LIKING + EASE + JOY))
no_dislike = finder(NEGATION + SHORTLY_BEFORE + any_of([*DISLIKE, "too"]))
no_fault = finder(NEGATION + SHORTLY_BEFORE + any_of(FAULTS))
refusal = finder(
    r"(?<!\bi )(?<!\byou )\b((do|does|did|would|could|ca|wo)n'?t"
    r"|(do|does|did|would|could|can|will) not|cannot)\b"
)
better = finder(r"\b(better|easier|faster|nicer|smaller|lighter) than\b|\bbeats?\b")
worse = finder(r"\b(worse|harder|slower|less \w+|bigger|heavier) than\b|\bnot as \w+ as\b")


@labeling_function(
    examples={"It isn't very easy to use.": Label.NEGATIVE, "not great": Label.NEGATIVE},
    abstains=["great", "not the first, but a great one"],
)
def negates_praise(x: Row) -> int:
    """'Not good', 'isn't very easy' fool the word lists above, but not this LF."""
    return Label.NEGATIVE if no_liking.search(x.text) else ABSTAIN


@labeling_function(
    examples={"A nice, sturdy case.": Label.POSITIVE}, abstains=["nice but slow", "not nice"]
)
def mentions_a_merit(x: Row) -> int:
    """Mild praise counts only where nothing takes it back: no negation, no dislike."""
    taken_back = no_liking.search(x.text) or dislike.search(x.text)
    return Label.POSITIVE if liking.search(x.text) and not taken_back else ABSTAIN


@labeling_function()
def mentions_a_weakness(x: Row) -> int:
    """'Heavy', 'too small': counts only where it is not negated, as in 'not bad'."""
    holds = dislike.search(x.text) and not no_dislike.search(x.text)
    return Label.NEGATIVE if holds else ABSTAIN


@labeling_function()
def reports_a_fault(x: Row) -> int:
    """A fault is bad news unless the sentence says that there was none."""
    holds = fault.search(x.text) and not no_fault.search(x.text)
    return Label.NEGATIVE if holds else ABSTAIN


@labeling_function()
def does_not_do_its_job(x: Row) -> int:
    """'It does not play', 'the door wouldn't close': a thing refuses, not 'I' or 'you'."""
    holds = refusal.search(x.text) and not no_fault.search(x.text)
    return Label.NEGATIVE if holds else ABSTAIN


@labeling_function(
    examples={"Better than my Canon.": Label.POSITIVE, "not as good as it": Label.NEGATIVE},
    abstains=["Better than one and worse than the other."],
)
def compares(x: Row) -> int:
    """'Better than' praises, 'worse than my old one' blames; both at once say nothing."""
    wins, loses = better.search(x.text), worse.search(x.text)
    if bool(wins) == bool(loses):
        return ABSTAIN
    return Label.POSITIVE if wins else Label.NEGATIVE


@labeling_function()
def exclaims(x: Row) -> int:
    """People shout for joy more often than in anger, which shows by its negations and faults."""
    angry = negation.search(x.text) or fault.search(x.text)
    return Label.POSITIVE if "!" in x.text and not angry else ABSTAIN


# ---- 4. Absence of opinion: "neutral" has no words of its own ----

# Every LF so far looks for an opinion. LFs can be called like functions, so others build on them.
# An LF of your own belongs below, unless it too finds opinions.
JUDGES = [value for value in globals().values() if isinstance(value, LabelingFunction)]

FEATURES = """adapter album albums audio battery button buttons cable camera card case cd cds
    charger computer disc display drive dvd earbuds files flash headphone headphones ipod lens
    manual memory menu menus model mode music pc phone picture pictures player playlist remote
    screen settings size software song songs speakerphone usb version viewfinder zoom""".split()

feature = finder(any_of(FEATURES))
story = finder(r"\bi('ve| have| had| also| just)? (bought|purchased|ordered|got|own|use|read)\b")


def is_judged(x: Row) -> bool:
    """Tell whether any LF above votes."""
    return any(lf(x) != ABSTAIN for lf in JUDGES)


@labeling_function()
def names_parts_without_judging(x: Row) -> int:
    """Battery, screen, menu and not one hint of an opinion: a description."""
    return Label.NEUTRAL if feature.search(x.text) and not is_judged(x) else ABSTAIN


@labeling_function()
def tells_how_it_was_bought(x: Row) -> int:
    """'I bought it in May', 'I own two': the story before the verdict."""
    return Label.NEUTRAL if story.search(x.text) and not is_judged(x) else ABSTAIN


@labeling_function(
    examples={"Pros:": Label.NEUTRAL, "What else?": Label.NEUTRAL},
    abstains=["Great!", "I read the manual before I ever switched it on."],
)
def only_leads_over(x: Row) -> int:
    """Headings, list items and questions that do not judge lead over to what follows."""
    leads_over = x.text.endswith("?") or len(x.text.split()) <= 6
    return Label.NEUTRAL if leads_over and not is_judged(x) else ABSTAIN


# ---- 5. Somebody else's model: good at words, blind to what a device should do ----


@labeling_function()
def textblob_polarity(x: Row) -> int:
    """TextBlob averages a lexicon of adjectives; only its clear verdicts are taken."""
    polarity = TextBlob(x.text).sentiment.polarity
    if polarity >= 0.3:
        return Label.POSITIVE
    return Label.NEGATIVE if polarity <= -0.1 else ABSTAIN


@labeling_function()
def textblob_finds_no_opinion(x: Row) -> int:
    """No word known to TextBlob's lexicon nor to the LFs above."""
    subjective = TextBlob(x.text).sentiment.subjectivity > 0
    return ABSTAIN if subjective or is_judged(x) else Label.NEUTRAL
