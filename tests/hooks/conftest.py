import pytest

from .senders import SECRET


@pytest.fixture(autouse=True)
def shared_secret(monkeypatch):
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    monkeypatch.setenv("HOOK_BEFORE", "the secret of last month")
    monkeypatch.setenv("HOOK_SHORT", "hunter2")
