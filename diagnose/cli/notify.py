"""``aitia notify``: whether people can be reached, and what they are told at present."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import Config, Output, extra, settings
from diagnose.cli.terminal import console, fill, table, write_json
from diagnose.failure import Failure

if TYPE_CHECKING:
    from diagnose.notify.outbox import Delivery, Told

app = typer.Typer(help="Reach people, and see what they are told.", no_args_is_help=True)


@app.command("test")
def reach(output: Output = "table", config: Config = None) -> None:
    """Send a test message by every channel, and say what came back; PagerDuty's ends at once."""
    section = settings(config).notify
    with extra():
        from diagnose.notify.channels import channels
        from diagnose.notify.trial import tried

    found = channels(section)
    if not found:
        raise Failure("the settings name no channel", "set notify.alertmanagers or another one")
    rows = []
    for channel in found:
        outcome = tried(channel)
        rows.append((channel.name, outcome.answer == "sent", outcome.reason))
    if output == "json":
        names = ("channel", "reached", "answer")
        told = [dict(zip(names, row, strict=True)) for row in rows]
        write_json(json.dumps(told, indent=2).encode())
    else:
        shown = [(name, "yes" if reached else "NO", reason) for name, reached, reason in rows]
        console().print(fill(table("", "channel", "reached", "what came back"), shown))
    if not all(reached for _, reached, _ in rows):
        raise typer.Exit(1)


@app.command()
def pending(
    limit: Annotated[int, typer.Option(min=1, help="Rows of each table to show.")] = 50,
    output: Output = "table",
    config: Config = None,
) -> None:
    """Show what people are told or would be, and what could not be sent."""
    chosen = settings(config)
    with extra():
        from diagnose.notify.notifier import Notifier

    notifier = Notifier.of(chosen)
    standing, unsent = notifier.ledger.standing()[:limit], notifier.outbox.unsent(limit)
    pages = notifier.ledger.pages()
    notifier.stop()
    if output == "json":
        told = {
            "standing": [_told(one) for one in standing],
            "unsent": [_unsent(one) for one in unsent],
            "pages_last_7_days": pages,
        }
        write_json(json.dumps(told, indent=2).encode())
        return
    screen = console()
    rows = [
        (one.route, one.notice.summary, one.notice.group, f"{one.expected_loss:.3g}", _at(one))
        for one in standing
    ]
    columns = ("route", "what", "group", ">expected loss", "since (UTC)")
    screen.print(fill(table("Told", *columns), rows) if rows else "nobody is told of anything")
    late = [
        (one.channel, one.event, one.status, str(one.attempts), one.told.notice.summary, one.error)
        for one in unsent
    ]
    if late:
        titles = ("channel", "event", "status", ">attempts", "what", "why")
        screen.print(fill(table("Not sent", *titles), late))
    for group, number in pages.items():
        budget = chosen.notify.group_pages_per_week.get(group, chosen.notify.pages_per_week)
        screen.print(f"pages in the last 7 days, group {group or 'of all'}: {number} of {budget}")


def _at(told: "Told") -> str:
    return f"{told.opened_at:%Y-%m-%d %H:%M:%S}"


def _told(told: "Told") -> dict[str, object]:
    from diagnose.notify.notice import annotations, labels

    return {
        "route": told.route,
        "expected_loss": told.expected_loss,
        "opened_at": told.opened_at.isoformat(),
        "labels": dict(labels(told.notice, told.route)),
        "annotations": dict(annotations(told.notice)),
    }


def _unsent(delivery: "Delivery") -> dict[str, object]:
    return {
        "channel": delivery.channel,
        "event": delivery.event,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "error": delivery.error,
        "key": delivery.told.notice.key,
        "summary": delivery.told.notice.summary,
    }
