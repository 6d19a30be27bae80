from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from mlconnector import queue


@never_cache
@require_safe
def healthz(_request: HttpRequest) -> JsonResponse:
    """200 while the database answers; ``worker`` tells whether the queue moves, for those who watch both."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"database": "ok", "worker": "ok" if queue.alive() else "silent"})
