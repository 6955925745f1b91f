"""The local cloud: AWS's APIs on 127.0.0.1, executing what was deployed to it."""
