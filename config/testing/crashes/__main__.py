"""`python -m config.testing.crashes payments.sandbox …`: a program's `main`, dying where it is told to."""

import sys
from importlib import import_module

from config.testing.crashes import watch_places

if __name__ == "__main__":
    program = import_module(f"{sys.argv[1]}.__main__")
    sys.argv = sys.argv[1:]
    watch_places()
    sys.exit(program.main())
