"""Integrations: the only modules that know two vocabularies. Each package offers ``INTEGRATION``."""
