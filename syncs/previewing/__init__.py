"""Previews: runs on a copy that write nothing."""
