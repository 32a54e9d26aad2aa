"""Client CPU of one DescribeVolumes page of 500 volumes: stock boto3, and a row of our table each.

    python -m benchmarks.collect [--pages 10] [--volumes 500]

A server in a process of its own replays one recorded page, so that only the client's work is measured.
"""

from __future__ import annotations

import argparse
import http.server
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import median

ACCOUNT, REGION = "123456789012", "eu-west-1"
CALLER = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::{ACCOUNT}:user/reader</Arn><UserId>AIDAEXAMPLE</UserId><Account>{ACCOUNT}</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>""".encode()
TAGS = {"Name": "db", "team": "core", "env": "production", "cost-center": "4711", "backup": "daily"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--volumes", type=int, default=500)
    given = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID="AKIAEXAMPLE", AWS_SECRET_ACCESS_KEY="example")
    with replayed(given.volumes) as (url, length):
        size = f"{given.volumes} volumes, {length:,} bytes"
        print(f"one page of {size}; median of {given.pages}, CPU ms of the client")
        stock = _measure(_stock(url), given.pages)
        read = _measure(_ours(url), given.pages)
        lines = [("stock boto3: parsed only", stock), ("Proofwatch: parsed, typed, one row each", read)]
        for name, milliseconds in lines:
            rate = given.volumes / milliseconds * 1000
            print(f"  {name:42} {milliseconds:7.1f} ms  {rate:8,.0f} volumes/s  × {milliseconds / stock:.2f}")


@contextmanager
def replayed(volumes: int) -> Iterator[tuple[str, int]]:
    """Serve a page of volumes from a process of its own; yield its address and the page's length."""
    page = _page(volumes)
    ours, theirs = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(page, theirs), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}", len(page)
    finally:
        server.terminate()
        server.join()


def _measure(once: Callable[[], int], pages: int) -> float:
    once()
    spent = []
    for _ in range(pages):
        began = time.process_time()
        once()
        spent.append((time.process_time() - began) * 1000)
    return median(spent)


def _stock(url: str) -> Callable[[], int]:
    import boto3

    client = boto3.session.Session().client("ec2", region_name=REGION, endpoint_url=url)
    return lambda: len(client.describe_volumes()["Volumes"])


def _ours(url: str) -> Callable[[], int]:
    from proofwatch.connectors.aws.clients import Clients
    from proofwatch.connectors.aws.collect import read_table
    from proofwatch.connectors.aws.settings import AwsSettings
    from proofwatch.connectors.aws.tables import declaration
    from proofwatch.connectors.base import ReadStats

    clients = Clients(AwsSettings(endpoint_url=url, regions=[REGION]))
    clients.caller = {"Account": ACCOUNT}
    declared = declaration("aws_ec2_volume")

    def once() -> int:
        rows = read_table(declared, clients, ACCOUNT, REGION, ReadStats(), {})
        last = deque(enumerate(rows, 1), maxlen=1)
        return last[0][0]

    return once


def _page(volumes: int) -> bytes:
    tags = "".join(f"<item><key>{key}</key><value>{value}</value></item>" for key, value in TAGS.items())
    items = []
    for number in range(volumes):
        key = f"vol-{number:017x}"
        attachment = (
            f"<item><volumeId>{key}</volumeId><instanceId>i-{number:017x}</instanceId><device>/dev/xvda</device>"
            "<status>attached</status><attachTime>2026-03-04T05:06:07.000Z</attachTime>"
            "<deleteOnTermination>true</deleteOnTermination></item>"
        )
        items.append(
            f"<item><volumeId>{key}</volumeId><size>100</size><snapshotId>snap-{number:017x}</snapshotId>"
            "<availabilityZone>eu-west-1a</availabilityZone><status>in-use</status>"
            f"<createTime>2026-03-04T05:06:{number % 60:02}.123Z</createTime>"
            f"<attachmentSet>{attachment}</attachmentSet><tagSet>{tags}</tagSet><volumeType>gp3</volumeType>"
            "<iops>3000</iops><throughput>125</throughput><encrypted>true</encrypted>"
            f"<kmsKeyId>arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab</kmsKeyId>"
            "<multiAttachEnabled>false</multiAttachEnabled></item>"
        )
    body = f"<requestId>r-1</requestId><volumeSet>{''.join(items)}</volumeSet>"
    space = "http://ec2.amazonaws.com/doc/2016-11-15/"
    return f'<DescribeVolumesResponse xmlns="{space}">{body}</DescribeVolumesResponse>'.encode()


def _serve(page: bytes, pipe: Connection) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            said = CALLER if b"GetCallerIdentity" in asked else page
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_address[1])
    server.serve_forever()


if __name__ == "__main__":
    main()
