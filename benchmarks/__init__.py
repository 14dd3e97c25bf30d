"""What Stronghouse costs, measured: `python -m benchmarks` (or `make bench`) prints everything."""
