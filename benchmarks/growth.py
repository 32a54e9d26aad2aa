"""How much storage a changing table costs a day, and how long an old state takes to rebuild.

    python -m benchmarks.growth [--resources 100000] [--columns 40] [--churn 0.005] [--sweeps 96] [--days 3]

Every sweep is a real commit: of the changed resources nine in ten are modified, and the others removed and
replaced by new ones. First come --history days, swept once each and kept as one roll-up each, which is what
a day of sweeps leaves too; then --days days with every sweep, whose growth is counted. The month's base is
counted as a thirtieth a day. Rebuilt is the last state before the final roll-up: a month's base, a roll-up
for every day and the deltas of a whole day, the dearest there is. Later states play no part in rebuilding
one, so a state of 180 days ago costs the same.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.snapshot_world import ACCOUNT, FolderObjects, make_row, table
from proofwatch.connectors.base import Row, Table
from proofwatch.snapshots import commit as product
from proofwatch.snapshots.base import Part, State
from proofwatch.snapshots.manifest import resolve
from proofwatch.snapshots.rebuild import materialise, prune
from proofwatch.snapshots.spool import write_part

PLACES = 10


class World:
    """Resources spread over ten places, whose spooled lines are patched as they change."""

    def __init__(self, root: Path, declared: Table, count: int) -> None:
        self.root, self.declared, self.count = root, declared, count
        self.objects = FolderObjects(root / "objects")
        self.chance = random.Random(1)
        self.next = count
        self.versions = dict.fromkeys(range(count), 0)
        self.lines: list[dict[int, bytes]] = [{} for _ in range(PLACES)]
        for place in range(PLACES):
            numbers = range(place, count, PLACES)
            self.lines[place] = dict(zip(numbers, self._spooled(numbers, place), strict=True))
        self.state: State | None = None
        self.manifests: list[str] = []
        self.seconds: list[float] = []

    def _spooled(self, numbers: range | list[int], place: int) -> list[bytes]:
        """Return the lines that the product spools for these resources."""
        folder = Path(tempfile.mkdtemp(dir=self.root))
        rows = (self._row(number, place) for number in numbers)
        part = write_part(folder, self.declared, ACCOUNT, f"region-{place}", rows)
        lines = part.path.read_bytes().splitlines(keepends=True)
        shutil.rmtree(folder)
        return lines

    def _row(self, number: int, place: int) -> Row:
        return {**make_row(self.declared, number, self.versions[number]), "region": f"region-{place}"}

    def change(self, wanted: int) -> None:
        """Modify, remove and add resources, `wanted` in all."""
        for _ in range(wanted):
            number = self._any()
            place = number % PLACES
            if self.chance.random() < 0.9:
                self.versions[number] += 1
            else:
                del self.versions[number], self.lines[place][number]
                number = self.next = self.next + PLACES - (self.next - place) % PLACES
                self.versions[number] = 0
            [self.lines[place][number]] = self._spooled([number], place)

    def _any(self) -> int:
        while (number := self.chance.randrange(self.next + 1)) not in self.versions:
            pass
        return number

    def sweep(self) -> None:
        """Commit the world as it is."""
        folder = Path(tempfile.mkdtemp(dir=self.root))
        parts = []
        for place, lines in enumerate(self.lines):
            path = folder / f"{place}.ndjson"
            path.write_bytes(b"".join(lines.values()))
            parts.append(Part(self.declared.name, ACCOUNT, f"region-{place}", path, len(lines)))
        began = time.process_time()
        self.state = product.commit(
            self.declared,
            "bench",
            parts,
            [],
            self.state,
            self.objects,
            folder,
            "2026-01",
            cache=self.root / "cache",
        )
        self.seconds.append(time.process_time() - began)
        self.manifests.append(self.state.manifest)
        shutil.rmtree(folder)
        prune(self.root / "cache", 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--resources", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=40)
    parser.add_argument("--churn", type=float, default=0.005, help="share of the resources, a day")
    parser.add_argument("--sweeps", type=int, default=96, help="a day")
    parser.add_argument("--history", type=int, default=30, help="days swept once")
    parser.add_argument("--days", type=int, default=1, help="days with every sweep")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name), table(given.columns), given.resources)
        world.sweep()
        base = world.objects.size()
        print(
            f"{given.resources:,} resources × {given.columns} columns: base {base / 1e6:.2f} MB", flush=True
        )
        _history(world, given.history, given.churn)
        _days(world, given.days, given.sweeps, given.churn, base)
        _rebuild(world)


def _history(world: World, days: int, churn: float) -> None:
    """Make one roll-up a day, as a day of sweeps does."""
    usual, product.ROLL_UP = product.ROLL_UP, 1
    for _ in range(days):
        world.change(int(world.count * churn))
        world.sweep()
    product.ROLL_UP = usual


def _spread(total: float, sweeps: int, number: int) -> int:
    """Return how many of a day's changes fall into one of its sweeps."""
    return int(total * (number + 1) / sweeps) - int(total * number / sweeps)


def _days(world: World, days: int, sweeps: int, churn: float, base: int) -> None:
    for day in range(1, days + 1):
        before = world.objects.size()
        for number in range(sweeps):
            world.change(_spread(world.count * churn, sweeps, number))
            world.sweep()
        grown = world.objects.size() - before
        whole = grown + base / 30
        print(
            f"day {day}: changes and manifests {grown / 1e6:.3f} MB + base/30 {base / 30e6:.3f} MB = "
            f"{whole / 1e6:.3f} MB ({whole * 365 / 1e6:.0f} MB a year, extrapolated); a full Parquet a day "
            f"{base / whole:.0f} ×, at every sweep {base * sweeps / whole:.0f} ×; "
            f"{sum(world.seconds[-sweeps:]) / sweeps:.2f} CPU s a commit",
            flush=True,
        )


def _rebuild(world: World) -> None:
    chain = resolve(world.manifests[-2], world.objects)
    empty = world.root / "empty"
    began, cpu = time.monotonic(), time.process_time()
    materialise(chain.manifest, world.objects, empty)
    print(
        f"base + {len(chain.rollups)} roll-ups + {len(chain.deltas)} deltas rebuilt, proven and sorted in "
        f"{time.monotonic() - began:.1f} s ({time.process_time() - cpu:.1f} CPU s)"
    )
    began = time.process_time()
    materialise(chain.manifest, world.objects, empty)
    print(f"again from the cache in {time.process_time() - began:.3f} CPU s")


if __name__ == "__main__":
    main()
