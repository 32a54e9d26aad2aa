"""The people list: a file whose every fault is named, and a SCIM service that is read to its end."""

import os
import time

import pytest

from proofwatch.connectors.base import ConnectorError, ReadStats, Unread
from proofwatch.connectors.people import PeopleConnector
from proofwatch.demo import systems
from proofwatch.demo.fakes.base import Fake, Said
from proofwatch.demo.staff import LEAVER, STAFF

HEAD = "email,name,ended_on,logins"


@pytest.fixture
def written(tmp_path):
    """Write a people list and return its connector."""

    def write(text, **more):
        path = tmp_path / "people.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return PeopleConnector(PeopleConnector.parse_settings({"file": str(path), **more}))

    return write


def rows(connector):
    (shard,) = connector.shards(connector.scope(), ["people_person"])
    return list(connector.read(shard, "people_person", ReadStats()))


def test_the_people_of_a_file_are_read(tmp_path):
    path = systems.write_people(tmp_path / "people.csv")
    connector = PeopleConnector(PeopleConnector.parse_settings({"file": str(path)}))
    found = {row["resource"]: row for row in rows(connector)}
    assert len(found) == len(STAFF) and found[LEAVER.email]["ended_on"].isoformat().startswith("2026-08-31")
    assert found[STAFF[0].email]["is_active"] is True and found[LEAVER.email]["is_active"] is None
    assert found[STAFF[0].email]["ended_on"] is None and found[STAFF[0].email]["manager"] == ""
    assert connector.identity().details == {"people": str(len(STAFF))}
    assert connector.prove_read_only().read_only is True
    assert connector.permissions(["people_person"])[0].allowed is True


def test_semicolons_a_byte_order_mark_and_capitals_are_understood(written):
    (row,) = rows(written("\ufeffEmail;Name;Logins\nAda@Acme.example;Ada;github:ada aws:ada\n"))
    assert (row["email"], row["name"], row["logins"]) == (
        "ada@acme.example",
        "Ada",
        ["github:ada", "aws:ada"],
    )
    assert row["manager"] is None, "a list without that column says nothing of managers"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "people.csv:1: email: there is no such column"),
        ("e-mail,name\na@b.example,A\n", "there is no such column ('e-mail' is near)"),
        (f"{HEAD}\n", "names nobody"),
        (f"{HEAD}\nada,A,,\n", "people.csv:2: email: 'ada' is no address"),
        (f"{HEAD}\na@b.example,A,soon,\n", "people.csv:2: ended_on: 'soon' is no day"),
        (
            f"{HEAD}\na@b.example,A,,\nA@b.example,A,,\n",
            "people.csv:3: email: a@b.example stands in it twice",
        ),
        (f"{HEAD}\na@b.example,A\n", "people.csv:2: it has more or fewer fields"),
        (f"{HEAD}\na@b.example,A,,,x\n", "people.csv:2: it has more or fewer fields"),
        ("email,ended\na@b.example,\n", "people.csv:1: ended: no such column; did you mean ended_on?"),
        (f'{HEAD}\na@b.example,"A,,\n', "people.csv:"),
        (b"email\n\xff@b.example\n", "is not UTF-8"),
    ],
)
def test_one_fault_and_nothing_of_the_list_is_believed(written, text, words):
    connector = written(text)
    with pytest.raises(Unread) as caught:
        rows(connector)
    assert words in caught.value.problem
    with pytest.raises(ConnectorError):
        connector.identity()
    assert connector.permissions(["people_person"])[0].allowed is False


def test_an_old_file_is_not_believed(written, tmp_path):
    connector = written(f"{HEAD}\na@b.example,A,,\n", max_age_hours=2)
    old = time.time() - 3 * 3600
    os.utime(tmp_path / "people.csv", (old, old))
    with pytest.raises(Unread, match=r"written 3 hours ago, more than the 2 that are allowed"):
        rows(connector)


def test_a_file_that_is_not_there_is_named(tmp_path):
    connector = PeopleConnector(PeopleConnector.parse_settings({"file": str(tmp_path / "none.csv")}))
    with pytest.raises(Unread, match=r"none\.csv: No such file"):
        rows(connector)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "give file, or scim_url with scim_token"),
        ({"file": "people.csv"}, "file needs an absolute path"),
        ({"scim_url": "https://hr.example/scim/v2"}, "scim_url needs scim_token"),
        ({"file": "/p.csv", "scim_url": "https://hr.example/scim"}, "give file, or scim_url"),
        ({"scim_url": "http://hr.example", "scim_token": "env:T"}, "not encrypted"),
    ],
)
def test_settings_are_refused_in_words(given, words):
    with pytest.raises(ConnectorError, match=words):
        PeopleConnector.parse_settings(given)


@pytest.fixture
def scim(monkeypatch):
    monkeypatch.setenv("SCIM_TOKEN", "worthless")
    people = [
        {
            "id": str(number), "userName": person.login, "active": person.ended is None,
            "name": {"givenName": person.given, "familyName": person.family},
            "emails": [{"value": person.email, "primary": True}], "title": person.title,
        }
        for number, person in enumerate(STAFF)
    ]  # fmt: skip

    def users(asked):
        begin = int(asked.query.get("startIndex", "1"))
        page = people[begin - 1 : begin + 2]
        body = {"totalResults": len(people), "startIndex": begin, "itemsPerPage": 3, "Resources": page}
        return Said(body, 200, {"Content-Type": "application/scim+json"})

    with Fake() as fake:
        fake.route("GET /scim/v2/Users", users)
        fake.people = people
        yield fake


def connected(fake):
    given = {"scim_url": f"{fake.url}/scim/v2", "scim_token": "env:SCIM_TOKEN"}
    return PeopleConnector(PeopleConnector.parse_settings(given))


def test_the_people_of_a_scim_service_are_read_to_the_last(scim):
    found = {row["resource"]: row for row in rows(connected(scim))}
    assert len(found) == len(STAFF) and found[LEAVER.email]["is_active"] is False
    assert found[STAFF[1].email]["name"] == STAFF[1].name and found[STAFF[1].email]["logins"] == [
        STAFF[1].login
    ]
    assert len([asked for asked in scim.asked if asked.path.endswith("/Users")]) == 3
    assert connected(scim).prove_read_only().read_only is None


def test_a_service_that_sends_fewer_than_it_says_is_unread(scim):
    scim.broken["/scim/v2/Users"] = Said({"totalResults": 9, "Resources": []})
    with pytest.raises(Unread, match="has 9 people and sent 0"):
        rows(connected(scim))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"Resources": []}, "does not say how many people"),
        ([], "does not say how many people"),
        ({"totalResults": 0, "Resources": []}, "names nobody"),
    ],
)
def test_a_service_that_names_nobody_is_not_believed(scim, body, words):
    scim.broken["/scim/v2/Users"] = Said(body)
    with pytest.raises(Unread, match=words):
        rows(connected(scim))


def test_a_service_that_refuses_is_said_in_its_words(scim):
    scim.broken["/scim/v2/Users"] = Said({"detail": "token expired"}, 401)
    with pytest.raises(ConnectorError, match="does not accept the credential: token expired"):
        connected(scim).identity()
