"""One check a file: `META` says what it is, `evaluate` judges facts and sees nothing else. The name is its id."""
