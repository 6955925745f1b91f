"""Puts the packages of all projects here on the path of their tests."""

import sys
from pathlib import Path

sys.path += [str(folder) for folder in sorted(Path(__file__).parent.glob("*/src"))]
