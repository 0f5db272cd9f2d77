"""What a generated repository is: names, catalogue, manifest and plan. Pure but for reading files."""
