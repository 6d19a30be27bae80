"""Syncs, runs and records in the browser: parse, call one service, answer."""
