from tests.diagnose.ingest.killing import kill_again_and_again


def test_kills_under_prometheus_and_rsyslog_lose_nothing_acknowledged(tmp_path):
    samples, lines = kill_again_and_again(tmp_path, rounds=5)
    assert samples > 500
    assert lines > 500
