"""Addresses that come back from a form: only those of this console are followed."""


def local_path(text: str, *, otherwise: str = "/") -> str:
    r"""`text` if it is a path of this origin, else `otherwise`: nobody is led elsewhere by a link that somebody made.

    Browsers read `//host`, `/\host` and addresses with tabs or line ends in them as other hosts (WHATWG URL).
    """
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if plain else otherwise
