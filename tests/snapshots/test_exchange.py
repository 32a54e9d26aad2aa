"""The first record that is left is the only one, whoever reads the same again."""

import pickle
from pathlib import Path
from threading import Thread

from proofwatch.snapshots.base import Part
from proofwatch.snapshots.exchange import NOTHING, SharedFolder


def part(folder: Path, text: str) -> Part:
    path = folder / f"{text}.ndjson"
    path.write_text(text)
    return Part("t", "a", "r", path, 1)


def test_the_first_record_counts(tmp_path: Path) -> None:
    exchange = SharedFolder(tmp_path / "sweep")
    folder = exchange.folder()
    assert exchange.record("x.json") is None
    assert exchange.send(part(folder, "one")) == "one.ndjson"
    assert exchange.leave("x.json", b"one") == b"one"
    assert exchange.leave("x.json", b"two") == b"one"
    assert pickle.loads(pickle.dumps(exchange)).record("x.json") == b"one"
    assert exchange.fetch("one.ndjson").read_text() == "one"
    assert sorted(path.name for path in folder.iterdir()) == ["one.ndjson", "x.json"]
    exchange.clear()
    assert not folder.exists()


def test_the_part_of_a_place_without_rows_is_an_empty_file(tmp_path: Path) -> None:
    assert SharedFolder(tmp_path / "sweep").fetch(NOTHING).read_bytes() == b""


def test_of_many_at_once_one_counts_and_all_hear_of_it(tmp_path: Path) -> None:
    exchange, heard = SharedFolder(tmp_path), []

    def leave(number: int) -> None:
        sent = exchange.send(part(tmp_path, str(number)))
        heard.append(exchange.leave("x.json", sent.encode()))

    threads = [Thread(target=leave, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 20 and len(set(heard)) == 1
    assert exchange.record("x.json") == heard[0]
    assert exchange.fetch(heard[0].decode()).exists()
