"""Runs every benchmark, one after another: each is a module of this package with a `main`."""

import importlib
import pkgutil
import sys

import benchmarks


def run_all() -> int:
    """The exit code: 1 if a benchmark measured something beyond its limit."""
    failed = 0
    for module in sorted(pkgutil.iter_modules(benchmarks.__path__), key=lambda found: found.name):
        if module.name.startswith("_"):
            continue
        print(f"\n== {module.name}", flush=True)
        failed |= bool(importlib.import_module(f"benchmarks.{module.name}").main())
    return failed


sys.exit(run_all())
