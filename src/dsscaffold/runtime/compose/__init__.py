"""Read compose.yaml as `up --local` needs it: pure, no process, no port, no network."""
