"""What a source refuses, breaks or leaves hanging is inconclusive with the reason; nothing is restored."""

import http.client
import json
import shutil
import sqlite3
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.companies import proofwatch, run
from tests.test_pipeline import query

DENIED = (
    "<Error><Code>AccessDenied</Code><Message>User is not authorized to perform: s3:ListAllMyBuckets"
    "</Message><RequestId>1</RequestId></Error>"
)
EXPIRED = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>"
    "<Message>The security token included in the request is expired</Message>"
    "</Error><RequestId>1</RequestId></ErrorResponse>"
)


class Call:
    """One request, as far as a fault needs to know it: signed for what service and region, saying what."""

    def __init__(self, handler, body):
        scope = handler.headers.get("Authorization", "").partition("Credential=")[2].split("/")
        self.region, self.service = (scope[2], scope[3]) if len(scope) > 3 else ("", "")
        self.path, self.body = handler.path, body.decode("utf-8", "replace")


@contextmanager
def faulty(endpoint, fault):
    """Stand between Proofwatch and the simulated AWS; `fault(call)` returns (status, body), text, or None."""
    target = urlsplit(endpoint).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = fault(Call(self, body))
            if answer == "hang":
                time.sleep(4)
                self.close_connection = True
                return
            if answer == "break":
                self.send_response(200)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", "100000")
                self.end_headers()
                self.wfile.write(b"<DescribeVolumesResponse><volumeSet><item>")
                self.close_connection = True
                return
            status, headers, data = answer if answer else self.forward(body)
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in (
                    "transfer-encoding",
                    "connection",
                    "content-length",
                    "server",
                    "date",
                ):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def forward(self, body):
            upstream = http.client.HTTPConnection(target, timeout=60)
            upstream.request(self.command, self.path, body, dict(self.headers))
            reply = upstream.getresponse()
            found = reply.status, reply.getheaders(), reply.read()
            upstream.close()
            return found

        do_GET = do_POST = do_PUT = do_HEAD = handle_any

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def refusal(text, status=403):
    return status, [("Content-Type", "text/xml")], text.encode()


def denied(call):
    return refusal(DENIED) if call.service == "s3" and call.path.split("?")[0] == "/" else None


def expired(call):
    return refusal(EXPIRED)


def volumes(call):
    return call.service == "ec2" and call.region == "eu-west-1" and "DescribeVolumes" in call.body


def broken(call):
    return "break" if volumes(call) else None


def hanging(call):
    return "hang" if volumes(call) else None


def throttled(call):
    text = EXPIRED.replace("ExpiredToken", "RequestLimitExceeded")
    return refusal(text, 503) if volumes(call) else None


VOLUME_CHECK = "aws.ec2.ebs-volume-encrypted"
BUCKET_CHECK = "aws.s3.bucket-blocks-public-access"


