"""Scans of the fleet and who is told of them, for as long as the daemon runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from diagnose.config import Settings
from diagnose.daemon.meters import Meters
from diagnose.daemon.scans import Scans, command_line
from diagnose.daemon.schedule import Timetable, read_plan
from diagnose.notify.notifier import Notifier
from diagnose.scan.announce import announce
from diagnose.scan.flow import Report
from diagnose.store import opened


@contextmanager
def watching(settings: Settings, config: Path | None, meters: Meters) -> Iterator[Scans | None]:
    """Scan the fleet that the settings name, and tell people, as long as the block runs.

    Args:
        settings: Of this site.
        config: The file that they come from.
        meters: Counts scans and messages.

    Raises:
        Failure: the fleet file, what it asks for or the state database cannot be used.
    """
    if settings.daemon.fleet is None:
        yield None
        return
    fleet = read_plan(settings.daemon.fleet, settings.sources)
    timetable = Timetable(fleet.groups, settings.daemon.dir / "scans.json")
    routes = {group.name: group.route or "" for group in fleet.groups}
    notifier = Notifier.of(settings, meters.registry)

    def told(report: Report) -> None:
        with opened(settings.store) as store:
            announce(report, notifier, store, routes.get(report.group, ""))

    command = partial(command_line, settings.daemon.fleet, config, settings.model.proposer)
    scans = Scans(timetable, command, told, meters)
    notifier.start()
    scans.start()
    try:
        yield scans
    finally:
        scans.stop()
        notifier.stop()
