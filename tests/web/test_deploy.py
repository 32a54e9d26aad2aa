"""Django's own check of a deployment has nothing to say, and what was silenced there is really sent."""

import subprocess
import sys

CHECK = """
from proofwatch.app import App
from proofwatch.config import load_settings
from proofwatch.web import settings
import os
settings.setup(App(load_settings(dict(os.environ))))
from django.core.management import call_command
call_command("check", deploy=True, fail_level="INFO")
"""


def test_the_check_of_a_deployment_is_clean(tmp_path):
    env = {
        "PROOFWATCH_HOME": str(tmp_path),
        "PROOFWATCH_URL": "https://proofwatch.example.com",
        "PATH": "/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", CHECK], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "2 silenced" in done.stdout + done.stderr


def test_what_was_silenced_is_sent(site):
    answer = site.as_("aud").get("/settings")
    assert (
        answer["X-Frame-Options"] == "DENY" and "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    )
    assert answer["X-Content-Type-Options"] == "nosniff" and answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
