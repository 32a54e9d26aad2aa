"""The people of Acme Robotics: the same in every system. All of it is DEMO DATA.

Mary Departed left and was forgotten at GitHub, at AWS and in one group: the leaver with access left.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

DOMAIN = "acme-robotics.example"


@dataclass(frozen=True, slots=True)
class Person:
    """One person.

    Attributes:
        login: at AWS and GitHub, and before the @.
        given, family: names.
        title: of the job.
        started: first day of work.
        ended: last day of work; None for who works here.
        admin: whether they administer systems.
        second_factor: whether they use one.
        manager: login of theirs.
    """

    login: str
    given: str
    family: str
    title: str
    started: date
    ended: date | None = None
    admin: bool = False
    second_factor: bool = True
    manager: str = "ada"

    @property
    def email(self) -> str:
        """Return the address."""
        return f"{self.login}@{DOMAIN}"

    @property
    def name(self) -> str:
        """Return the whole name."""
        return f"{self.given} {self.family}"


STAFF = (
    Person("ada", "Ada", "Marlowe", "Engineering Lead", date(2019, 3, 1), admin=True, manager=""),
    Person("grace", "Grace", "Hale", "Platform Engineer", date(2020, 6, 15)),
    Person("linus", "Linus", "Berg", "Backend Engineer", date(2021, 1, 11), second_factor=False),
    Person("margaret", "Margaret", "Stone", "Site Reliability Engineer", date(2021, 9, 1)),
    Person("katherine", "Katherine", "Moss", "Security Engineer", date(2022, 2, 1), admin=True),
    Person("alan", "Alan", "Reyes", "Frontend Engineer", date(2023, 4, 3)),
    Person("barbara", "Barbara", "Lindqvist", "Finance", date(2023, 10, 2), manager="katherine"),
    Person(
        "departed-contractor", "Mary", "Departed", "Contractor", date(2024, 5, 6), ended=date(2026, 8, 31),
    ),
)  # fmt: skip
LEAVER = STAFF[-1]
EMPLOYED = tuple(person for person in STAFF if person.ended is None)
