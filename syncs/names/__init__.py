"""Which names mean the same company."""
