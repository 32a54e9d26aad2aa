"""SNS with certificates made here, served over TLS by a server whose host the settings allow."""

import base64
import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from proofwatch.hooks.base import HookError
from proofwatch.hooks.registry import open_source

from .senders import NOBODY, NOW, OTHER_RSA, RSA, certificate, https, pem, post, stamp

TOPIC = "arn:aws:sns:eu-west-1:111122223333:changes"
CERT = "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
EVENT = {
    "eventSource": "s3.amazonaws.com",
    "eventName": "PutBucketPolicy",
    "awsRegion": "eu-west-1",
    "eventTime": "2026-11-23T11:59:00Z",
    "recipientAccountId": "111122223333",
}
NAMES = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def sign(said, key=RSA, version="2"):
    signed = "".join(f"{name}\n{said[name]}\n" for name in NAMES if said.get(name) is not None)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = key.sign(signed.encode(), padding.PKCS1v15(), algorithm)
    return {**said, "SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}


def notice(place, message=None, **more):
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": json.dumps(EVENT if message is None else message),
        "Timestamp": stamp(),
        "SigningCertURL": f"https://{place}{CERT}",
        **more,
    }


def subscription(place, topic=TOPIC, asked=TOPIC, **more):
    url = f"https://{place}/?Action=ConfirmSubscription&TopicArn={asked}&Token=2336412f37"
    return notice(
        place, Type="SubscriptionConfirmation", TopicArn=topic, SubscribeURL=url, Token="2336412f37", **more
    )


@pytest.fixture(scope="module")
def pages():
    return {
        CERT: (200, pem(certificate())),
        CERT.replace("0", "1"): (200, pem(certificate(OTHER_RSA, days=-0.5))),
        CERT.replace("0", "2"): (200, b"no certificate"),
        CERT.replace("0", "3"): (200, pem(certificate(ec.generate_private_key(ec.SECP256R1())))),
        CERT.replace("0", "4"): (200, pem(certificate(rsa.generate_private_key(65537, 1024)))),
        "/": (200, b"<ConfirmSubscriptionResponse/>"),
    }


@pytest.fixture(scope="module")
def aws(tmp_path_factory, pages):
    with https(tmp_path_factory.mktemp("sns"), pages) as found:
        yield found


@pytest.fixture
def world(aws):
    place, asked, client = aws
    asked.clear()
    return place, asked, open_source("sns", {"topics": [TOPIC], "cert_hosts": [place]}, client)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("more", [{}, {"Subject": "a subject\nwith Type\nlines"}])
def test_a_signed_notice_is_heard_and_its_certificate_is_fetched_once(world, version, more):
    place, asked, source = world
    said = sign(notice(place, **more), version=version)
    first, again = (source.hear(post(said), NOW) for _ in range(2))
    assert first.hints[0].tables == ("aws_s3_bucket",) and first.hints[0].account_id == "111122223333"
    assert first == again and first.delivery == said["MessageId"]
    assert asked == [CERT]


@pytest.mark.parametrize("field", ["Message", "MessageId", "Timestamp", "Signature", "Subject"])
def test_a_changed_field_is_refused(world, field):
    place, _, source = world
    said = sign(notice(place, Subject="x"))
    other = {"Timestamp": stamp(NOW - dt.timedelta(seconds=1)), "Signature": "AAAA"}.get(field, "{}")
    with pytest.raises(HookError, match="signature is wrong") as refused:
        source.hear(post({**said, field: other}), NOW)
    assert refused.value.status == 401


def test_a_subject_that_was_added_or_taken_away_is_refused(world):
    place, _, source = world
    with pytest.raises(HookError, match="signature is wrong"):
        source.hear(post({**sign(notice(place)), "Subject": "new"}), NOW)
    with_subject = sign(notice(place, Subject="x"))
    del with_subject["Subject"]
    with pytest.raises(HookError, match="signature is wrong"):
        source.hear(post(with_subject), NOW)


def test_a_signature_of_one_version_is_none_of_the_other(world):
    place, _, source = world
    with pytest.raises(HookError, match="signature is wrong"):
        source.hear(post({**sign(notice(place)), "SignatureVersion": "1"}), NOW)
    for version in ("3", 2, None, ["2"]):
        with pytest.raises(HookError, match="not signed"):
            source.hear(post({**sign(notice(place)), "SignatureVersion": version}), NOW)


def test_a_notice_signed_with_another_key_is_refused(world):
    place, _, source = world
    with pytest.raises(HookError, match="signature is wrong"):
        source.hear(post(sign(notice(place), OTHER_RSA)), NOW)


@pytest.mark.parametrize(
    ("age", "problem"),
    [
        (dt.timedelta(minutes=59), None),
        (dt.timedelta(minutes=61), "ago"),
        (dt.timedelta(minutes=-4), None),
        (dt.timedelta(minutes=-6), "from now"),
    ],
)
def test_an_hour_is_the_oldest(world, age, problem):
    place, _, source = world
    request = post(sign(notice(place, Timestamp=stamp(NOW - age))))
    if problem is None:
        assert source.hear(request, NOW).hints
        return
    with pytest.raises(HookError, match=problem):
        source.hear(request, NOW)


