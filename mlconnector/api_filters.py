"""Filters that more than one app uses."""

from __future__ import annotations

from django import forms
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field

LARGEST_ID = 2**63 - 1


@extend_schema_field({"type": "integer", "format": "int64", "minimum": 0, "maximum": LARGEST_ID})
class IdFilter(filters.NumberFilter):
    """The ID of a row: a whole number, never rounded from something else."""

    field_class = forms.IntegerField

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, min_value=0, max_value=LARGEST_ID, **kwargs)
