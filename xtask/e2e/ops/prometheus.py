"""What Prometheus reads: rules, its own settings, and the metrics of running servers, by promtool and by prometheus_client."""

import http.client
import subprocess

from prometheus_client.parser import text_string_to_metric_families

from report import check
from stack import REPOSITORY

FOLDER = REPOSITORY / "deploy/prometheus"


def promtool(*arguments, text=None):
    tried = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True)
    assert tried.returncode == 0, tried.stdout + tried.stderr


def files():
    check("promtool accepts the rules", lambda: promtool("check", "rules", FOLDER / "alerts.yml"))
    # Without the files that it names, which the deployment mounts.
    check(
        "promtool accepts the settings of Prometheus",
        lambda: promtool("check", "config", "--syntax-only", FOLDER / "prometheus.yml"),
    )


def metrics(server):
    """What a server answers to a scrape."""
    asked = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        asked.request("GET", "/metrics")
        answer = asked.getresponse()
        assert answer.status == 200, answer.status
        return answer.read().decode()
    finally:
        asked.close()


def is_read(text):
    """prometheus_client reads it; each metric is described, and each series is there once."""
    series = set()
    for family in text_string_to_metric_families(text):
        assert family.documentation and family.type != "unknown", f"{family.name} is not described"
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in series, f"twice: {key}"
            series.add(key)
    assert len(series) > 100, f"{len(series)} series"
    return len(series)


def servers(those):
    for server in those:
        text = metrics(server)
        check(f"promtool accepts the metrics of {server.name}", lambda text=text: promtool("check", "metrics", text=text))
        count = check(f"prometheus_client reads the metrics of {server.name}", lambda text=text: is_read(text))
        print(f"        {count} series")
