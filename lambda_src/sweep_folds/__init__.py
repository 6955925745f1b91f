"""Schedule target: stops the fold jobs of trials that have ended, and ends their warm pools."""
