"""What the derived states were over time. It is history only: nothing reads it as the present."""
