"""Whatever comes, `hear` answers or refuses: it never fails in any other way."""

import contextlib
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.hooks.aws_events import hints_of
from proofwatch.hooks.base import Heard, HookError, Request
from proofwatch.hooks.registry import SOURCES, open_source

from .senders import NOBODY, NOW, SECRET, certificate, https, jwks, mac, pem, post, token
from .test_google import AUDIENCE, CLAIMS, EMAIL, push
from .test_shared import BUS, GRID, OKTA
from .test_signed import signed
from .test_sns import CERT, EVENT, TOPIC, notice, sign

GIVEN = {
    "google": {"audience": AUDIENCE, "email": EMAIL, "keys_url": "https://127.0.0.1:1/certs"},
    "sns": {"topics": [TOPIC]},
}
SEEDS = [BUS, OKTA, [GRID], EVENT, notice("sns.eu-west-1.amazonaws.com"), {"tables": ["aws_s3_bucket"]}]
texts = st.text(st.characters(), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
HEADERS = (
    "authorization",
    "x-proofwatch-key",
    "x-hub-signature-256",
    "x-github-event",
    "x-github-delivery",
    "x-okta-verification-challenge",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "webhook-request-origin",
    "aeg-event-type",
    "content-type",
)


@st.composite
def mutated(draw):
    """A real event in which any value was replaced by anything, at any depth."""
    said = json.loads(json.dumps(draw(st.sampled_from(SEEDS))))
    here = said
    for _ in range(draw(st.integers(1, 4))):
        keys = sorted(here) if isinstance(here, dict) else list(range(len(here)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if isinstance(here[key], dict | list) and draw(st.booleans()):
            here = here[key]
            continue
        here[key] = draw(values)
    return said


def bodies():
    return st.binary(max_size=300) | (values | mutated()).map(lambda said: json.dumps(said).encode())


def proper(body):
    """Headers that make a body pass as signed, as far as a shared secret can do that."""
    return {
        **signed(body).headers,
        "authorization": SECRET,
        "x-proofwatch-key": SECRET,
        "x-hub-signature-256": f"sha256={mac(body)}",
        "x-github-event": "repository",
        "x-github-delivery": "12345678",
        "content-type": "application/json",
    }


@pytest.mark.parametrize("kind", SOURCES)
def test_hear_answers_or_refuses_whatever_comes(kind):
    source = open_source(kind, GIVEN.get(kind, {"secret": "env:HOOK_SECRET"}), NOBODY)

    @settings(max_examples=250, deadline=None, database=None)
    @given(
        body=bodies(),
        honest=st.booleans(),
        headers=st.dictionaries(st.sampled_from(HEADERS), st.text(max_size=40), max_size=4),
        method=st.sampled_from(["POST", "POST", "POST", "GET", "OPTIONS", "PUT"]),
    )
    def hear(body, honest, headers, method):
        sent = {**proper(body), **headers} if honest else headers
        if kind == "google" and honest:
            sent["authorization"] = f"Bearer {token(CLAIMS)}"
        heard_or_refused(source, Request(sent, body, method))

    hear()


def heard_or_refused(source, request):
    try:
        heard = source.hear(request, NOW)
    except HookError as refused:
        assert 400 <= refused.status < 600 and refused.problem
        assert SECRET not in str(refused)
        assert pickle.loads(pickle.dumps(refused)).status == refused.status
        return
    assert isinstance(heard, Heard)
    for hint in heard.hints:
        assert hint.tables
        kept = "".join((hint.resource, hint.name, hint.account_id, hint.region))
        assert kept.encode() and "\0" not in kept
        assert hint.at is None or hint.at.utcoffset().total_seconds() == 0


def test_a_rightly_signed_notice_of_sns_may_hold_anything(tmp_path):
    with https(tmp_path, {CERT: (200, pem(certificate()))}) as (place, _, client):
        source = open_source("sns", {"topics": [TOPIC], "cert_hosts": [place]}, client)

        @settings(max_examples=100, deadline=None, database=None)
        @given(values | mutated(), st.none() | texts)
        def hear(message, subject):
            said = {**notice(place, message), "Subject": subject}
            try:
                said = sign(said)
            except UnicodeEncodeError:  # a lone surrogate: there are no bytes that could be signed
                said = {**sign(notice(place)), "Subject": subject}
            heard_or_refused(source, post(said))

        hear()


def test_a_rightly_pushed_message_of_google_may_hold_anything(tmp_path):
    with https(tmp_path, {"/certs": (200, jwks())}) as (place, _, client):
        given_ = {**GIVEN["google"], "keys_url": f"https://{place}/certs"}
        source = open_source("google", given_, client)
        audits = st.fixed_dictionaries(
            {"protoPayload": st.fixed_dictionaries({"serviceName": st.just("storage.googleapis.com")})},
            optional={"resource": values, "timestamp": values},
        )

        @settings(max_examples=100, deadline=None, database=None)
        @given(values | mutated() | audits, values)
        def hear(message, method):
            if isinstance(message, dict) and isinstance(message.get("protoPayload"), dict):
                message["protoPayload"]["methodName"] = method
            heard_or_refused(source, push(message))
            heard_or_refused(source, post({"message": message}, {"Authorization": f"Bearer {token(CLAIMS)}"}))

        hear()


@settings(max_examples=300, deadline=None, database=None)
@given(mutated())
def test_any_object_is_an_event_of_aws_or_none(said):
    if isinstance(said, dict):
        with contextlib.suppress(HookError):
            hints_of(said)
