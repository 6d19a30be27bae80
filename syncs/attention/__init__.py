"""What needs a person: causes, matches, drafts, and what was done about them."""
