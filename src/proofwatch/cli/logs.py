"""How the log on standard error is written: one JSON object per line, or plain lines for a terminal."""

from __future__ import annotations

import logging
import sys


def configure(level: str) -> None:
    """Set the level; a word that is none means warning. Values of variables are never written."""
    known = logging.getLevelNamesMapping()
    number = known.get(level.strip().upper(), logging.WARNING)
    logging.basicConfig(stream=sys.stderr, level=number)


def structured() -> None:
    """Write what the pages say as fields; to be called once, by what serves them."""
    import structlog

    terminal = sys.stderr.isatty()
    # A rich traceback would print local variables, and among them secrets.
    shown = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(() if terminal else (structlog.processors.format_exc_info,)),
            shown if terminal else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLogger().getEffectiveLevel()),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
