"""Sets Django up with the pages, once for the whole test process; databases are pointed at later."""

import tempfile
from pathlib import Path

from proofwatch.app import App
from proofwatch.config import load_settings
from proofwatch.store import django as store
from proofwatch.web import settings

HOME = Path(tempfile.mkdtemp(prefix="pw-web-"))
app = App(load_settings({"PROOFWATCH_HOME": str(HOME)}))
store.setup(f"sqlite:///{HOME}/none.sqlite3", apps=settings.APPS, extra=settings.extra(app))
