"""The servers that stand in for containers: each knows its data folder, its command and its probe."""
