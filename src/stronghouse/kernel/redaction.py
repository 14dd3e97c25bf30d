"""What never stands in a log, whoever writes it."""

REDACTED = "***"
SENSITIVE_KEYS = frozenset(
    {
        "password",
        "secret",
        "token",
        "key",
        "authorization",
        "cookie",
        "data_key",
        "key_secret",
        "credentials",
        "sql",
        "query",
    }
)
