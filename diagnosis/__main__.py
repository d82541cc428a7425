"""``python -m diagnosis``: the command line."""

from diagnosis.cli import main

if __name__ == "__main__":
    main()