@pytest.mark.parametrize("topic", [TOPIC + "2", TOPIC + "\0", TOPIC.upper(), "", None, [TOPIC], {}])
def test_another_topic_is_refused_before_anything_is_fetched(world, topic):
    place, asked, source = world
    with pytest.raises(HookError, match="topic") as refused:
        source.hear(post({**sign(notice(place)), "TopicArn": topic}), NOW)
    assert refused.value.status == 403 and asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com" + CERT,
        "https://sns.eu-west-1.amazonaws.com.evil.example" + CERT,
        "https://evil.example" + CERT,
        "https://sns.eu-west-1.amazonaws.com@evil.example" + CERT,
        "https://evil.example#sns.eu-west-1.amazonaws.com" + CERT,
        "https://evil.example\\.sns.eu-west-1.amazonaws.com" + CERT,
        "https://snsXeu-west-1.amazonaws.com" + CERT,
        "https://sns.eu-west-1.amazonaws.com:8443" + CERT,
        "https://bucket.s3.amazonaws.com" + CERT,
        "https://sns.eu-west-1.amazonaws.com\n" + CERT,
        "https://sns.eu-west-1.amazonaws.com/?Action=Publish",
        "https://sns.eu-west-1.amazonaws.com" + CERT + "?x=1",
        "https://[::1" + CERT,
        "",
        None,
        7,
    ],
)
def test_a_certificate_of_anybody_else_is_not_even_fetched(url):
    source = open_source("sns", {"topics": [TOPIC]}, NOBODY)
    said = {**sign(notice("sns.eu-west-1.amazonaws.com")), "SigningCertURL": url}
    with pytest.raises(HookError, match="SigningCertURL") as refused:
        source.hear(post(said), NOW)
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("number", "problem", "key"),
    [
        ("1", "not valid now", OTHER_RSA),
        ("2", "no certificate", RSA),
        ("3", "no RSA key", RSA),
        ("4", "no RSA key", RSA),
    ],
)
def test_a_certificate_that_is_not_right_is_refused(world, number, problem, key):
    place, _, source = world
    said = sign(notice(place, SigningCertURL=f"https://{place}{CERT.replace('0', number)}"), key)
    with pytest.raises(HookError, match=problem):
        source.hear(post(said), NOW)


def test_a_certificate_that_cannot_be_fetched_is_to_be_tried_again(world):
    place, _, source = world
    said = sign(notice(place, SigningCertURL=f"https://{place}{CERT.replace('0', '9')}"))
    with pytest.raises(HookError, match="answered 404") as later:
        source.hear(post(said), NOW)
    assert later.value.status == 503 and not later.value.permanent


def test_a_flood_of_certificate_addresses_fetches_ten_in_a_minute(world):
    place, asked, source = world
    for number in range(30):
        url = f"https://{place}/SimpleNotificationService-{number}.pem"
        with pytest.raises(HookError):
            source.hear(post(sign(notice(place, SigningCertURL=url))), NOW)
    assert len(asked) == 10
    later = NOW + dt.timedelta(minutes=2)
    assert source.hear(post(sign(notice(place))), later).hints and asked[-1] == CERT


def test_a_known_certificate_stands_in_while_it_cannot_be_fetched_again(world, pages, monkeypatch):
    place, asked, source = world
    assert source.hear(post(sign(notice(place))), NOW).hints
    monkeypatch.setitem(pages, CERT, (500, b"not now"))
    for days, fine in ((2, True), (6, True), (8, False)):
        then = NOW + dt.timedelta(days=days)
        request = post(sign(notice(place, Timestamp=stamp(then))))
        if fine:
            assert source.hear(request, then).hints
            continue
        with pytest.raises(HookError, match="answered 500"):
            source.hear(request, then)
    assert asked == [CERT] * 4


def test_a_subscription_to_an_allowed_topic_is_confirmed(world):
    place, asked, source = world
    heard = source.hear(post(sign(subscription(place))), NOW)
    assert heard.hints == () and "was confirmed" in heard.note
    assert asked == [CERT, f"/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"]


@pytest.mark.parametrize(
    "change",
    [
        {"topic": TOPIC + "2", "asked": TOPIC + "2"},
        {"asked": TOPIC + "2"},
        {"asked": f"{TOPIC}&TopicArn=other"},
    ],
)
def test_a_subscription_to_anything_else_is_not_confirmed(world, change):
    place, asked, source = world
    with pytest.raises(HookError):
        source.hear(post(sign(subscription(place, **change))), NOW)
    assert not any("ConfirmSubscription" in path for path in asked)


def test_a_subscription_that_is_forged_or_leads_elsewhere_is_not_confirmed(world):
    place, asked, source = world
    forged = {**sign(subscription(place)), "Token": "another"}
    elsewhere = sign(
        {**subscription(place), "SubscribeURL": "https://evil.example/?Action=ConfirmSubscription"}
    )
    for said in (forged, elsewhere):
        with pytest.raises(HookError):
            source.hear(post(said), NOW)
    assert not any("ConfirmSubscription" in path for path in asked)


def test_the_end_of_a_subscription_is_told_and_not_undone(world):
    place, asked, source = world
    said = sign({**subscription(place), "Type": "UnsubscribeConfirmation"})
    assert "has ended" in source.hear(post(said), NOW).note
    assert asked == [CERT]


@pytest.mark.parametrize("message", ["plain words", "[1]", '{"hello": 1}', "[" * 5000, ""])
def test_a_message_that_is_no_event_is_refused_though_it_is_signed(world, message):
    place, _, source = world
    with pytest.raises(HookError):
        source.hear(post(sign({**notice(place), "Message": message})), NOW)


def test_an_event_of_eventbridge_inside_is_read(world):
    place, _, source = world
    event = {"id": "1", "source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": EVENT}
    assert source.hear(post(sign(notice(place, event))), NOW).hints[0].tables == ("aws_s3_bucket",)


def test_raw_delivery_is_explained(world):
    with pytest.raises(HookError, match="raw message delivery"):
        world[2].hear(post(EVENT), NOW)


@pytest.mark.parametrize("topics", [[], ["changes"], ["arn:aws:sqs:eu-west-1:111122223333:q"]])
def test_topics_must_be_topics(topics):
    with pytest.raises(HookError, match="topics"):
        open_source("sns", {"topics": topics}, NOBODY)
