"""What is sealed opens in its own place, under a key that is there, and nowhere else."""

import base64
import json

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.db import connection

from proofwatch.store.models import LogEntry, Person
from proofwatch.web import factors
from proofwatch.web.seal import Sealer, SealError, add_key, is_sealed, key_of
from proofwatch.web.settings import secret_keys
from proofwatch.web.sign_in import account_of

OLD, NEW = "o" * 48, "n" * 48


def test_it_opens_in_its_place_only():
    sealer = Sealer([OLD])
    sealed = sealer.seal("SEED", "mfa totp of 1")
    assert "SEED" not in sealed and is_sealed(sealed) and key_of(sealed) == sealer.newest
    assert sealer.open(sealed, "mfa totp of 1") == "SEED"
    assert sealer.seal("SEED", "mfa totp of 1") != sealed, "a nonce is never used twice"
    with pytest.raises(SealError, match="another row"):
        sealer.open(sealed, "mfa totp of 2")


@pytest.mark.parametrize("place", range(0, 40, 7))
def test_one_changed_bit_is_noticed(place):
    sealer = Sealer([OLD])
    head, _, body = sealer.seal("a seed of some length", "here").rpartition(":")
    raw = bytearray(base64.urlsafe_b64decode(body))
    raw[place] ^= 1
    with pytest.raises(SealError, match="was changed"):
        sealer.open(f"{head}:{base64.urlsafe_b64encode(raw).decode()}", "here")


@pytest.mark.parametrize("wrong", ["sealed:1:", "sealed:1:abc", "sealed:1:ffffffff:AAAA", "plain"])
def test_nonsense_is_an_error_of_ours(wrong):
    with pytest.raises(SealError):
        Sealer([OLD]).open(wrong, "here")


def test_after_a_rotation_old_values_open_and_new_ones_have_the_new_key(tmp_path):
    path = tmp_path / "web.secret"
    path.write_text(f"{OLD}\n")
    sealed = Sealer([OLD]).seal("SEED", "here")
    add_key(path, NEW)
    assert secret_keys(path) == [NEW, OLD] and path.stat().st_mode & 0o777 == 0o600
    both = Sealer(secret_keys(path))
    assert both.open(sealed, "here") == "SEED" and key_of(both.seal("x", "here")) == both.newest
    with pytest.raises(SealError, match="not in the key file"):
        Sealer([NEW]).open(sealed, "here")


@pytest.fixture
def secret_file(site, settings_of, tmp_path):
    path = tmp_path / "web.secret"
    path.write_text(f"{OLD}\n")
    path.chmod(0o600)
    settings_of(PROOFWATCH_SECRET_FILE=str(path))
    return path


@pytest.fixture
def settings_of():
    from django.test import override_settings

    held = []

    def change(**values):
        held.append(override_settings(**values))
        held[-1].enable()

    yield change
    for one in held:
        one.disable()


def stored():
    """Return what the database itself holds of the only factor."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator")
        (data,) = cursor.fetchone()
    return json.loads(data) if isinstance(data, str) else data


def test_the_seed_of_one_time_codes_is_sealed_in_the_database_only(site, secret_file):
    lea = account_of(Person.objects.get(pk="lea"))
    made = TOTP.activate(lea, "JBSWY3DPEHPK3PXP")
    assert made.instance.data["secret"] == "JBSWY3DPEHPK3PXP"
    assert is_sealed(stored()["secret"])
    assert Authenticator.objects.get().data["secret"] == "JBSWY3DPEHPK3PXP"
    Authenticator.objects.get().save()
    assert Authenticator.objects.get().data["secret"] == "JBSWY3DPEHPK3PXP", "not sealed twice"
    assert factors.counts() == {factors.sealer().newest: 1}


def test_a_seed_copied_to_somebody_else_does_not_open(site, secret_file):
    lea, rob = (account_of(Person.objects.get(pk=name)) for name in ("lea", "rob"))
    TOTP.activate(lea, "JBSWY3DPEHPK3PXP")
    Authenticator.objects.update(user=rob)
    with pytest.raises(SealError, match="another row"):
        Authenticator.objects.get()


def test_rotating_seals_everything_anew_also_what_was_in_the_clear(site, secret_file):
    lea, rob = (account_of(Person.objects.get(pk=name)) for name in ("lea", "rob"))
    TOTP.activate(lea, "JBSWY3DPEHPK3PXP")
    before = factors.sealer().newest
    row = Authenticator(user=rob, type="totp", data={"secret": "GEZDGNBVGY3TQOJQ"})
    Authenticator.objects.bulk_create([row])
    assert factors.counts() == {before: 1, "": 1}
    name, number = factors.rotate(actor="olga", now=site.now, reason="yearly")
    assert number == 2 and name != before and factors.counts() == {name: 2}
    assert {item.data["secret"] for item in Authenticator.objects.all()} == {
        "JBSWY3DPEHPK3PXP", "GEZDGNBVGY3TQOJQ",
    }  # fmt: skip
    entry = LogEntry.objects.get(kind="secrets.resealed")
    said = bytes(entry.entry).decode()
    assert name in said and "yearly" in said and "JBSWY" not in said and NEW not in said
