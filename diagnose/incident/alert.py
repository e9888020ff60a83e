"""A live alert -> what is to be explained: since when, of whom, and which expression shows it."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, urlsplit

from collectors.alertmanager import Alertmanager, Fired, Silence, fingerprint
from collectors.prometheus import Prometheus, Rule
from diagnose.failure import Failure

NAME: Final = "alertname"
RUNBOOK: Final = "runbook_url"
LISTED: Final = 10  # alerts that are named where the one that was asked for does not fire

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires, or is about to.

    Attributes:
        name: Its rule's name.
        labels: All of its labels.
        fingerprint: By which Alertmanager knows it.
        since: Since when its expression holds: the onset, as far as the alert tells it.
        expression: PromQL that raised it; None where nobody says.
        added: Labels that the rule adds, which no series has.
        note: What whoever asked must know, a sentence; "" for nothing.
        runbook: Address of the runbook that its rule names; "" for none.
        silenced: Who has silenced it and until when, a sentence; "" where nobody has.
    """

    name: str
    labels: Labels
    fingerprint: str
    since: datetime
    expression: str | None = None
    added: frozenset[str] = frozenset()
    note: str = ""
    runbook: str = ""
    silenced: str = ""

    def says(self, labels: Labels) -> bool:
        """Return whether a series with ``labels`` may be what the alert is about."""
        own = self.labels.keys() - self.added - {NAME}
        return all(labels[name] == self.labels[name] for name in own & labels.keys())


def find_alert(
    wanted: str, prometheus: Prometheus | None, alertmanager: Alertmanager | None
) -> Alert:
    """Return the alert of that name or fingerprint; of several of one name the oldest.

    Prometheus says since when an expression holds, Alertmanager only when the alert fired, which is
    later by the rule's ``for``.

    Args:
        wanted: Name of a rule, or an alert's fingerprint.
        prometheus: Who evaluates the rules.
        alertmanager: Who is told of the alerts.

    Raises:
        Failure: no such alert fires.
        OSError: a source cannot be asked.
        ValueError: a source's answer is none.
    """
    rules = prometheus.rules() if prometheus else ()
    alerts = [alert for rule in rules for alert in _raised(rule)]
    fired = alertmanager.alerts() if alertmanager else ()
    alerts = [*_known_to_alertmanager(alerts, fired, rules), *alerts]
    exact = [alert for alert in alerts if alert.fingerprint == wanted]
    found = exact or [alert for alert in alerts if alert.name == wanted]
    if not found:
        raise Failure(f"no alert {wanted} fires", _others(alerts))
    first = min(found, key=lambda alert: (alert.since, alert.fingerprint))
    silences = next((one.silenced_by for one in fired if one.fingerprint == first.fingerprint), ())
    if silences and alertmanager:
        first = replace(first, silenced=_silenced(silences, alertmanager.silences()))
    number = len({alert.fingerprint for alert in found})
    if exact or number == 1:
        return first
    note = f"{number} alerts {wanted} fire: the oldest, {first.fingerprint}, is explained."
    return replace(first, note=note)


def _silenced(silences: Collection[str], known: Iterable[Silence]) -> str:
    """Return who has silenced an alert and until when; of several silences the longest."""
    covering = [one for one in known if one.id in silences]
    if not covering:
        return "The alert is silenced."
    last = max(covering, key=lambda silence: silence.ends)
    who = last.author or "somebody unnamed"
    why = f": {last.comment}" if last.comment else ""
    return f"The alert is silenced by {who} until {last.ends:%Y-%m-%d %H:%M} UTC{why}."


def _raised(rule: Rule) -> Iterator[Alert]:
    """Yield the alerts of a rule."""
    for one in rule.alerts:
        yield Alert(
            rule.name,
            one.labels,
            fingerprint(one.labels),
            one.since,
            rule.expression,
            frozenset(rule.labels),
            runbook=one.annotations.get(RUNBOOK, ""),
        )


def _known_to_alertmanager(
    alerts: list[Alert], fired: Iterable[Fired], rules: tuple[Rule, ...]
) -> Iterator[Alert]:
    """Yield what fires in Alertmanager, which takes the place of the same alert in ``alerts``.

    Prometheus adds labels of its own on the way, hence the fingerprints differ.
    """
    for one in fired:
        same = next((a for a in alerts if a.labels.items() <= one.labels.items()), None)
        name = one.labels.get(NAME, "")
        if same:
            alerts.remove(same)
            added = same.added | (one.labels.keys() - same.labels.keys())
            yield replace(
                same,
                name=name,
                labels=one.labels,
                fingerprint=one.fingerprint,
                added=added,
                runbook=one.annotations.get(RUNBOOK, same.runbook),
            )
            continue
        rule = next((rule for rule in rules if rule.name == name), None)
        yield Alert(
            name,
            one.labels,
            one.fingerprint,
            one.fired - (rule.hold if rule else timedelta(0)),
            rule.expression if rule else _expression(one.generator),
            frozenset(rule.labels if rule else ()),
            runbook=one.annotations.get(RUNBOOK, ""),
        )


def _expression(generator: str) -> str | None:
    """Return the expression that the address of a rule's page carries; it is read, not asked."""
    try:
        return parse_qs(urlsplit(generator).query).get("g0.expr", [None])[0]
    except ValueError:
        return None


def _others(alerts: list[Alert]) -> str:
    """Return which alerts could be asked for."""
    names = sorted({alert.name for alert in alerts})
    if not names:
        return "no alert fires at all"
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"these do: {', '.join(names[:LISTED])}{more}"
