"""The schema's revisions, run by `storage.migrate`."""
