"""``python -m warmfold.cli``."""

from warmfold.cli.main import main

if __name__ == "__main__":
    main()
