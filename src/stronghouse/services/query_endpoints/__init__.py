"""Query endpoints: which API keys may send SQL to a service through the queries host, as which database role."""
