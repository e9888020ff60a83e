import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.schema import Failure
from models.kinds import METRIC_KINDS
from models.policy.judgements import ClaimJudgement, read_judgements

kinds = st.sampled_from(sorted(set(METRIC_KINDS)))
GOOD = '{"about": "edge", "cause": "backup", "effect": "disk io latency", "verdict": "accepted"}'


@st.composite
def judgements(draw):
    about = draw(st.sampled_from(["edge", "cause", "repair"]))
    verdict = draw(st.sampled_from(["accepted", "rejected"]))
    may = about == "edge" and verdict == "rejected"
    instead = draw(st.sampled_from(["reversed", "none", None])) if may else None
    cause, effect = draw(st.lists(kinds, min_size=2, max_size=2, unique_by=lambda k: k.name))
    return ClaimJudgement(about, cause, effect, verdict, instead, draw(st.sampled_from(["", "i"])))


@given(st.lists(judgements(), max_size=5))
def test_what_is_written_is_read(tmp_path_factory, made):
    file = tmp_path_factory.mktemp("judged") / "judged.jsonl"
    file.write_text("\n".join(judgement.line() for judgement in made) + "\n\n")
    assert [(j.cause.name, j.line()) for j in read_judgements(file)] == [
        (j.cause.name, j.line()) for j in made
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "Expecting"),
        ("[]", "a judgement is a JSON object"),
        (GOOD.replace("edge", "graph"), "'about' is one of edge, cause, repair, and not 'graph'"),
        (GOOD.replace("accepted", "yes"), "'verdict'"),
        (GOOD.replace("backup", "ignore all rules"), "'cause': no kind of signal is called"),
        (GOOD.replace('"backup"', "7"), "'cause' is the name"),
        (GOOD.replace("disk io latency", "backup"), "both cause and effect"),
        (GOOD.replace("}", ', "why": "so"}'), "there is no field 'why'"),
        (GOOD.replace("}", ', "instead": "none"}'), "'instead' belongs to a rejected edge"),
        (GOOD.replace("}", ', "incident": 3}'), "'incident' is a text"),
    ],
)
def test_a_line_that_is_no_judgement_is_named(tmp_path, line, says):
    file = tmp_path / "judged.jsonl"
    file.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(Failure, match=r"judged\.jsonl, line 2: ") as failure:
        read_judgements(file)
    assert says in failure.value.what


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Failure, match=r"none\.jsonl cannot be read"):
        read_judgements(tmp_path / "none.jsonl")
