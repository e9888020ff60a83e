"""A scan's report -> people: what is expected to fail, and why what is in trouble is."""

from diagnose.notify.notifier import Notifier
from diagnose.scan.flow import Report
from diagnose.store import Store


def announce(report: Report, notifier: Notifier, store: Store, addressee: str = "") -> None:
    """Tell people what a scan found, within the noise budget of its group.

    A scan that failed has no report, and so ends nothing that people were told.

    Args:
        report: Of a scan that went through.
        notifier: Who tells them.
        store: Where the scan's diagnoses are.
        addressee: Who is told, as the fleet file names it for the group.

    Raises:
        Failure: the state database refuses.
    """
    expected = [
        (one.prediction, one.guidance) for finding in report.findings for one in finding.expected
    ]
    notifier.scanned(report.group, expected, report.read, addressee)
    for finding in report.findings:
        diagnosis = store.diagnosis(finding.incident) if finding.incident else None
        if diagnosis:
            notifier.diagnosed(diagnosis, report.group, alerted=False, addressee=addressee)
