"""A tenant's own fields beside the standard mapping."""
