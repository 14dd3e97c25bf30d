"""What an organization asks of its members' sign-ins: a second factor, and when sessions end."""
