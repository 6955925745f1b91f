"""The execution plane: container contract, child processes, images."""
