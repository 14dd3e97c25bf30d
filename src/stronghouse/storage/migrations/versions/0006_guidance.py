"""Tables of guidance."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create them."""
