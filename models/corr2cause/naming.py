"""Find the variables' names in a text, and put numbers in their place.

Once each name is a number, "<0>", a sentence can be read whatever its variables are called. A name
may have several words, dots or underscores; it stands in a list near the beginning ("A, B and C")
and again in what follows. A capital A may be a name or an article; what follows tells.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

SEPARATOR: Final = re.compile(r"\s*,\s*(?:and|or|&)\s+|\s*,\s*|\s+and\s+|\s+&\s+|\s+or\s+")
BRACKET: Final = re.compile(r"[()\[\]{}]")
QUOTES: Final = "\"'`‘’“”*"
QUOTE: Final = re.compile(rf"(?<!\w)[{QUOTES}]|[{QUOTES}](?!\w)|(?<=>)[{QUOTES}]")  # not in "isn't"
SENTENCE: Final = re.compile(r"(?<=[.;!?:])\s+|\n+")
COUNT: Final = re.compile(
    r"\b(\d+|two|three|four|five|six|seven|eight)\s+(?:\w+\s+){0,2}?"
    r"(?:variables?|factors?|quantities|things|series|signals|metrics|measurements|events|nodes)\b"
)
NUMBER_WORDS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight")
HELD: Final = "\0"  # in the place of an article while names are looked for
MOST: Final = 12  # names in a list
MOST_OF_ALL: Final = 8  # names in a list of which nothing else names some
LONGEST: Final = 6  # words of a name
OF_ALL: Final = re.compile(
    r"\b(?:every|each|all|any)(?: possible| other| remaining)? pairs?\b|\beach other\b|"
    r"\bone another\b|\b(?:each|all|any two|no two) of them\b|\bevery other\b|\bpairwise\b",
    re.I,
)
LISTED_BEFORE: Final = re.compile(r"\s(?:are|is|were|was|be|make|form|exist|constitute|comprise)\b")
PARTS: Final = re.compile(r"[:()\[\]{}]|\s[-–—]+\s|[.;!?]+\s*$")
# Words that stand before the first name of a list: "There are five variables called".
INTRODUCED: Final = re.compile(
    r"^.*\b(?:variables?|factors?|quantities|things|series|signals|metrics|measurements|events|"
    r"nodes|called|named|namely|are|over|of|consider|take|track|study)\s+(?:the )?",
    re.IGNORECASE,
)
LONGEST_PLAIN: Final = 400  # characters of a plain statement
OPENING: Final = 5  # sentences in which the list may stand

AFTER_ARTICLE: Final = (
    r"(?=\s+(?:\w+ly\s+)?(?:third|fourth|second|single|common|direct|indirect|causal|statistical|"
    r"conditional|marginal|strong|weak|positive|negative|significant|closed|hidden|latent|large|"
    r"variable|factor|correlation|association|relation|relationship|dependen\w+|link|connection|"
    r"confounder|collider|mediator|chain|path|arrow|change|cause|study|statistician|system|list|"
    r"sample|world|shared|different|further|certain|few|set|number|hypothesis|premise|researcher|"
    r"team|parent|child|descendant|ancestor|non-direct|joint)\b)"
)
# Words behind an A that begins a sentence and is an article: what a relation or variable is called.
ARTICLE: Final = re.compile(rf"^A{AFTER_ARTICLE}")
SMALL_ARTICLE: Final = re.compile(rf"(?<![\w<])a{AFTER_ARTICLE}")
SMALL: Final = re.compile(r"(?<![\w'])[a-z](?:, (?:and )?[a-z]|,? and [a-z])+(?![\w'])")
ARTICLES: Final = re.compile(r"^\s*(?:[Tt]he|an?|An)\s+")
PLACE: Final = re.compile(r"<(\d+)>")

# Where no list is given, a name is what stands at either end of a plain statement.
VERB: Final = (
    r"(?:is|are|was|were|correlates?|depends?|varies|vary|moves?|relates?|does|do|has|have)\b"
)
PLAIN: Final = (
    re.compile(rf"^(?P<a>[^,]+?) and (?P<b>[^,]+?) {VERB}", re.IGNORECASE),
    re.compile(
        r"^(?P<a>[^,]+?) (?:correlates with|(?:is|are) (?:not )?(?:statistically )?"
        r"(?:correlated|associated|linked|related|connected) (?:with|to)|"
        r"(?:is|are) (?:not )?(?:statistically )?(?:in)?dependent (?:of|on|from)|"
        r"⊥|⟂|depends on) (?P<b>[^,|]+?)"
        r"(?: (?:given|conditional|when|if|once|after)\b.*| ?\|.*)?[.;]?$",
        re.IGNORECASE,
    ),
)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A text whose names are numbers.

    Attributes:
        names: The variables, by number.
        sentences: What was said, names replaced by "<0>", "<1>" and so on, in lower case.
        original: The same sentences as they were.
    """

    names: tuple[str, ...]
    sentences: tuple[str, ...]
    original: tuple[str, ...]


