"""The words that tell of dependence and independence, of what is held fixed, and of exceptions."""

import re
from typing import Final

LIST: Final = re.compile(
    r"<\d+>(?:\s*(?:,?\s*(?:and|or|nor|as well as|along with|together with|plus|but also|&)|,)"
    r"\s*(?:with |of |on |from |to |by |both |the |also )*<\d+>)*"
)
INDEPENDENT: Final = re.compile(
    r"\bindependen|\buncorrelated|\bunrelated|\bunassociated|\bunlinked|\bunconnected|"
    r"\borthogonal|"
    r"\bnothing to do with|\buninformative|\birrelevant|"
    r"\bseparated|\bdecoupled|\bdisconnected|[⊥⟂⫫]|\bindep\b|\bscreened off|\bshielded"
)
DEPENDENT: Final = re.compile(
    r"(?<!in)\bdepend|\binterdepend|\bcorrelat|\bassociat|\brelat|\blink|\bconnect|\bcovar(?!iate)|"
    r"\bco-?var(?!iate)|\bco-?mov|\bco-?occur|"
    r"\bvar(?:y|ies)|\bmoves?\b|\binformati|\btells?\b|\bpredict|"
    r"\bgo(?:es)? (?:along|together|hand)|"
    r"\bcoupled|\btied\b|\bties\b|\bassociation|\bbound\b|\bsays?\b|\bhints?\b|\bhas to do with|"
    r"\btracks?\b|\bmirrors?\b|\baccompan|\bbeliefs?\b|\bclues?\b|\bbearing\b|\bsheds? light|"
    r"\bin step\b|\bhand in hand\b|\brelevant\b|\bcue\b|"
    r"~|⊥̸|\bfluctuat|\bgo(?:es)? with\b|\bco-?express|\bdep\b|\bin lockstep\b|\bin tandem\b|"
    r"\bin sync\b|\bdepends?\b|\bentangled\b|"
    r"\b(?:chang|ris|fall|mov|shift)\w* together\b|\b(?:influenc|affect)\w* (?:each other|"
    r"one another)"
)
NEGATION: Final = re.compile(
    r"\bnot\b|\bno\b|n't\b|\bnever\b|\bneither\b|\bnone\b|\bnothing\b(?! to do with)|\black|"
    r"\bwithout\b|\bfail|\babsen(?:t|ce)\b|\bvanish|\bdisappear|\bceas|\bcannot\b|\bstops?\b|"
    r"\bremov|\beliminat|\bdestroys?\b|\bgo(?:es)? away|"
    r"(?<!non-)(?<!non)\bzero\b|\bloses?\b|\bnor\b(?!.*\bneither\b)|\bbreaks?\b|\bbroken\b|"
    r"\bsevered\b|\bcut off\b|\bgone\b|\blost\b|\bwiped out\b|\bnullif|\bnegligible\b|\bhardly\b"
)
# Directly before a list, these say that it is held fixed.
FIXES: Final = re.compile(
    r"(?:\bgiven|\bgive|\bcondition\w* (?:up)?on|\bconditional (?:up)?on|\bcontroll?\w* for|"
    r"\badjust\w* for|\baccount\w* for|\ballow\w* for|\bcorrect\w* for|\bknow\w*|\blearn\w*|"
    r"\bhold(?:s(?! of)|ing)?|\bheld|\bfix\w*|\bkeep\w*|\bstratif\w* (?:by|on)|"
    r"\b(?:partial|regress|factor|filter)\w* out|\btak(?:e|ing)|\bconsider\w*|"
    r"\bin the presence of|"
    r"\bwithin|\bacross|\bonly look\w* at|\bmatch\w* (?:on|for|by)|\brestrict\w* to|"
    r"\bagree\w* (?:on|in|about)|\bcoincid\w* in|\balike in|\b(?:share|have|has|with|at|for|in|"
    r"of) (?:the )?(?:same|equal|identical|"
    r"like)|\bfor (?:any |every |each |a )?(?:fixed|given)|\b(?:at|for|in) (?:a|any|every|"
    r"each)(?= (?:\w+ )?(?:value|level|"
    r"state|stratum|group))|\b(?:sub)?groups? (?:of|by|with|defined by)|\bblock\w* on|"
    r"\bfilter\w* on|"
    r"\bdiscount\w*|\bresiduali\w* on|\bremov\w* the (?:influence|effect)s? of|"
    r"\b(?:split|group|broken down|slic|segment|bin)\w* by|\bneutrali[sz]\w*|"
    r"\bbeyond (?:that in)?|"
    r"\bnet of|\bin the context of|\bobserving|\bobserve|\bcontroll?(?:ed|ing)|\bconditional|"
    r"\bin view of|\bin (?:the )?light of|(?<=separated )by|\bset|\||\bwith respect to|"
    r"\bconditions? of|\btaking into account|\bregardless of|\bbased on|"
    r"\b(?:conditioning|separating|adjustment) set (?:being|is|was|=|of))"
    r"(?: (?:already|both|any|either|each|every|one|of|the|a|their|same|fixed|given|particular|"
    r"specific|"
    r"single|common|identical|equal))*"
    r"(?: (?:values?|levels?|states?|knowledge|effects?|influences?|strata|stratum|groups?|"
    r"information|categor\w+|slices?|bins?)(?: of| about| on| in)?)?"
    r"(?: (?:all of|both))?\s*$"
)
# These need one of the next behind the list.
OPENS: Final = re.compile(
    r"\b(?:when|whenever|once|if|after|with|while|as soon as|provided(?: that)?|(?:as|so) long as|"
    r"where|because|since|for|upon)(?: we)?(?: the)?(?: (?:values?|levels?|states?) of)?\s*$"
)
# "given any of <2> and <3>": each of them makes a statement.
ANY_OF: Final = re.compile(r"\b(?:any|either|each)(?: one)?(?: of)?(?: the)?\s*$")
# "both on their own and given <2>": without the condition as well
ALSO_ALONE: Final = re.compile(
    r"\b(?:marginally|unconditionally|on (?:its|their) own|by (?:itself|themselves)) "
    r"(?:and|as well as)\b|"
    r"\bwith (?:and|or) without\b|\bwhether or not\b|\bregardless of whether\b|"
    r"\band (?:they |it )?(?:remains?|stays?|continues?)\b"
)
UNLESS: Final = re.compile(r",? (?:unless|except (?:when|if|given|once))\b(?: when| if)?")
IS: Final = (
    r"(?:is|are|being|has been|have been|was|were|as|stays?|remains?|gets?|already|been|also|all|"
    r"both|taken)\s+"
)
CLOSES: Final = re.compile(
    rf"^\s*(?:values? |levels? )?(?:(?:{IS})*(?:held|kept|fixed|constant|known|accounted|"
    r"controlled|adjusted|given(?=\s*(?:[,.;]|$))|into account|conditioned|considered|measured|"
    r"unchanged|specified|the same|identical|equal|alike|steady|stable|"
    r"in hand|at hand|in mind)\b|"
    rf"(?:{IS})+(?!correlat|associat|relat|depend|link|connect|coupl|tied)\w+ed "
    rf"(?:out|for|on|by|away|upon)\b|"
    rf"(?:{IS})+(?:given|observed|seen|set|learned|available|included|in the model)\b|"
    r"^\s*(?:do|does|did|may|can)(?: not|n't) (?:vary|change|move|differ|shift|fluctuate)\b)"
)
# How a clause opens that holds fixed, in whatever words, the list that follows.
LEADS: Final = re.compile(
    r"^\W*(?!(?:start|begin|concern|regard|turn|mov)ing|in addition|with (?:regard|respect)|in "
    r"(?:contrast|turn|fact|particular)|for (?:example|instance))"
    r"(?:(?:but|and|yet|also|however|similarly|likewise|finally|furthermore|moreover),? )?"
    r"(?:(?P<clause>(?:(?:when|after|upon|by|once|while) )?(?!(?:be|dur|noth|someth|anyth)ing)"
    r"[a-z]+ing|(?:as|so) long as|provided|if|when|whenever|while|where|once|after)|"
    r"with|within|among|amongst|in|for|under|at|given|upon|by)\b[^<]*$"
)
LEAD_ENDS: Final = re.compile(r"[^<,;]{0,80},\s+")
BY: Final = rf"(?P<by>{LIST.pattern})"
PAIR: Final = r"(?P<a><\d+>) (?:and|from|with|to|or) (?P<b><\d+>)"
RELATION: Final = (
    r"(?:dependenc[ey]|dependency|correlation|association|relation(?:ship)?|link|connection)"
)
# Without one of these, none of the next is tried.
SCREENING: Final = re.compile(
    r"screen|separat|block|break|remov|expla|account|destroy|eliminat|\bcut|absorb|captur|"
    r"mak(?:e|ing)|"
    r"render|lea[vd]|shield|insulat|decoupl|broken"
)
# What is held fixed acts: all say that it makes the pair independent.
SCREENS: Final = tuple(
    re.compile(form)
    for form in (
        rf"{BY} (?:\w+ )?(?:screens? off|d-separates?|separates?) {PAIR}",
        rf"{BY} (?:\w+ )?screens? (?P<a><\d+>) off (?:from|against) (?P<b><\d+>)",
        rf"{BY} (?:\w+ )?(?:blocks?|breaks?|removes?|explains?(?: away)?|accounts? for|destroys?|"
        rf"eliminates?|cuts?|absorbs?|captures?)(?: (?:all|any|the|every|entire|whole|of))*"
        rf"(?: \w+)?? {RELATION}s? between {PAIR}",
        rf"(?P<a><\d+>) (?:is|are|gets?|becomes?) (?:\w+ )?(?:screened off|screened|shielded|"
        rf"separated|"
        rf"d-separated|insulated|cut off|decoupled|blocked(?: off)?) (?:from|"
        rf"against) (?P<b><\d+>) "
        rf"(?:by|via|through) {BY}",
        rf"{PAIR} (?:is|are|get|become) (?:\w+ )?(?:screened off|shielded|separated|d-separated|"
        rf"insulated|decoupled)(?: from (?:each other|one another))? by {BY}",
        rf"{BY} (?:makes?|renders?|leaves?) {PAIR} (?:\w+ )?(?:independent|unrelated|"
        rf"uncorrelated)",
        rf"{BY} (?:makes?|renders?) (?P<a><\d+>) (?:\w+ )?independent (?:of|from) (?P<b><\d+>)",
        rf"{RELATION} between {PAIR} (?:is|can be|gets) (?:\w+ )?(?:explained|accounted for|"
        rf"captured|absorbed|screened off|blocked|removed|broken)(?: away)? by {BY}",
    )
)
# "Observing <0> changes what we believe of <1>": nothing is held fixed.
OBSERVED: Final = re.compile(
    r"\b(?:observing|knowing|learning|seeing|measuring) (?P<a><\d+>) "
    r"(?=(?:does|did|do|will|would|can|changes|alters|shifts|updates|affects|helps|tells|says|"
    r"gives|provides|informs)\b)"
)
# "If we know <0>, then knowing <1> does not help": only the first is held fixed.
THEN_OBSERVED: Final = re.compile(r",? then " + OBSERVED.pattern)
# "<0> is not associated with <1> and <2> is not associated with <3>": what is said anew
NEXT_PREDICATE: Final = re.compile(
    r",?\s*\band (?=<\d+> (?:is|was|does|did|has|shows|correlates|depends|varies|moves|goes) )"
)
# "<0> and <1> are independent given each of these:" says nothing without what stands below it.
GIVEN_EACH: Final = re.compile(
    r"^(?P<pair>.*\S) (?:given|(?:conditional(?:ly)?|conditioned|conditioning) (?:up)?on|"
    r"controlling for|adjusting for|holding) (?:each|any|either|every one|all) (?:one )?of "
    r"(?:the following|these)(?: sets?| variables)?:$"
)
HALF_A_PAIR: Final = re.compile(r"\b(?:between|both|of|among) <\d+>$")
# "<0> and <1>, <0> and <2>, and <1> and <3>": pairs, and no list of all
TWO: Final = re.compile(r"<(?P<a>\d+)> and <(?P<b>\d+)>")
PAIRED: Final = re.compile(r"<\d+> and <\d+>(?:,|;|,? and) (?:between )?<\d+> and <\d+>")
BETWEEN: Final = re.compile(r"\bbetween <")
EVERY_PAIR: Final = re.compile(
    r"\b(?:all|every|each|any)\b.*\b(?:pairs?|variables?|two|others?)\b|\beach other\b|"
    r"\bpairwise\b|\bno (?:two|pairs?)\b|\bmutually\b"
)
OUTRIGHT: Final = re.compile(
    r"^(?:(?:there (?:is|are) )?(?:all|every|each|any|no)(?: possible)? (?:pairs?|"
    r"two)(?: of (?:them|these|variables|"
    r"the variables)| of)?"
    r"|(?:they|the variables|the two|both)(?: are)? (?:all|both)) (?!.*\b(?:given|condition|"
    r"other|remaining|holding)\w*)"
    r"|^(?!.*\b(?:given|condition|remaining|hold|controll|adjust|fix|when|once|if)\w*)"
    r"(?:there are |there is )?(?:each|every|all|any|no|none|not one|they|these|everything|"
    r"the variables)\b.*\b(?:(?:every|each|all|any|the) (?:single |of the )?others?\b|"
    r"one another\b)"
    r"(?: \w+)?[.;]?$"
    r"|^there (?:is|are) .*\b(?:between|within|among|for|in) (?:every|all|each|any)(?: possible)? "
    r"(?:pairs?|two)\b(?!.*\b(?:given|condition|remaining|hold|controll|adjust|fix|when|once|if))"
    r"|^(?:all|they)(?: \w+)?(?: of (?:them|these|the \w+))?(?: are)? (?:all )?(?:mutually|"
    r"pairwise) "
    r"(?!.*\b(?:given|condition|remaining|hold|controll|adjust|fix|when|once|if)\w*)"
)
# Names ahead of it, and no word for an exception: what they are there for cannot be told.
ALL_PAIRS: Final = re.compile(
    r"<[^<]*,\s[^<]*\b(?:all|every|each|any) (?:possible )?(?:pairs?|two variables)\b|"
    r"\b(?:pairs?|two variables)(?: of variables)?(?:,| but| save) <"
)
# What comes behind a sentence about all pairs, and takes nothing of it back.
ASIDE: Final = re.compile(
    r",? and (?=(?:stays?|remains?|there|no|none|nothing|conditioning|this|it|they)\b)|"
    r", (?=(?:whatever|even|also|no matter|regardless|"
    r"which|so|with no|but)\b)"
)
# What it says holds for the pairs of which nothing else is said.
OTHER_PAIRS: Final = re.compile(
    r"\b(?:(?:all|every|each|any)(?: of)?(?: the)? (?:other|remaining) (?:pairs?|combinations?|"
    r"two\b)|(?:all|any)(?: the)? others (?=are|were|do)|the (?:rest|remaining pairs|other pairs) "
    r"(?=are|is|were|do))(?!.*\b(?:given|condition|hold|fix|controll|adjust))"
)
EXCEPT: Final = re.compile(
    r"\b(?:except(?:ing)?|apart from|aside from|but for|other than|save for|excluding|barring|"
    r"with (?:the|one|two) (?:\w+ )?exceptions?|besides(?= <)|(?:^|, )bar(?= <)|leaving (?:out|"
    r"aside))\b"
)
CLAUSE: Final = re.compile(
    r"(?!^while\b)\s*(?:;|,?\s*(?:and )?(?:as|so) (?:is|are|do|does|did)\b(?=[^<]*<\d+> and <\d+>)|"
    r",?\s*\b(?:but|while|whereas|yet|although|though)\b(?! also\b)|\band(?= between\b))"
    r"\s*(?=.*<\d+>)"
)
