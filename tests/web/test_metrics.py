"""`/metrics`: what is measured, by Prometheus' own reader, and who is told."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from proofwatch.runtime import jobs
from proofwatch.store.django import disconnect
from proofwatch.store.models import Connection, Delivery, DeliveryAttempt, Keeper, KeptCheckpoint
from proofwatch.store.services import connections, sweeps
from proofwatch.web import measured, metrics
from proofwatch.web.server import application
from tests.store.samples import begun, connection

TOKEN = "a-token-of-the-measurements"


def read(site: Any, **more: Any) -> dict[str, Any]:
    """Return name → labels → value, as this machine is told."""
    answer = site.nobody.get("/metrics", headers={"host": "localhost"}, **more)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = {}
    for family in families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def delivery(name: str, state: str, now: datetime) -> Delivery:
    return Delivery.objects.create(
        key=name, channel="team", thread="t", happened=name, state=state, message={}, receipt={},
        created_at=now, due_at=now - timedelta(seconds=90),
    )  # fmt: skip


def test_the_age_of_data_counts_from_the_last_complete_reading(site):
    made, never = connection("prod"), connection("new")
    Connection.objects.filter(pk=made.pk).update(last_complete_at=site.now - timedelta(hours=2))
    connections.remove(never, actor="olga", now=site.now, reason="gone")
    connection("fresh")
    told = read(site)
    ages = told["proofwatch_data_age_seconds"]
    assert ages[("prod", "aws")] == pytest.approx(7200, abs=60)
    assert ages[("fresh", "aws")] == float("inf"), "never read is older than any limit"
    assert set(ages) == {("prod", "aws"), ("fresh", "aws")}, "a removed connection has no data to grow old"
    assert told["proofwatch_sweep_interval_seconds"][("prod",)] == 900
    assert told["proofwatch_connections"] == {("connected",): 2}


def test_sweeps_are_counted_by_how_they_ended_and_last_as_long_as_they_lasted(site):
    owner = connection()
    sweep = begun(owner)
    told = read(site)
    assert told["proofwatch_sweeps_in_progress"] == {(): 1}
    sweeps.fail(sweep, error="no", now=sweep.started_at + timedelta(seconds=42), actor="system")
    told = read(site)
    assert told["proofwatch_sweeps_in_progress"] == {(): 0}
    assert told["proofwatch_sweeps_total"] == {("prod", "failed"): 1}
    assert told["proofwatch_sweep_last_duration_seconds"] == {("prod",): 42}


def test_jobs_that_wait_are_those_that_are_due(site):
    jobs.enqueue("sweep", "a", site.now - timedelta(seconds=300))
    jobs.enqueue("sweep", "b", site.now - timedelta(seconds=10))
    jobs.enqueue("sweep", "later", site.now + timedelta(hours=1))
    told = read(site)
    assert told["proofwatch_jobs_waiting"] == {("sweep",): 2}
    assert told["proofwatch_job_wait_seconds"][("sweep",)] == pytest.approx(300, abs=60)
    jobs.finish(jobs.claim("w", site.now), site.now)
    told = read(site)
    assert told["proofwatch_jobs_waiting"] == {("sweep",): 1}
    assert told["proofwatch_jobs_done_total"] == {("sweep",): 1}


def test_deliveries_are_counted_by_outcome_and_attempts_are_timed(site):
    queued = delivery("a", "queued", site.now)
    delivery("b", "accepted", site.now)
    for number, seconds in enumerate((0.5, 1.5), 1):
        DeliveryAttempt.objects.create(
            delivery=queued, number=number, at=site.now, seconds=seconds, outcome="retry"
        )
    told = read(site)
    assert told["proofwatch_deliveries_total"] == {("team", "accepted"): 1}
    assert told["proofwatch_deliveries_waiting"] == {("team",): 1}
    assert told["proofwatch_delivery_wait_seconds"][()] == pytest.approx(90, abs=60)
    assert told["proofwatch_delivery_attempt_duration_seconds_sum"] == {("retry",): 2.0}
    assert told["proofwatch_delivery_attempt_duration_seconds_count"] == {("retry",): 2}


def test_what_is_not_signed_and_not_given_outside_shows(site):
    told = read(site)
    assert told["proofwatch_log_unsigned_entries"][()] == told["proofwatch_log_entries"][()] > 0
    assert told["proofwatch_checkpoint_age_seconds"] == {(): float("inf")}
    site.app.sign()
    for name in ("mail", "never"):
        Keeper.objects.create(
            name=name,
            kind="email",
            settings={},
            interval_minutes=60,
            next_due_at=site.now,
            by="o",
            at=site.now,
        )
    KeptCheckpoint.objects.create(
        keeper="mail", kind="email", size=1, root="", state="accepted", proof="",
        at=site.now - timedelta(hours=1),
    )  # fmt: skip
    told = read(site)
    assert told["proofwatch_log_unsigned_entries"] == {(): 0}
    assert told["proofwatch_checkpoint_age_seconds"][()] < 60
    outside = told["proofwatch_outside_checkpoint_age_seconds"]
    assert outside[("mail",)] == pytest.approx(3600, abs=60) and outside[("never",)] == float("inf")


def test_a_state_that_cannot_be_read_is_told_and_the_rest_is_still_there(site, monkeypatch):
    def away(now: datetime) -> Any:
        raise measured.StoreError("reading", "it is away")

    monkeypatch.setattr(measured, "_jobs", away)
    monkeypatch.setattr(measured, "disconnect", lambda: None)
    told = read(site)
    assert told["proofwatch_state_reachable"] == {(): 0}
    assert "proofwatch_data_age_seconds" not in told, "half of the state would look like the whole"
    assert told["proofwatch_home_free_bytes"][()] > 0 and "proofwatch_requests_total" in told


def test_every_name_follows_prometheus_conventions(site):
    connection()
    text = site.nobody.get("/metrics", headers={"host": "localhost"}).content.decode()
    names = re.findall(r"^# TYPE (\S+) (\S+)", text, re.MULTILINE)
    assert len(names) == len({name for name, _ in names}) > 25
    for name, kind in names:
        assert re.fullmatch(r"(proofwatch|process)_[a-z_]+", name), name
        assert (kind == "counter") == name.endswith("_total"), (name, kind)
        assert not re.search(r"_(ms|minutes|hours|milliseconds)\b", name)
    assert "hunter2" not in text and str(site.app.settings.home) not in text


@pytest.mark.parametrize(
    ("token", "said", "host", "remote", "status"),
    [
        ("", "", "localhost", "127.0.0.1", 200),
        ("", "", "[::1]", "::1", 200),
        ("", "", "127.0.0.1:8421", "127.0.0.1", 200),
        ("", "", "localhost", "192.0.2.7", 401),
        ("", "", "proofwatch.example.com", "127.0.0.1", 401),
        (TOKEN, "", "localhost", "127.0.0.1", 401),
        (TOKEN, "wrong", "localhost", "127.0.0.1", 401),
        (TOKEN, TOKEN, "localhost", "192.0.2.7", 200),
    ],
)
def test_who_is_told(site, settings_hosts, monkeypatch, token, said, host, remote, status):
    monkeypatch.setenv("PROOFWATCH_METRICS_TOKEN", token)
    headers = {"host": host, **({"authorization": f"Bearer {said}"} if said else {})}
    assert site.nobody.get("/metrics", headers=headers, REMOTE_ADDR=remote).status_code == status


def test_the_token_may_stand_in_a_file(site, monkeypatch, tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n", "utf-8")
    monkeypatch.setenv("PROOFWATCH_METRICS_TOKEN", f"file:{tmp_path}/token")
    assert site.nobody.get("/metrics", headers={"host": "localhost"}).status_code == 401
    told = site.nobody.get("/metrics", headers={"host": "localhost", "authorization": f"Bearer {TOKEN}"})
    assert told.status_code == 200
    (tmp_path / "token").unlink()
    refused = site.nobody.get("/metrics", headers={"host": "localhost", "authorization": "Bearer "})
    assert refused.status_code >= 400 and b"proofwatch_" not in refused.content


@pytest.fixture
def settings_hosts(settings_of_django: Any) -> None:
    settings_of_django.ALLOWED_HOSTS = [*settings_of_django.ALLOWED_HOSTS, "proofwatch.example.com"]


@pytest.fixture
def settings_of_django(monkeypatch: pytest.MonkeyPatch) -> Any:
    from django.conf import settings

    monkeypatch.setattr(settings, "ALLOWED_HOSTS", list(settings.ALLOWED_HOSTS))
    return settings


def ask(serve: Any, path: str, **more: str) -> int:
    """Ask the whole application, as the server does."""
    said: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "x", "SERVER_PORT": "80",
        "REMOTE_ADDR": "10.1.2.3", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", **more,
    }  # fmt: skip
    answer = serve(environ, lambda status, headers: said.append(status))
    _ = b"".join(answer)
    disconnect()
    return int(said[0][:3])


def test_probes_may_ask_by_a_containers_address_and_measurements_only_with_a_token(site, monkeypatch):
    serve = application(site.app, threads=7)
    by_address = {"HTTP_HOST": "10.1.2.3:8421"}
    assert ask(serve, "/healthz", **by_address) == ask(serve, "/readyz", **by_address) == 200
    assert ask(serve, "/account/login/", **by_address) == 400
    assert ask(serve, "/metrics", REMOTE_ADDR="127.0.0.1", **by_address) == 400
    monkeypatch.setenv("PROOFWATCH_METRICS_TOKEN", TOKEN)
    assert ask(serve, "/metrics", **by_address) == 401
    assert ask(serve, "/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}", **by_address) == 200
    application(site.app)  # as what takes pictures does beside the server
    assert metrics.THREADS._value.get() == 7


def test_web_hooks_are_measured_without_their_names(site):
    serve = application(site.app)
    status = str(ask(serve, "/hooks/a-secret-name"))
    before = metrics.REQUESTS.labels("GET", "hooks", status)._value.get()
    ask(serve, "/hooks/another-secret-name")
    told = read(site)["proofwatch_requests_total"]
    assert told[("GET", "hooks", status)] == before + 1 > 1
    assert not [labels for labels in told if "secret" in "".join(labels)]