def sentences_in(text: str) -> list[str]:
    """Return the sentences and list entries of a text, without bullets."""
    parts = (re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", part) for part in SENTENCE.split(text))
    return [part.strip() for part in parts if part.strip()]


def find_names(premise: str, rest: str = "") -> tuple[str, ...]:
    """Return the names of the variables that a premise speaks of, none where there is no telling.

    Args:
        premise: Names them in a list, or only in plain statements.
        rest: A further text that uses the names.
    """
    stated = _stated(premise)
    sentences = sentences_in(premise)
    lists = list(dict.fromkeys(_opening_lists(sentences, rest)))
    for found in lists if stated else ():
        if len(found) == stated:
            return found
    most = max(lists, key=len, default=())
    of_all = range(MOST_OF_ALL, 2, -1) if OF_ALL.search(premise) else ()
    for count in (stated,) if stated else of_all:
        for found in _whole_lists(sentences, count):
            if set(most) <= set(found):  # some are named in the list and nowhere else
                return found
    # Without a count, those names win that most sentences are about.
    plain = _from_statements([*sentences, *sentences_in(rest)])
    return max([*lists, plain], key=lambda found: _about(found, sentences), default=())


def _opening_lists(sentences: Sequence[str], rest: str) -> Iterator[tuple[str, ...]]:
    """Yield the lists of two names or more with which a text begins."""
    for place, sentence in enumerate(sentences[:OPENING]):
        after = " ".join([*sentences[place + 1 :], rest])
        yield from (found for found in _lists(sentence, after) if len(found) >= 2)
        for small in SMALL.findall(sentence):  # "a" is a name where it stands among letters
            yield tuple(dict.fromkeys(re.findall(r"\b[a-z]\b", small)))


def _whole_lists(sentences: Sequence[str], count: int) -> Iterator[tuple[str, ...]]:
    """Yield the lists of ``count`` names with which a text begins, used again or not."""
    for sentence in sentences[:OPENING]:
        for part in PARTS.split(sentence):
            entries = [ARTICLES.sub("", one).strip(" " + QUOTES) for one in SEPARATOR.split(part)]
            entries = [entry for entry in entries if entry]
            for begin in range(len(entries) - count + 1):
                run = entries[begin : begin + count]
                run[0] = INTRODUCED.sub("", run[0])
                run[-1] = LISTED_BEFORE.split(run[-1])[0].strip()
                named = all(is_name(one) and len(one.split()) <= LONGEST for one in run)
                if named and len(set(run)) == count:
                    yield tuple(run)


def _about(names: Sequence[str], sentences: Sequence[str]) -> tuple[int, int]:
    """Return how many sentences hold two names or more, and how many names these hold."""
    pattern = _any_of(names)
    held = [len(set(pattern.findall(one))) for one in sentences]
    return sum(count >= 2 for count in held), sum(count for count in held if count >= 2)


def number_names(text: str, names: Sequence[str]) -> Numbered:
    """Return ``text`` with each name replaced by its number."""
    original = sentences_in(text)
    pattern = _any_of(names)
    known = {name.casefold(): place for place, name in enumerate(names)}
    exact = {name: place for place, name in enumerate(names)}

    def number(match: re.Match[str]) -> str:
        found = match[0]
        return f"<{exact.get(found, known[found.casefold()])}>"

    plain = []
    for sentence in original:
        marked = ARTICLE.sub("a", sentence.replace("(s)", ""))
        if "a" in names:
            marked = SMALL_ARTICLE.sub(HELD, marked)
        replaced = pattern.sub(number, marked).replace(HELD, "a")
        bare = BRACKET.sub(" ", QUOTE.sub(" ", replaced.replace("’", "'")))
        bare = re.sub(r"\b(?:the|an?|variables?|both of) (?=<\d+>)", "", bare, flags=re.IGNORECASE)
        plain.append(re.sub(r"\s+", " ", bare).strip().lower())
    return Numbered(tuple(names), tuple(plain), tuple(original))


def _stated(premise: str) -> int | None:
    """Return how many variables the premise says there are."""
    match = COUNT.search(premise.lower())
    if match is None:
        return None
    word = match[1]
    return int(word) if word.isdigit() else NUMBER_WORDS.index(word)


def _lists(sentence: str, after: str) -> Iterable[tuple[str, ...]]:
    """Yield the lists in a sentence whose entries are used again in what comes after."""
    # A colon, a bracket or a dash may stand before or behind the list.
    for part in PARTS.split(sentence):
        entries = [ARTICLES.sub("", entry).strip(" " + QUOTES) for entry in SEPARATOR.split(part)]
        entries = [entry for entry in entries if entry]
        run: list[str] = []
        for place, entry in enumerate(entries):
            whole = entry if _used(entry, after) else ""
            name = whole or (_tail(entry, after) if not run else _head(entry, after))
            if not name and run and OF_ALL.search(after):  # no sentence of its own tells of it
                bare = LISTED_BEFORE.split(entry)[0].strip()
                name = bare if is_name(bare) and len(bare.split()) <= LONGEST else ""
                whole = name if name == entry else ""
            if name and name not in run:
                run.append(name)
            ends = not whole and not (name and len(run) == 1)
            if ends or place == len(entries) - 1:
                yield tuple(run[:MOST])
                run = [tail] if ends and (tail := _tail(entry, after)) else []


def _tail(entry: str, after: str) -> str:
    """Return the most last words of an entry that are used again: "Take A" -> "A"."""
    words = entry.split()
    return _best([" ".join(words[-count:]) for count in range(1, LONGEST + 1)], after)


def _head(entry: str, after: str) -> str:
    """Return the most first words of an entry that are used again: "E exist" -> "E"."""
    words = entry.split()
    return _best([" ".join(words[:count]) for count in range(1, LONGEST + 1)], after)


def _best(candidates: Iterable[str], after: str) -> str:
    cleaned = [one.strip(" ,.;:" + QUOTES) for one in candidates]
    return max((one for one in cleaned if is_name(one) and _used(one, after)), key=len, default="")


def is_name(text: str) -> bool:
    """Return whether words can be a name; a single capital may be one, whatever it means."""
    words = [word if len(word) == 1 and word.isupper() else word.lower() for word in text.split()]
    return bool(words) and text.lower() not in NO_NAME and not {words[0], words[-1]} & NO_END


def _used(name: str, text: str) -> int:
    """Return how often a name is used in a text."""
    return len(_any_of([name]).findall(text)) if is_name(name) else 0


def _any_of(names: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern for any of the names, the longest first.

    A short name counts in its own case only: "a" is no "A". Others may begin a sentence.
    """
    alternatives = []
    for name in sorted(names, key=len, reverse=True):
        escaped = re.escape(name)
        alternatives.append(escaped if len(name) <= 3 else f"(?i:{escaped})")
    inside = "|".join(alternatives) or "(?!)"
    return re.compile(rf"(?<![\w<])(?:{inside})(?![\w>]|\.\w)")


def _from_statements(sentences: Sequence[str]) -> tuple[str, ...]:
    """Return the names at the ends of plain statements, in the order of their coming."""
    found: dict[str, None] = {}
    for sentence in sentences:
        bare = re.sub(r"^(?:\w+(?: \w+){0,3}), ", "", sentence.rstrip(".;"))
        for pattern in PLAIN if len(bare) <= LONGEST_PLAIN else ():
            match = pattern.match(bare)
            if match:
                ends = [match[key].strip(" " + QUOTES) for key in ("a", "b")]
                if all(is_name(end) and len(end.split()) <= LONGEST for end in ends):
                    found.update(dict.fromkeys(ends))
                break
    return tuple(name for name in found if len(_any_of([name]).findall(" ".join(sentences))) > 1)


# No name begins or ends with these, and none is one of the next.
_NO_END: Final = """
a an the and or of all any each every some these those this that there it its they we is are be
been has have with without no not none nothing in on for to by as at from between among both neither
nor if when once which knowing however but so while given following follows namely named called
consider suppose take let imagine variables relations about over into onto upon
within across through during under before after behind beyond per via like than
"""
_NO_NAME: Final = """
system everything one two three four five six seven eight variable closed relation statistical
he she you i.e
"""
NO_END: Final = frozenset(_NO_END.split())
NO_NAME: Final = frozenset(_NO_NAME.split())
