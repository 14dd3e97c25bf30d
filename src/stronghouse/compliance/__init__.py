"""What is handed to an auditor: a package of evidence for a period that can be checked offline.

Invariants: a package is complete and verified before anyone can download it; nothing in it belongs to an organization
other than the one that asked; the audit log commits to its manifest.
"""