@pytest.mark.parametrize(
    ("fault", "check", "region", "said"),
    [
        (denied, BUCKET_CHECK, "global", "s3:ListAllMyBuckets"),
        (expired, VOLUME_CHECK, "eu-west-1", "expired"),
        (broken, VOLUME_CHECK, "eu-west-1", "cannot tell: aws_ec2_volume was not read"),
        (hanging, VOLUME_CHECK, "eu-west-1", "cannot tell: aws_ec2_volume was not read"),
        (throttled, VOLUME_CHECK, "eu-west-1", "cannot tell: aws_ec2_volume was not read"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_is_told_and_restores_nothing(company, undisturbed, tmp_path, fault, check, region, said):
    home = tmp_path / "home"
    shutil.copytree(undisturbed, home)
    with sqlite3.connect(home / "proofwatch.sqlite3") as database:
        database.execute("update store_connection set settings = json_set(settings, '$.read_timeout', 1.0)")
    before = open_findings(home, check, region)
    assert before, "the company has something to lose here"

    with faulty(company.endpoint, fault) as url:
        done = run(
            company,
            home,
            "tests.killed_sweep",
            "",
            AWS_ENDPOINT_URL=url,
            SLOT="2026-01-02T00:00:00+00:00",
        )
    assert done.stdout.strip() == "partial"
    rows = [
        json.loads(line)
        for line in proofwatch(company, home, "results", "--json", "--check", check).stdout.splitlines()
    ]
    there = [row for row in rows if row["region"] == region]
    assert there
    assert {row["status"] for row in there} == {"inconclusive"}
    assert said in there[0]["reason"]
    assert [row[:2] for row in open_findings(home, check, region)] == [row[:2] for row in before]
    assert all(interrupted for _, _, interrupted in open_findings(home, check, region))
    events = {kind for (kind,) in query(home, "select kind from store_findingevent")}
    assert not events & {"restored", "gone", "regressed"}

    run(company, home, "tests.killed_sweep", "", SLOT="2026-01-03T00:00:00+00:00")
    assert open_findings(home, check, region) == before
    events = {kind for (kind,) in query(home, "select kind from store_findingevent")}
    assert not events & {"restored", "gone", "regressed"}


def open_findings(home, check, region):
    return query(
        home,
        "select id, state, evidence_interrupted_since is not null from store_finding "
        f"where check_id = '{check}' and region = '{region}' and state = 'open' order by id",
    )


NOT_LISTED = json.dumps({"__type": "AccessDeniedException", "message": "not authorized: ListAccounts"})


def policies_denied(call):
    return refusal(DENIED) if call.service == "s3" and call.path.endswith("?policy") else None


def accounts_denied(call):
    if call.service != "organizations":
        return None
    return 400, [("Content-Type", "application/x-amz-json-1.1")], NOT_LISTED.encode()


def regions_denied(call):
    text = DENIED.replace("s3:ListAllMyBuckets", "ec2:DescribeRegions")
    text = f"<Response><Errors>{text}</Errors></Response>".replace("AccessDenied<", "UnauthorizedOperation<")
    return refusal(text) if call.service == "ec2" and "DescribeRegions" in call.body else None


def swept(company, undisturbed, tmp_path, fault, *arguments, settings=""):
    home = tmp_path / "home"
    shutil.copytree(undisturbed, home)
    if settings:
        with sqlite3.connect(home / "proofwatch.sqlite3") as database:
            database.execute(f"update store_connection set settings = json_set(settings, {settings})")
    with faulty(company.endpoint, fault) as url:
        verb = ("proofwatch.cli", "sweep", "--json", *arguments)
        done = run(company, home, *verb, check=False, AWS_ENDPOINT_URL=url)
    return home, done, json.loads(done.stdout)[0]


def test_a_refused_second_call_makes_the_sweep_partial(company, undisturbed, tmp_path):
    _, _, body = swept(company, undisturbed, tmp_path / "a", lambda _: None, "--tables", "aws_s3_bucket")
    assert "policy" not in {item["why"].partition(":")[0] for item in body["lacking"]}
    _, done, body = swept(company, undisturbed, tmp_path / "b", policies_denied, "--tables", "aws_s3_bucket")
    assert done.returncode == 3
    assert body["state"] == "partial"
    assert body["unread"] == []
    assert all(item["rows"] > 0 for item in body["lacking"])
    assert any("policy" in item["why"] for item in body["lacking"])


def test_accounts_that_cannot_be_listed_are_told(company, undisturbed, tmp_path):
    _, _, body = swept(company, undisturbed, tmp_path, accounts_denied, "--tables", "aws_ec2_volume")
    assert any("organizations:ListAccounts" in text for text in body["unknown"])


def test_regions_that_cannot_be_listed_are_read_as_before(company, undisturbed, tmp_path):
    """The settings say all regions; the sweep before had read three."""
    home, done, body = swept(
        company,
        undisturbed,
        tmp_path,
        regions_denied,
        "--tables",
        "aws_ec2_volume",
        settings="'$.regions', 'all'",
    )
    assert done.returncode == 3
    assert body["state"] == "partial"
    assert any("ec2:DescribeRegions" in text for text in body["unknown"])
    sweep = body["sweep"].replace("-", "")
    read = "select distinct region from store_shardread where \"table\" = 'aws_ec2_volume' and sweep_id"
    regions = query(home, f"{read} = '{sweep}' order by 1")
    assert len(regions) > 1
    assert regions == query(home, f"{read} <> '{sweep}' order by 1")
