"""What a pipeline run is doing: read from AWS's APIs, kept as plain records, shown live."""
