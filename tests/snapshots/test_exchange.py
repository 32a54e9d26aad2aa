"""The first record that is left for a table in a place is the only one, whoever reads it again."""

import json
import pickle
from dataclasses import asdict
from pathlib import Path
from threading import Thread

from proofwatch.snapshots.base import Part
from proofwatch.snapshots.exchange import NOTHING, SharedFolder


def part(folder: Path, text: str) -> Part:
    path = folder / f"{text}.ndjson"
    path.write_text(text)
    return Part("t", "a", "r", path, 1)


def test_the_first_record_counts_and_the_later_part_goes(tmp_path: Path) -> None:
    exchange = SharedFolder(tmp_path / "sweep")
    folder = exchange.folder()
    assert exchange.record("x.json") is None
    first, second = part(folder, "one"), part(folder, "two")
    assert exchange.leave("x.json", b"one", first) == b"one"
    assert exchange.leave("x.json", b"two", second) == b"one"
    assert pickle.loads(pickle.dumps(exchange)).record("x.json") == b"one"
    assert exchange.fetch("one.ndjson").read_text() == "one"
    assert sorted(path.name for path in folder.iterdir()) == ["one.ndjson", "x.json"]
    exchange.clear()
    assert not folder.exists()


def test_a_place_without_rows_leaves_a_record_and_no_part(tmp_path: Path) -> None:
    exchange = SharedFolder(tmp_path / "sweep")
    exchange.folder()
    assert exchange.leave("x.json", b"one", None) == b"one"
    assert exchange.leave("x.json", b"two", None) == b"one"
    assert [path.name for path in exchange.folder().iterdir()] == ["x.json"]
    assert exchange.fetch(NOTHING).read_bytes() == b""


def test_of_many_at_once_one_counts_and_all_hear_of_it(tmp_path: Path) -> None:
    exchange, heard = SharedFolder(tmp_path), []

    def leave(number: int) -> None:
        own = part(tmp_path, str(number))
        body = json.dumps({**asdict(own), "path": own.path.name}).encode()
        heard.append(exchange.leave("x.json", body, own))

    threads = [Thread(target=leave, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 20 and len(set(heard)) == 1
    assert [path.name for path in tmp_path.glob("*.ndjson")] == [json.loads(heard[0])["path"]]
