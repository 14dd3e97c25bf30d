"""Organizations: what owns services, keys and members."""
