"""What the words of a causal claim stand for: one symbol for all that play the same part.

A claim has few parts, however it is put: the two variables, perhaps a third one, what acts and what
is acted on, causes, effects and ways between them. Each word or phrase becomes the symbol of its
part, so that the grammar need not know words. Words that add nothing fall away; those that are not
known are told, since what they add is not known either.

    x y z     the two variables, in the order of their coming; any other one
    F P R     acts on; acted on, as a participle; is acted on by ("depends on", "downstream of")
    A E e T L cause; what results; "effect"; what one has on another; way ("path", "arrow")
    C I D     "causes", "influences", "changing": a verb or a noun, which the words around tell
    M H J K   meet; share; common; pass on
    o n f t b of; on or in; from; to; by
    w v h c q k that or which; is; has; and; if; comma
    s m N G   's; a word before a noun; not; "they", "the two"
"""

import re
from typing import Final, NamedTuple

WORD: Final = re.compile(r"<[xy]>|'s(?![a-z])|[a-z0-9]+(?:[-'][a-rt-z0-9][a-z0-9]*)*|[←→,;:()–—]")

# Verbs by their bases; a participle that is not formed by rule stands behind a colon.
ACTS: Final = """
affect drive:driven determine produce shape generate induce provoke alter explain govern steer
push mold mould modulate regulate dictate create spawn yield spark prompt make:made set:set
raise lower boost nudge sway reach fuel underlie hit:hit stir topple disturb perturb initiate
elicit evoke engender stimulate suppress constrain guide command rule pull impel force compel
launch ignite modify transform jolt act work operate lead:led point contribute feed:fed flow
propagate spread:spread cascade trickle ripple spill bear:borne impinge matter precipitate tip
move sculpt animate swing:swung colour color tune rock shake supply inform touch run:run
go:gone travel influence:influenced impact control change shift trigger cause start
"""
DEPENDS: Final = """
depend rely hinge rest respond react answer listen bow stem arise derive originate spring grow
emerge emanate descend inherit receive feel come owe follow reflect
"""
PHRASES: Final[dict[str, str]] = {
    "F": """result in/results in/resulted in/bring about/brings about/bring on/brings on/
        give rise to/gives rise to/set off/sets off/kick off/kicks off/set in motion/
        sets in motion/leave mark on/leaves mark on/leave trace in/leaves trace in/
        leave mark in/leaves mark in/pull strings of/pulls strings of/responsible for/
        to blame for/behind/upstream of/upstream from/at root of/at bottom of/has hand in/
        have hand in/has say in/have say in/plays role in/play role in/plays part in/
        play part in/gets to/get to/gets through to/finds way to/find way to/works way to/
        makes way to/find way into/makes difference to/make difference to/ends up in/ends up/
        end up/ends in/ends at/ends with/sits before/lies before/is before/in equation for/
        in equation of/enters equation for/argument of/does to/makes felt in/make felt in/
        wired to/hard-wired to/ripples through to/arrives at/arrive at/accounts for/account for/
        carries over to/carry over to/branches into/forks into/splits into/has consequences for/
        have consequences for/has repercussions for/comes before/input to/causally before/
        precedes/precede/→/brings change in/bring change in/bringing about/giving rise to/
        resulting in/part of reason for/has bearing on/have bearing on""",
    "P": "brought about/brought on/set off/kicked off/set in motion/pushed around",
    "R": """bear mark of/bears mark of/bear imprint of/bears imprint of/dance to tune of/
        dances to tune of/traces to/has dependence on/have dependence on/has dependency on/
        as result of/as consequence of/in consequence of/result from/results from/resulted from/
        resulting from/due to/because of/thanks to/owing to/attributable to/attributed to/
        traceable to/trace back to/traces back to/traced back to/be traced to/traced to/
        trace to/go back to/goes back to/date back to/downstream of/downstream from/
        on receiving end of/at receiving end of/at mercy of/subject to/under influence of/
        under control of/under sway of/under thumb of/under spell of/sensitive to/
        susceptible to/in hands of/takes orders from/take orders from/takes cue from/
        take cue from/takes value from/take value from/gets value from/starts at/starts in/
        starts with/starts from/begins with/begins at/begins in/start at/start in/start with/
        begin at/begin with/begin in/starting at/starting in/starting from/starting with/
        beginning with/beginning at/comes about through/in response to/responsive to/
        has roots in/have roots in/rooted in/has origin in/have origin in/has source in/
        take as input/takes as input/grows out of/grow out of/comes out of/come out of/
        arises out of/arise out of/leaves/leaving/←/dependent on/dependent upon/obeys/obey/
        comes about as/come about as/is down to/are down to""",
    "A": """parent/ancestor/driver/source/origin/root/predecessor/antecedent/precursor/
        contributor/determinant/mover/forebear/wellspring/culprit/grandparent/forerunner/
        ingredient/input/influencer/reason/instigator/starting point/co-cause/co-parent/
        contributory factor/causal factor""",
    "E": """result/consequence/child/children/descendant/outcome/product/successor/offspring/
        by-product/byproduct/aftermath/end product/upshot/repercussion/target/response/
        grandchild/grandchildren/heir/function/spin-off/fallout""",
    "e": "effect",
    "T": """action/say/hand/role/bearing/pressure/grip/contribution/power/causation/causality/
        mark/dominion/leverage/authority""",
    "L": """domino effect/ripple effect/chain of causes/chain of events/string of causes/
        sequence of causes/series of causes/path/chain/route/arrow/edge/link/connection/pathway/
        line/way/road/relationship/relation/tie/bridge/mechanism/process/chain reaction/trail/
        thread""",
    "M": """meet/meets/converge/converges/come together/comes together/join/joins/collide/
        collides/intersect/intersects/merge/merges/meeting/converging/join forces/overlap/
        overlaps/flow together/run together""",
    "H": "share/shares/sharing",
    "J": "common/shared/joint/same/mutual/in common/one and same",
    "K": """passed on/handed on/relayed/transmitted/carried/conveyed/handed/passed/pass/passes/
        carry/carries/hand/hands over/relay/relays/transmit/transmits/convey/conveys/hands/
        forwards/forward/channels/mediate/mediates/transfers""",
    "o": "of/for/about",
    "n": "on/upon/over/in/onto/within",
    "f": "from/out of",
    "t": "to/into/toward/towards/at",
    "b": "by",
    "w": "that/which/who/whom/whose/what/where",
    "v": """is/are/was/were/be/being/been/get/gets/got/becomes/become/includes/include/find/
        finds/counts/count/belongs to/belong to/contains/contain/features/sits/sit/lies/lie/
        stands/stand/exists/exist/ranks/acts as/act as/serves as/serve as/functions as/works as""",
    "h": """has/have/having/had/exerts/exert/exercises/exercise/possesses/possess/wields/with/
        take/takes""",
    "s": "'s/s",
    "q": "if/when/whenever/once/because/since",
    "c": "like/and/or/as well as/along with/together with/plus/but/nor/just as",
    "k": ",/;/:/–/—/(/)",
    "N": """not/no/never/cannot/neither/none/nothing/without/isn't/doesn't/don't/aren't/can't/
        won't/false/lacks/lack/untrue/fails/wrong/absent""",
    "G": "they/them/two/each other/one another/both of them",
    "z": """variable/factor/quantity/quantities/thing/node/signal/metric/something/anything/
        another/others/party/parties/element/component/measurement/mediator/intermediary/
        intermediaries/intermediate/go-between/middleman/middlemen/somewhere/one/ones/item/
        vertex/player/event/condition/indicator/confounder/collider/domino""",
    "x": "<x>/former",
    "y": "<y>/latter",
    "I": "influence/impact/control/change/shift/trigger",
    "C": "cause",
    "D": "intervene on/intervenes on/intervening on/meddle with/meddling with/wiggle",
    "m": "a/an/the/its/their/as/among/amongst/such",
    "": """one of/two of/some of/all of/any of/part of/at least one/at least one of/at least/
        one or more/in turn/in part/in general/in fact/in end/in graph/in diagram/in dag/
        in model/in network/in structure/in system/of system/in data/in terms/in chain/
        in other words/at all/among other things/among others/at once/of variables/
        among variables/by itself/of own/in own right/on own/in some way/in any way/value of/
        level of/state of/behaviour of/behavior of/change in/shift in/variation in/movement in/
        fluctuation in/intervention on/manipulation of/to some extent/to some degree/as result/
        in addition/at same time/in itself/in short/of them/sort of/kind of/in question/
        from one/more than one/of own accord/is case that/is true that/help to/helps to/
        only after/number of/set of/elsewhere in system/case that/down line/for its part/
        all else equal/goes on to/go on to/as well/one can/one may/one could/at end of/
        where are/adjacent to""",
}
IDLE: Final = """
also too likewise alike both each respectively then itself themselves first just merely only
simply even still yet ever own very quite single would will can could may might must should
shall does do did it this these those there other else third further extra additional separate
different distinct new more most hidden lurking unnamed certain given particular fourth some
any every all several various multiple many few strong weak statistical graph dag diagram model
network structure again part whole so thereby thus hence therefore while here now perhaps order
beginning structural start head distance indeed together entire we you i our your known true
underlying real actual causal remaining eventual main at-least key proximate direct indirect
immediate else's whichever least claim holds case than rather though although away afar fashion
whatever final far-off albeit however needed required necessary involved behaviour behavior
value level levels values before after once up back down along around sides simultaneously out
off alone cause-and-effect effective joined system world yes whether correct outright existing
alternative outside observed tend tends help helps been right appears appear directed middle
downstream upstream far end earlier elsewhere between siblings sibling confounded halfway
follow-on possible fact clearly
"""
DOING: Final = """
changing altering moving shifting wiggling varying setting manipulating perturbing tweaking
raising lowering adjusting nudging disturbing modifying pushing increasing decreasing touching
intervening
"""
ADVERB: Final = re.compile(r"(?!supply|reply|rely|apply|multiply)[a-z]{2,}ly")


