"""Two servers on one database: a session of one is one of the other, failed sign-ins are counted together."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from proofwatch.store import django as store
from proofwatch.store.models import Person
from proofwatch.web.models import Counted
from proofwatch.web.problems import AWAY
from proofwatch.web.settings import secret_keys
from proofwatch.web.sign_in import account_of
from tests.store.test_connection_loss import doors, end_connections
from tests.web.site import PASSWORD, Site


class Browser:
    """Cookies, and no more."""

    def __init__(self) -> None:
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def get(self, url: str) -> tuple[int, str]:
        return self._open(urllib.request.Request(url))

    def post(self, url: str, **form: str) -> tuple[int, str]:
        _, page = self.get(url)
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert found, page[:500]
        body = urllib.parse.urlencode({**form, "csrfmiddlewaretoken": found[1]}).encode()
        return self._open(urllib.request.Request(url, data=body))

    def _open(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def servers(site: Site, database_url: str) -> Iterator[tuple[str, str]]:
    """Two processes with one home and one database; `lea` signs in with a password."""
    user = account_of(Person.objects.get(pk="lea"))
    user.set_password(PASSWORD)
    user.save()
    home = site.app.settings.home
    env = {**os.environ, "PROOFWATCH_HOME": str(home), "DATABASE_URL": database_url}
    command = [sys.executable, "-m", "proofwatch.cli", "serve", "--port", "0", "--no-worker", "--json"]
    started = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    try:
        urls = []
        for process in started:
            assert process.stdout is not None
            lines = ""
            while True:
                line = process.stdout.readline()
                assert line, "the server ended"
                lines += line
                try:
                    urls.append(json.loads(lines)["url"])
                    break
                except ValueError:
                    continue
        yield urls[0], urls[1]
    finally:
        for process in started:
            process.terminate()
            process.wait(30)


postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@postgresql
def test_two_servers_are_one_site_and_survive_the_loss_of_their_connections(
    servers: tuple[str, str], postgres_server: str
) -> None:
    one, two = servers
    guesser, lea = Browser(), Browser()
    # A form of one server is taken by the other, and its session is known there.
    _, page = lea.get(f"{one}/account/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    form = {"login": "lea", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    body = urllib.parse.urlencode(form).encode()
    assert lea._open(urllib.request.Request(f"{two}/account/login/", data=body))[0] == 200
    assert "Sign in" not in lea.get(f"{one}/findings")[1]
    # Five wrong passwords lock the name, wherever they were tried.
    for number in range(5):
        where = servers[number % 2]
        guesser.post(f"{where}/account/login/", login="lea", password=f"wrong-{number}")
    for where in servers:
        told = guesser.post(f"{where}/account/login/", login="lea", password=PASSWORD)[1]
        assert "Too many failed login attempts" in told
    # The database ends every connection: the pages go on over new ones.
    end_connections(postgres_server)
    assert [lea.get(f"{url}/findings")[0] for url in servers] == [200, 200]
    # It is away: that is said. It is back: so are the pages, without anybody's help.
    doors(postgres_server, open_=False)
    try:
        for url in servers:
            probe = Browser()
            assert [probe.get(f"{url}/{name}")[0] for name in ("healthz", "readyz")] == [200, 503]
            assert lea.get(f"{url}/findings") == (503, f"{AWAY}\n")
            assert probe.get(f"{url}/hooks/x")[0] == 503
    finally:
        doors(postgres_server, open_=True)
    assert [lea.get(f"{url}/findings")[0] for url in servers] == [200, 200]
    assert [lea.get(f"{url}/readyz")[0] for url in servers] == [200, 200]


def test_neither_another_host_nor_another_name_gives_more_attempts(site: Site) -> None:
    user = account_of(Person.objects.get(pk="lea"))
    user.set_password(PASSWORD)
    user.save()

    def sign_in(host: str, name: str, password: str) -> str:
        form = {"login": name, "password": password}
        answer = Client(headers={"host": host}).post("/account/login/", form)
        return str(answer.content.decode())

    ways = [("localhost:1", "lea"), ("localhost:2", "LEA"), ("127.0.0.1", "lea@example.com")]
    for number in range(5):
        assert "Too many" not in sign_in(*ways[number % 3], "wrong")
    for host, name in ways:
        assert "Too many failed login attempts" in sign_in(host, name, PASSWORD)


def test_of_all_who_add_a_count_at_once_one_adds_it(site: Site) -> None:
    def add(number: int) -> bool:
        try:
            return bool(cache.add("code", number, 30))
        finally:
            store.disconnect()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(add, range(16))) == [False] * 15 + [True]


def test_counts_end_and_are_forgotten(site: Site) -> None:
    cache.set("a", [1.5, 2.5], 60)
    cache.set("gone", 1, -1)
    assert (cache.get("a"), cache.get("gone"), cache.get("none", 7)) == ([1.5, 2.5], None, 7)
    assert cache.add("gone", 2, 60) and not cache.add("gone", 3, 60)
    assert cache.touch("a", -1) and cache.get("a") is None and not cache.touch("a", 60)
    cache.set("b", True, None)
    assert cache.get("b") is True and cache.delete("b") and not cache.delete("b")
    assert set(Counted.objects.values_list("value", flat=True)) == {2}
    cache.clear()
    assert not Counted.objects.exists()


def test_servers_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    ready = threading.Barrier(8)

    def read(number: int) -> Any:
        ready.wait()
        return secret_keys(tmp_path / "secret")

    for _ in range(20):
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(read, range(8)))
        assert len({tuple(keys) for keys in found}) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["secret"]
        assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
        (tmp_path / "secret").unlink()
