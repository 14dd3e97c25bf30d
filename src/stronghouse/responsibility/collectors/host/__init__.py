"""Looking at the operating system of a machine: its settings, updates, SSH server, firewall, accounts and ports."""
