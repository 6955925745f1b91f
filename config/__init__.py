"""Configuration: one TOML file per environment, read once into frozen, typed settings."""
