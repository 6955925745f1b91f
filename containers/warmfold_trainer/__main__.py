"""Entry point of the trainer image."""

import sys

from warmfold_trainer.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
