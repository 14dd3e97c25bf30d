"""Telling people what changed: channels of an organization, digests, delivery through apprise in a process of its own.

Invariant: a channel's URL is a secret. It is sealed at rest, goes to the sending process over its standard input, and
stands in no log, error or answer.
"""