class Symbols(NamedTuple):
    """A sentence by the parts that its words play.

    Attributes:
        text: One letter for each part.
        unknown: Words whose part is not known.
    """

    text: str
    unknown: tuple[str, ...]


def symbols_of(sentence: str) -> Symbols:
    """Return the parts that the words of a sentence play, in their order.

    Args:
        sentence: In lower case, with "<x>" and "<y>" for the two names.
    """
    words = WORD.findall(sentence)
    found, unknown = [], []
    place = 0
    while place < len(words):
        symbol, length = _longest(words, place)
        if symbol is None:
            unknown.append(words[place])
        else:
            found.append(symbol)
        place += length
    return Symbols("".join(found), tuple(unknown))


def _longest(words: list[str], start: int) -> tuple[str | None, int]:
    """Return the part of the longest phrase that begins here, and how many words it has.

    Articles and adverbs inside a phrase do not count.
    """
    phrase = ""
    found: tuple[str | None, int] = (None, 1)
    for place in range(start, len(words)):
        word = words[place]
        longer = f"{phrase} {word}".lstrip()
        if longer in BEGINNINGS:
            phrase = longer
            if phrase in LEXICON:
                found = LEXICON[phrase], place - start + 1
        elif not phrase or not (word in SKIPPED or ADVERB.fullmatch(word)):
            break
    if found[0] is None and ADVERB.fullmatch(words[start]):
        return "", 1
    return found


