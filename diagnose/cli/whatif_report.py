"""What would follow, as a page of text."""

from pydantic import TypeAdapter

from diagnose.cli.terminal import console, fill, table, write_json
from diagnose.schema import Counterfactual, Effect, Plan, Refutation, Setting, Way, WhatIf
from diagnose.wording import counted, percent, printable, quantity

LONGEST = 2000  # characters of a sentence


def show_what_if(answer: WhatIf, output: str) -> None:
    """Write ``answer`` to stdout.

    Args:
        answer: What to tell.
        output: "json" for programs, "table" for people.
    """
    if output == "json":
        write_json(TypeAdapter(WhatIf).dump_json(answer, indent=2, ensure_ascii=True))
        return
    screen = console()
    held = _setting(answer.setting)
    if answer.refused:
        _say(f"What follows if {held} cannot be told: {answer.refused}.")
        if answer.nearest is not None:
            near = quantity(answer.nearest, answer.setting.unit)
            exact = (
                f"{answer.setting.node.entity}/{answer.setting.node.signal}={answer.nearest:.6g}"
            )
            _say(f"It can be told at {near}: --set '{exact}'.")
    else:
        last = answer.effects[-1]
        _say(
            f"If {held}, {last.node} would be {_expected(last)} on average over the time of the "
            f"incident. It was {quantity(last.observed, last.unit)}, and normal is "
            f"{quantity(last.normal, last.unit)}."
        )
        screen.print(_effects(answer))
    if answer.counterfactual:
        _say(_imagined(answer.counterfactual, answer, held))
    if answer.refutations:
        screen.print(_refutations(answer))


def show_plan(plan: Plan, output: str) -> None:
    """Write ``plan`` to stdout.

    Args:
        plan: What to tell.
        output: "json" for programs, "table" for people.
    """
    if output == "json":
        write_json(TypeAdapter(Plan).dump_json(plan, indent=2, ensure_ascii=True))
        return
    goal = plan.goal
    sign = "at most" if goal.at_most else "at least"
    wanted = f"{goal.node} {sign} {quantity(goal.bound, goal.unit)}"
    if plan.refused:
        _say(f"No way to {wanted} is known: {plan.refused}.")
        if plan.closest:
            first = plan.closest
            _say(f"Closest comes {_way(first)}: {_expected(first.effect)}.")
    else:
        _say(f"The smallest change for {wanted}: {_way(plan.ways[0])}.")
        rows = [
            (_way(way), f"{way.size:.2g}", _expected(way.effect), percent(way.chance))
            for way in plan.ways
        ]
        columns = ("hold", ">normal ranges moved", f"then {goal.node}", ">reaches it")
        console().print(fill(table("Ways", *columns), rows))
    if plan.not_told:
        _say(f"Nothing could be told of {counted(len(plan.not_told), 'signal')}:")
        for sentence in plan.not_told:
            _say(f"  {sentence}")


def _say(sentence: str) -> None:
    console().print(
        printable(sentence, LONGEST) if sentence[:1] != " " else sentence, soft_wrap=True
    )


def _setting(setting: Setting) -> str:
    return f"{setting.node} were held at {quantity(setting.value, setting.unit)}"


def _way(way: Way) -> str:
    return " and ".join(
        f"{setting.node} at {quantity(setting.value, setting.unit)}" for setting in way.settings
    )


def _expected(effect: Effect) -> str:
    low, high = quantity(effect.low, effect.unit), quantity(effect.high, effect.unit)
    return f"{quantity(effect.expected, effect.unit)} (90 % interval {low} to {high})"


def _effects(answer: WhatIf) -> object:
    rows = [
        (
            str(effect.node),
            quantity(effect.normal, effect.unit),
            quantity(effect.observed, effect.unit),
            quantity(effect.expected, effect.unit),
            f"{quantity(effect.low, effect.unit)} to {quantity(effect.high, effect.unit)}",
        )
        for effect in answer.effects
    ]
    columns = ("signal", ">normal", ">was", ">would be", ">90 % interval")
    return fill(table("What follows", *columns), rows)


def _imagined(answer: Counterfactual, asked: WhatIf, held: str) -> str:
    """Return rung three in words."""
    if answer.occurred is None:
        return f"Whether the symptom would have occurred cannot be told: {answer.refused}."
    had = held.replace(" were held at ", " stayed at ")
    verb = "would still have occurred" if answer.occurred else "would not have occurred"
    unit = asked.effects[-1].unit if asked.effects else ""
    values = ""
    if answer.expected is not None and answer.observed is not None:
        values = f", at {quantity(answer.expected, unit)} and not {quantity(answer.observed, unit)}"
    return f"Had {had}, the symptom {verb}{values}."


def _refutations(answer: WhatIf) -> object:
    unit = answer.effects[-1].unit if answer.effects else ""
    rows = [_refutation(one, unit) for one in answer.refutations]
    columns = ("attack", ">effect", ">under attack", ">p", "outcome")
    title = "Attempts to refute the effect over the signal's normal range, by regression"
    return fill(table(title, *columns), rows)


def _refutation(one: Refutation, unit: str) -> tuple[str, ...]:
    return (
        one.name,
        quantity(one.effect, unit),
        quantity(one.under_attack, unit),
        "-" if one.p_value is None else f"{one.p_value:.2g}",
        "upheld" if one.upheld else "REFUTED",
    )
