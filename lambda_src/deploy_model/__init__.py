"""Queue consumer: brings the serving stack to the latest approved model package."""
