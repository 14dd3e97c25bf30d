"""Tables of history and notifications."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create them."""