def _inflected(base: str) -> tuple[str, str, str]:
    """Return "drives", "driven" and "driving" of "drive:driven"."""
    verb, _, participle = base.partition(":")
    stem = verb[:-1] if verb.endswith("e") else verb
    short = re.fullmatch(r"[a-z]*[^aeiou][aeiou][bgmnpt]", verb) and len(verb) <= 4
    doubled = verb + verb[-1] if short or verb in ("control", "impel", "compel", "spur") else stem
    third = re.sub(r"y$", "ie", verb) if re.search(r"[^aeiou]y$", verb) else verb
    ending = "es" if re.search(r"(?:ch|sh|ss|x|o)$", verb) else "s"
    return third + ending, participle or doubled + "ed", doubled + "ing"


def _lexicon() -> dict[str, str]:
    """Return the part of every word and phrase."""
    known = dict.fromkeys(IDLE.split(), "")
    for verbs, part in ((ACTS, "F"), (DEPENDS, "R")):
        for base in verbs.split():
            third, participle, doing = _inflected(base)
            verb = base.partition(":")[0]
            known |= dict.fromkeys((verb, third, doing), part)
            if part == "F":
                known[participle] = "P"
    known |= dict.fromkeys(DOING.split(), "D")
    for part, phrases in PHRASES.items():
        for phrase in phrases.split("/"):
            words = " ".join(phrase.split())
            known[words] = part
            if part in set("AEeTLCIz"):
                known[words + "s"] = part
            elif not part and words.endswith((" in", " of")):
                known[words.replace(" ", "s ", 1)] = part
    return known


LEXICON: Final = _lexicon()
BEGINNINGS: Final = frozenset(
    " ".join(words[: count + 1])
    for words in (phrase.split() for phrase in LEXICON)
    for count in range(len(words))
)
SKIPPED: Final = frozenset(IDLE.split()) | {"a", "an", "the", "its", "their"}
