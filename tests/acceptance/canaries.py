"""Secrets to look for, in every form in which they might be written down, and everywhere to look for them."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_q.models import OrmQ

from mlconnector.logs import logging_config

SHORTEST = 8


def forms(secret: str) -> set[str]:
    """The secret as it is, and encoded for addresses, pages, JSON and base64, alone or in the middle of something."""
    found = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret)}
    found |= {quote(form, safe="") for form in list(found)}
    found |= {json.dumps(secret)[1:-1], repr(secret)[1:-1], secret[::-1], secret.encode().hex()}
    for lead in (b"", b"x", b"xx"):  # base64 looks different at each of three places
        whole = base64.b64encode(lead + secret.encode()).decode().rstrip("=")
        inner = whole[4 if lead else 0 : -2]
        found |= {inner, inner.replace("+", "-").replace("/", "_"), quote(inner, safe="")}
    return {form for form in found if len(form) >= SHORTEST}


class Search:
    """Collects texts and tells which of them hold a secret. Short lines of the findings name form and place."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.needles = {form.encode() for secret in secrets for form in forms(secret)}
        self.found: list[str] = []
        self.places = 0

    def look(self, place: str, text: str | bytes) -> None:
        raw = text if isinstance(text, bytes) else text.encode(errors="replace")
        self.places += 1
        self.found += [f"{place}: {needle.decode()}" for needle in self.needles if needle in raw]


class Listener(logging.Handler):
    """Every record of every logger, from DEBUG up, in both of the product's formats and with its parts."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._formatters = []
        for as_json in (True, False):
            options = dict(logging_config(level="DEBUG", json=as_json)["formatters"]["structured"])
            self._formatters.append(options.pop("()")(**options))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "django.template" and record.exc_info:
            # Dozens on a page, for each variable that is not there: what they say, without the way they came.
            self.lines += [record.getMessage(), *_words(record.exc_info[1])]
            return
        # Only what is written: the parts of a record may hold what the formatter takes out.
        self.lines += [formatter.format(record) for formatter in self._formatters]

    def listen(self) -> Iterator[Listener]:
        names = list(logging.root.manager.loggerDict)
        loggers = [logging.root, *(logging.getLogger(name) for name in names)]
        before = [(logger, logger.level, logger.disabled) for logger in loggers]
        for logger in loggers:
            logger.disabled = False
            logger.setLevel(logging.DEBUG)
            if logger is logging.root or not logger.propagate:
                logger.addHandler(self)
        yield self
        for logger, level, disabled in before:
            logger.removeHandler(self)
            logger.disabled = disabled
            logger.setLevel(level)


def _words(error: BaseException | None) -> Iterator[str]:
    """Of an exception and of those it came from."""
    while error is not None:
        yield str(error)
        error = error.__cause__ or error.__context__


def look_into_database(search: Search) -> None:
    """Every row of every table as it is stored; tasks unpacked too; and the file with its log, if it is one."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                search.look(f"table {table}", "\n".join(map(_text, row)))
    for task in OrmQ.objects.all():
        search.look("task", repr(task.task))
    for model in apps.get_models():
        if model._meta.app_label == "django_q" and model is not OrmQ:
            for row in model.objects.values():
                search.look(model.__name__, repr(row))
    if connection.vendor == "sqlite":
        for file in Path(str(connection.settings_dict["NAME"])).parent.glob("*.sqlite3*"):
            search.look(file.name, file.read_bytes())
    output = io.StringIO()
    call_command("dumpdata", "--all", stdout=output)
    search.look("fixture", output.getvalue())


def _text(value: Any) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def addresses(values: dict[str, list[Any]]) -> Iterator[str]:
    """Every address the site knows, its parameters filled in with each of ``values``."""
    yield from sorted(set(_walk(get_resolver().url_patterns, "/", values)))


def _walk(patterns: Iterable[Any], before: str, values: dict[str, list[Any]]) -> Iterator[str]:
    for pattern in patterns:
        for path in _fill(pattern.pattern, before, values):
            if isinstance(pattern, URLResolver):
                yield from _walk(pattern.url_patterns, path, values)
            elif isinstance(pattern, URLPattern):
                yield path


def _fill(pattern: Any, before: str, values: dict[str, list[Any]]) -> Iterator[str]:
    from django.utils.regex_helper import normalize

    for template, names in normalize(pattern.regex.pattern.removesuffix(r"\Z").removesuffix("$").removeprefix("^")):
        options: list[dict[str, Any]] = [{}]
        for name in names:
            options = [{**chosen, name: value} for chosen in options for value in values.get(name, ())]
        for chosen in options:
            yield before + template % chosen


def read_pages(search: Search, client: Client, who: str, paths: Iterable[str]) -> dict[int, int]:
    """GETs each address; returns how many answered with which status."""
    statuses: dict[int, int] = {}
    for path in paths:
        if "logout" in path:
            continue
        answer = client.get(path)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        search.look(f"page {path} for {who}", body)
        search.look(f"headers of {path}", repr(dict(answer.headers)))
    return statuses
